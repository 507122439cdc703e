//! The form that requests a report by value, days and format, and the list of one's own reports. A report that is ready
//! within a second is downloaded at once; any other has a progress page.

use std::time::Duration;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::guard::StaffContext;
use super::job::{NEED, job_path, state_text};
use super::request_audit::{AuditAction, RequestAudit};
use super::route::Route;
use crate::domain::day_range::parse_optional_day;
use crate::domain::job::{ReportFormat, ReportRequest};
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Job, JobState, Selection};
use crate::report::request::{RequestOutcome, request_report};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{PageContext, render};
use crate::web::report::{ALL_VALUES, file_name, report_event, request_refresh, resolve_selection};

pub(super) const PATH: &str = "/staff/c/{campaign}/reports";

/// Time limit of waiting for the file.
const FILE_TIMEOUT: Duration = Duration::from_secs(1);
/// Polling interval.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Routes of the form and the list.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, NEED, show_form),
        Route::post(PATH, NEED, submit_form),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ReportForm {
    value: String,
    from: String,
    until: String,
    format: String,
}

async fn show_form(
    State(app): State<AppState>,
    context: StaffContext,
    Path(campaign): Path<String>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let form = ReportForm {
        format: ReportFormat::Xlsx.extension().to_owned(),
        ..ReportForm::default()
    };
    render_page(&app, &context, campaign, &form, None).await
}

async fn submit_form(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Path(campaign): Path<String>,
    headers: HeaderMap,
    Form(form): Form<ReportForm>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let (selection, format) = match form.parse(&context.visit, campaign) {
        Ok(read) => read,
        Err(problem) => return render_page(&app, &context, campaign, &form, Some(problem)).await,
    };
    let chosen = resolve_selection(
        &app,
        campaign,
        &form.value,
        &context.principal,
        &request_audit,
    )
    .await?;
    let request = ReportRequest {
        campaign: campaign.id.clone(),
        selection: Selection {
            tally_value: chosen.tally_value,
            ..selection
        },
        format,
        lang: context.visit.lang,
        base_url: app.base_url(&headers),
    };
    let event = report_event(AuditAction::Report, campaign, &request.selection);
    let event = event.with_detail("format", format.extension());
    request_audit.record(&app, event).await?;
    request_refresh(&app, campaign).await;
    let (store, asker) = (&app.store, context.principal.actor());
    let ordered = request_report(store, &app.object_store, request, &asker, Timestamp::now());
    let problem = match Box::pin(ordered).await? {
        RequestOutcome::Job(job) => return redirect_to_job(&app, &context, *job).await,
        RequestOutcome::TooManyLive => context.visit.say(
            "Ya tiene varias listas en preparación. Espere a que terminen, o cancele alguna.",
            "Several lists of yours are being made already. Wait for them, or cancel one.",
        ),
        RequestOutcome::TooManyStored => context.visit.say(
            "Ya tiene 200 listas. Cada una se borra un día después de hecha: pida otra cuando se borre la primera.",
            "You have 200 lists already. Each is removed a day after it was made: ask for another once the first is gone.",
        ),
    };
    render_page(&app, &context, campaign, &form, Some(problem)).await
}

/// Redirects to the file if it is ready soon, else to the progress page.
async fn redirect_to_job(
    app: &AppState,
    context: &StaffContext,
    job: Job,
) -> Result<Response, Error> {
    app.job_added.notify_one();
    info!(job = %job.id, staff = context.principal.log_name(), "requested a report");
    let job = wait_for_file(app, job).await?;
    let page = match job.state {
        JobState::Done(_) => job_path(&job, "/file"),
        _ => job_path(&job, ""),
    };
    Ok(Redirect::to(&context.visit.link(&page)).into_response())
}

/// Waits up to [`FILE_TIMEOUT`] for the job to end, and returns its last state.
async fn wait_for_file(app: &AppState, mut job: Job) -> Result<Job, Error> {
    let since = std::time::Instant::now();
    while job.state.is_live() && since.elapsed() < FILE_TIMEOUT {
        tokio::time::sleep(POLL_INTERVAL).await;
        job = app.store.job(job.id).await?.ok_or(Error::NoSuchReport)?;
    }
    Ok(job)
}

impl ReportForm {
    /// Parses days and format. The value is looked up elsewhere. The error is the text for the user.
    fn parse<'a>(
        &self,
        visit: &'a PageContext,
        campaign: &Campaign,
    ) -> Result<(Selection, ReportFormat), &'a str> {
        if self.value.is_empty() {
            return Err(visit.say("Elija de qué es la lista.", "Choose what the list is of."));
        }
        let format = ReportFormat::from_extension(&self.format);
        let format =
            format.ok_or_else(|| visit.say("Elija un formato.", "Choose a kind of file."))?;
        let wrong = |_| {
            visit.say(
                "Revise las fechas: año-mes-día, como 2026-11-21.",
                "Check the dates: year-month-day, such as 2026-11-21.",
            )
        };
        let (first, last) = (
            parse_optional_day(&self.from).map_err(wrong)?,
            parse_optional_day(&self.until).map_err(wrong)?,
        );
        let selection = Selection::all().between_days(first, last, &campaign.time_zone);
        let in_order = || {
            visit.say(
                "La primera fecha es posterior a la última.",
                "The first date is later than the last.",
            )
        };
        Ok((selection.ok_or_else(in_order)?, format))
    }
}

async fn render_page(
    app: &AppState,
    context: &StaffContext,
    campaign: &Campaign,
    form: &ReportForm,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let asker = context.principal.actor();
    let page = ReportsPage {
        visit: &context.visit,
        context,
        campaign,
        values: selectable_values(app, context, campaign),
        jobs: app.store.jobs_requested_by(&campaign.id, &asker).await?,
        form,
        problem,
    };
    Ok(render(status, &page))
}

/// Returns the values to choose from: the reader's places or, without a limit, every value that has registrations.
fn selectable_values(app: &AppState, context: &StaffContext, campaign: &Campaign) -> Vec<String> {
    let theirs = context.principal.visible_values(campaign);
    if !theirs.is_empty() {
        return theirs;
    }
    let shown = app.live_totals.latest(&campaign.id);
    let counts = shown.map_or_else(Vec::new, |shown| shown.values.clone());
    let mut values: Vec<_> = counts.into_iter().map(|count| count.value).collect();
    values.sort_by_cached_key(|value| crate::domain::text::fold(value));
    values
}

#[derive(Template)]
#[template(path = "staff/reports.html")]
struct ReportsPage<'a> {
    visit: &'a PageContext,
    context: &'a StaffContext,
    campaign: &'a Campaign,
    values: Vec<String>,
    jobs: Vec<Job>,
    form: &'a ReportForm,
    problem: Option<&'a str>,
}

impl ReportsPage<'_> {
    fn page_link(&self) -> String {
        let page = format!("/staff/c/{}/reports", self.campaign.id);
        self.visit.link(&page)
    }

    fn field_label(&self) -> &str {
        self.visit.localized(&self.campaign.tally_field().label)
    }

    fn is_chosen(&self, value: &str) -> bool {
        self.form.value == value
    }

    fn job_link(&self, job: &Job) -> String {
        self.visit.link(&job_path(job, ""))
    }

    fn name(&self, job: &Job) -> String {
        file_name(self.campaign, &job.request.selection, job.request.format)
    }

    fn requested_at(&self, job: &Job) -> String {
        self.visit
            .date_time(&job.created_at, &self.campaign.time_zone)
    }

    fn state(&self, job: &Job) -> &'static str {
        state_text(job, self.visit.lang)
    }
}
