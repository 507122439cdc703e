//! The form that requests a report by value, days and format, and the list of one's own reports. A report that is ready
//! within a second is downloaded at once; any other has a progress page.

use std::time::Duration;

use askama::Template;
use axum::extract::Form;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::context::PageResult;
use super::job::{job_path, state_text};
use super::registration_access::{CampaignAccess, visible_labels};
use crate::app::App;
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use crate::web::report::{ALL_VALUES, file_name, report_event, request_refresh, resolve_selection};
use jornada_domain::day_range::parse_optional_day;
use jornada_domain::job::{ReportFormat, ReportRequest};
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{JobState, RegistrationSelection, ReportJob};
use jornada_service::reports::request::{RequestOutcome, request_report};

/// Time limit of waiting for the file.
const FILE_TIMEOUT: Duration = Duration::from_secs(1);
/// Polling interval.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReportForm {
    value: String,
    from: String,
    until: String,
    format: String,
}

pub(super) async fn show_form(access: CampaignAccess) -> PageResult {
    let form = ReportForm {
        format: ReportFormat::Xlsx.to_string(),
        ..ReportForm::default()
    };
    render_page(&access, FilledForm::new(form)).await
}

pub(super) async fn submit_form(
    access: CampaignAccess,
    Form(form): Form<ReportForm>,
) -> PageResult {
    let (app, campaign) = (&access.app, &access.campaign);
    let (selection, format) = match form.parse(&access) {
        Ok(read) => read,
        Err(problem) => return render_page(&access, FilledForm::rejected(form, problem)).await,
    };
    let (value, staff) = (&form.value, &access.principal);
    let chosen = resolve_selection(app, campaign, value, staff, &access.audit).await?;
    let request = ReportRequest {
        campaign: campaign.id.clone(),
        selection: RegistrationSelection {
            tally_value: chosen.tally_value,
            ..selection
        },
        format,
        lang: access.lang,
        base_url: access.base_url(),
    };
    let event = report_event(AuditAction::Report, campaign, &request.selection);
    access.record(event.with_detail("format", format)).await?;
    request_refresh(app, campaign).await;
    let (requester, now) = (staff.actor(), Timestamp::now());
    let ordered = request_report(&app.store, &app.object_store, request, &requester, now);
    let problem = match Box::pin(ordered).await? {
        RequestOutcome::Job(job) => return redirect_to_job(&access, *job).await,
        RequestOutcome::TooManyLive => text!(access.lang, "staff-reports-too-many-live"),
        RequestOutcome::TooManyStored => text!(access.lang, "staff-reports-too-many-stored"),
    };
    render_page(&access, FilledForm::rejected(form, problem)).await
}

/// Redirects to the file if it is ready soon, else to the progress page.
async fn redirect_to_job(access: &CampaignAccess, job: ReportJob) -> PageResult {
    access.app.job_added.notify_one();
    info!(job = %job.id, staff = access.principal.log_name(), "requested a report");
    let job = wait_for_file(&access.app, job).await?;
    let below = match job.state {
        JobState::Done(_) => "/file",
        _ => "",
    };
    Ok(access.redirect(&job_path(&job, below)))
}

/// Waits up to [`FILE_TIMEOUT`] for the job to end, and returns its last state.
async fn wait_for_file(app: &App, mut job: ReportJob) -> Result<ReportJob, Error> {
    let since = std::time::Instant::now();
    while job.state.is_live() && since.elapsed() < FILE_TIMEOUT {
        tokio::time::sleep(POLL_INTERVAL).await;
        job = app.store.job(job.id).await?.ok_or(Error::NoSuchReport)?;
    }
    Ok(job)
}

impl ReportForm {
    /// Parses days and format. The value is looked up elsewhere. The error is the text for the user.
    fn parse(
        &self,
        access: &CampaignAccess,
    ) -> Result<(RegistrationSelection, ReportFormat), &'static str> {
        if self.value.is_empty() {
            return Err(text!(access.lang, "staff-reports-choose-value"));
        }
        let format = self.format.parse();
        let format = format.map_err(|_| text!(access.lang, "staff-reports-choose-format"))?;
        let wrong = |_| text!(access.lang, "staff-reports-check-dates");
        let (first, last) = (
            parse_optional_day(&self.from).map_err(wrong)?,
            parse_optional_day(&self.until).map_err(wrong)?,
        );
        let selection =
            RegistrationSelection::all().between_days(first, last, &access.campaign.time_zone);
        let in_order = || text!(access.lang, "staff-reports-dates-reversed");
        Ok((selection.ok_or_else(in_order)?, format))
    }
}

async fn render_page(access: &CampaignAccess, form: FilledForm<ReportForm>) -> PageResult {
    let (store, requester) = (&access.app.store, access.principal.actor());
    let page = ReportsPage {
        visit: access,
        values: selectable_values(access),
        jobs: store
            .jobs_requested_by(&access.campaign.id, &requester)
            .await?,
        form: &form,
    };
    Ok(form.render(&page))
}

/// Returns the values to choose from: the reader's places or, without a limit, every value that has registrations.
fn selectable_values(access: &CampaignAccess) -> Vec<String> {
    let theirs = visible_labels(access);
    if !theirs.is_empty() {
        return theirs;
    }
    let shown = access.app.live_totals.latest(&access.campaign.id);
    let counts = shown.iter().flat_map(|shown| &shown.values);
    let mut values: Vec<_> = counts.map(|count| count.value.clone()).collect();
    values.sort_by_cached_key(|value| jornada_domain::text::fold(value));
    values
}

#[derive(Template)]
#[template(path = "staff/reports.html")]
struct ReportsPage<'a> {
    visit: &'a CampaignAccess,
    values: Vec<String>,
    jobs: Vec<ReportJob>,
    form: &'a FilledForm<ReportForm>,
}

impl ReportsPage<'_> {
    fn is_chosen(&self, value: &str) -> bool {
        self.form.values.value == value
    }

    fn job_link(&self, job: &ReportJob) -> String {
        self.visit.link(&job_path(job, ""))
    }

    fn name(&self, job: &ReportJob) -> String {
        let (visit, request) = (self.visit, &job.request);
        file_name(
            &visit.app,
            &visit.campaign,
            &request.selection,
            request.format,
        )
    }

    fn state(&self, job: &ReportJob) -> &'static str {
        state_text(job, self.visit.lang)
    }
}
