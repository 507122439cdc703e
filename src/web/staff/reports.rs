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

use super::guard::Desk;
use super::job::{NEED, address, state_words};
use super::route::Route;
use super::scribe::{Action, Scribe};
use crate::domain::job::{Format, Wanted};
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Job, JobState, Selection};
use crate::report::order::{Ordered, order};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};
use crate::web::report::{ALL, ask_refresh, day, deed, file_name, select};

pub(super) const PATH: &str = "/staff/c/{campaign}/reports";

/// How long the form waits for the file, and how often it polls.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Routes of the form and the list.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PATH, NEED, look), Route::post(PATH, NEED, ask)]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    value: String,
    from: String,
    until: String,
    format: String,
}

async fn look(
    State(app): State<AppState>,
    desk: Desk,
    Path(campaign): Path<String>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let typed = Typed {
        format: Format::Xlsx.extension().to_owned(),
        ..Typed::default()
    };
    answer(&app, &desk, campaign, &typed, None).await
}

async fn ask(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path(campaign): Path<String>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let (selection, format) = match typed.read(&desk.visit, campaign) {
        Ok(read) => read,
        Err(problem) => return answer(&app, &desk, campaign, &typed, Some(problem)).await,
    };
    let chosen = select(&app, campaign, &typed.value, &desk.staff, &scribe).await?;
    let wanted = Wanted {
        campaign: campaign.id.clone(),
        selection: Selection {
            value: chosen.value,
            ..selection
        },
        format,
        lang: desk.visit.lang,
        base: app.base_url(&headers),
    };
    let deed = deed(Action::Report, campaign, &wanted.selection);
    let deed = deed.with("format", format.extension());
    scribe.note(&app, deed).await?;
    ask_refresh(&app, campaign).await;
    let (store, asker) = (&app.store, desk.staff.actor());
    let ordered = order(store, &app.object_store, wanted, &asker, Timestamp::now());
    let problem = match Box::pin(ordered).await? {
        Ordered::Job(job) => return lead(&app, &desk, *job).await,
        Ordered::TooMany => desk.visit.say(
            "Ya tiene varias listas en preparación. Espere a que terminen, o cancele alguna.",
            "Several lists of yours are being made already. Wait for them, or cancel one.",
        ),
        Ordered::TooManyKept => desk.visit.say(
            "Ya tiene 200 listas. Cada una se borra un día después de hecha: pida otra cuando se borre la primera.",
            "You have 200 lists already. Each is removed a day after it was made: ask for another once the first is gone.",
        ),
    };
    answer(&app, &desk, campaign, &typed, Some(problem)).await
}

/// Redirects to the file if it is ready soon, else to the progress page.
async fn lead(app: &AppState, desk: &Desk, job: Job) -> Result<Response, Error> {
    app.job_added.notify_one();
    info!(job = %job.id, staff = desk.staff.logged(), "requested a report");
    let job = soon(app, job).await?;
    let page = match job.state {
        JobState::Done(_) => address(&job, "/file"),
        _ => address(&job, ""),
    };
    Ok(Redirect::to(&desk.visit.link(&page)).into_response())
}

/// Waits up to [`PATIENCE`] for the job to end, and returns its last state.
async fn soon(app: &AppState, mut job: Job) -> Result<Job, Error> {
    let since = std::time::Instant::now();
    while job.state.is_live() && since.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK_EVERY).await;
        job = app.store.job(job.id).await?.ok_or(Error::NoSuchReport)?;
    }
    Ok(job)
}

impl Typed {
    /// Parses days and format. The value is looked up elsewhere. The error is the text for the user.
    fn read<'a>(
        &self,
        visit: &'a Visit,
        campaign: &Campaign,
    ) -> Result<(Selection, Format), &'a str> {
        if self.value.is_empty() {
            return Err(visit.say("Elija de qué es la lista.", "Choose what the list is of."));
        }
        let format = Format::from_extension(&self.format);
        let format =
            format.ok_or_else(|| visit.say("Elija un formato.", "Choose a kind of file."))?;
        let wrong = |_| {
            visit.say(
                "Revise las fechas: año-mes-día, como 2026-11-21.",
                "Check the dates: year-month-day, such as 2026-11-21.",
            )
        };
        let (first, last) = (
            day(&self.from).map_err(wrong)?,
            day(&self.until).map_err(wrong)?,
        );
        let selection = Selection::all().on(first, last, &campaign.time_zone);
        let in_order = || {
            visit.say(
                "La primera fecha es posterior a la última.",
                "The first date is later than the last.",
            )
        };
        Ok((selection.ok_or_else(in_order)?, format))
    }
}

async fn answer(
    app: &AppState,
    desk: &Desk,
    campaign: &Campaign,
    typed: &Typed,
    problem: Option<&str>,
) -> Result<Response, Error> {
    let status = match problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let asker = desk.staff.actor();
    let page = ReportsPage {
        visit: &desk.visit,
        desk,
        campaign,
        values: values(app, desk, campaign),
        jobs: app.store.jobs_of(&campaign.id, &asker).await?,
        typed,
        problem,
    };
    Ok(show(status, &page))
}

/// Returns the values to choose from: the reader's places or, without a limit, every value that has registrations.
fn values(app: &AppState, desk: &Desk, campaign: &Campaign) -> Vec<String> {
    let theirs = desk.staff.values(campaign);
    if !theirs.is_empty() {
        return theirs;
    }
    let shown = app.live_totals.read(&campaign.id);
    let counts = shown.map_or_else(Vec::new, |shown| shown.values.clone());
    let mut values: Vec<_> = counts.into_iter().map(|count| count.value).collect();
    values.sort_by_cached_key(|value| crate::domain::text::fold(value));
    values
}

#[derive(Template)]
#[template(path = "staff/reports.html")]
struct ReportsPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    campaign: &'a Campaign,
    values: Vec<String>,
    jobs: Vec<Job>,
    typed: &'a Typed,
    problem: Option<&'a str>,
}

impl ReportsPage<'_> {
    fn page(&self) -> String {
        let page = format!("/staff/c/{}/reports", self.campaign.id);
        self.visit.link(&page)
    }

    fn by(&self) -> &str {
        self.visit.read(&self.campaign.tallied().label)
    }

    fn is_chosen(&self, value: &str) -> bool {
        self.typed.value == value
    }

    fn job(&self, job: &Job) -> String {
        self.visit.link(&address(job, ""))
    }

    fn name(&self, job: &Job) -> String {
        file_name(self.campaign, &job.wanted.selection, job.wanted.format)
    }

    fn made(&self, job: &Job) -> String {
        self.visit.moment(&job.made_at, &self.campaign.time_zone)
    }

    fn state(&self, job: &Job) -> &'static str {
        state_words(job, self.visit.lang)
    }
}
