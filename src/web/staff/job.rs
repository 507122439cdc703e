//! One report that is made in the background: how far it is, its end by who asked for it, and its file. Whoever did not
//! ask for it is told that there is none.

use askama::Template;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Serialize;
use tracing::info;
use uuid::Uuid;

use super::guard::Desk;
use super::reports::NEED;
use super::route::Route;
use super::scribe::{Action, Scribe};
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Job, JobState, Lang};
use crate::intake::photos::KeeperError;
use crate::photo::{FileKey, PhotosError};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};
use crate::web::report::{attach, deed, file_name, sees};

/// The page, what its script asks for, its form, and the file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/staff/c/{campaign}/reports/{id}", NEED, look),
        Route::get("/staff/c/{campaign}/reports/{id}/progress", NEED, progress),
        Route::post("/staff/c/{campaign}/reports/{id}/cancel", NEED, cancel),
        Route::get("/staff/c/{campaign}/reports/{id}/file", NEED, file),
    ]
}

/// The address of a job's page, or of something under it.
pub(super) fn address(job: &Job, under: &str) -> String {
    let campaign = &job.wanted.campaign;
    format!("/staff/c/{campaign}/reports/{}{under}", job.id)
}

/// The word for what became of a job.
pub(super) fn state_words(job: &Job, lang: Lang) -> &'static str {
    match job.state {
        JobState::Waiting => lang.pick("En espera", "Waiting"),
        JobState::Running => lang.pick("En preparación", "Being made"),
        JobState::Done(_) => lang.pick("Lista", "Ready"),
        JobState::Failed => lang.pick("Falló", "Failed"),
        JobState::Cancelled => lang.pick("Cancelada", "Cancelled"),
    }
}

/// The job of this name, if it is for whoever asks; the record tells of who asks for what is not theirs.
async fn find(
    app: &AppState,
    desk: &Desk,
    scribe: &Scribe,
    campaign: &Campaign,
    id: &str,
) -> Result<Job, Error> {
    let id = Uuid::parse_str(id).map_err(|_| Error::NoSuchReport)?;
    let found = app.intake.store.job(id).await?;
    let found = found.filter(|job| job.wanted.campaign == campaign.id);
    let job = found.ok_or(Error::NoSuchReport)?;
    let asked = job.askers.contains(&desk.staff.actor());
    let is_theirs = asked || desk.staff.may(Permission::Accounts);
    if is_theirs && sees(&desk.staff, &job.wanted.selection) {
        return Ok(job);
    }
    let deed = deed(Action::Refused, campaign, &job.wanted.selection);
    scribe.note(app, deed).await?;
    Err(Error::NoSuchReport)
}

async fn look(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let job = find(&app, &desk, &scribe, campaign, &id).await?;
    let page = JobPage {
        visit: &desk.visit,
        desk: &desk,
        campaign,
        seen: Seen::of(&job, &desk.visit),
        job,
    };
    Ok(show(StatusCode::OK, &page))
}

async fn progress(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let job = find(&app, &desk, &scribe, campaign, &id).await?;
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((headers, Json(Seen::of(&job, &desk.visit))).into_response())
}

async fn cancel(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let job = find(&app, &desk, &scribe, campaign, &id).await?;
    if app
        .intake
        .store
        .cancel_job(job.id, Timestamp::now())
        .await?
    {
        info!(job = %job.id, staff = desk.staff.actor(), "cancelled a report");
    }
    let page = desk.visit.link(&address(&job, ""));
    Ok(Redirect::to(&page).into_response())
}

async fn file(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let job = find(&app, &desk, &scribe, campaign, &id).await?;
    let known = job.file().ok_or(Error::NoSuchReport)?;
    let key = FileKey::of(&job, job.attempt);
    let (wanted, rows) = (&job.wanted, job.rows);
    let deed = |action| {
        deed(action, campaign, &wanted.selection)
            .with("format", wanted.format.extension())
            .with("rows", rows)
    };
    let found = app.intake.photos.file(&key, known).await;
    if let Err(KeeperError::Photos(PhotosError::Altered)) = found {
        scribe.note(&app, deed(Action::ReportAltered)).await?;
    }
    let chunks = found?.ok_or(Error::NoSuchReport)?;
    scribe.note(&app, deed(Action::ReportFile)).await?;
    info!(job = %job.id, rows, staff = desk.staff.actor(), "gave out a report");
    let name = file_name(campaign, &wanted.selection, wanted.format);
    let body = Body::from_stream(chunks);
    Ok(attach(body, known.bytes, rows, wanted.format, &name))
}

/// How far a job is, as its page shows it.
#[derive(Debug, Serialize)]
struct Seen {
    state: &'static str,
    rows: u64,
    /// Rows that there will be, once that is known.
    of: Option<u64>,
    /// The same in words.
    words: String,
}

impl Seen {
    fn of(job: &Job, visit: &Visit) -> Self {
        let of = job.basis.map(|basis| basis.rows);
        Self {
            state: job.state.name(),
            rows: job.rows,
            of,
            words: words(job, of, visit),
        }
    }
}

fn words(job: &Job, of: Option<u64>, visit: &Visit) -> String {
    let lang = visit.lang;
    match (job.state, of) {
        (JobState::Running, None) => lang.pick("Contando…", "Counting…").to_owned(),
        (JobState::Running, Some(of)) if job.rows < of => {
            let (rows, of) = (visit.count(job.rows), visit.count(of));
            lang.pick(
                format!("{rows} de {of} filas"),
                format!("{rows} of {of} rows"),
            )
        }
        (JobState::Running, Some(_)) => lang
            .pick("Guardando el archivo…", "Saving the file…")
            .to_owned(),
        (JobState::Done(_), _) if job.rows == 1 => {
            lang.pick("Lista: 1 fila", "Ready: 1 row").to_owned()
        }
        (JobState::Done(_), _) => {
            let rows = visit.count(job.rows);
            lang.pick(
                format!("Lista: {rows} filas"),
                format!("Ready: {rows} rows"),
            )
        }
        (JobState::Failed, _) => lang
            .pick(
                "No se pudo hacer la lista. Pídala otra vez.",
                "The list could not be made. Ask for it again.",
            )
            .to_owned(),
        (JobState::Waiting | JobState::Cancelled, _) => state_words(job, lang).to_owned(),
    }
}

#[derive(Template)]
#[template(path = "staff/job.html")]
struct JobPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    campaign: &'a Campaign,
    job: Job,
    seen: Seen,
}

impl JobPage<'_> {
    fn name(&self) -> String {
        let wanted = &self.job.wanted;
        file_name(self.campaign, &wanted.selection, wanted.format)
    }

    fn at(&self, under: &str) -> String {
        self.visit.link(&address(&self.job, under))
    }

    fn all(&self) -> String {
        let page = format!("/staff/c/{}/reports", self.campaign.id);
        self.visit.link(&page)
    }

    fn is_live(&self) -> bool {
        self.job.state.is_live()
    }

    fn is_done(&self) -> bool {
        self.job.file().is_some()
    }

    /// At most the whole, as long as the file is not there.
    fn most(&self) -> u64 {
        self.seen.of.unwrap_or(1).max(1)
    }

    fn kept_until(&self) -> Option<String> {
        let until = self.job.kept_until()?;
        Some(self.visit.moment(&until, &self.campaign.time_zone))
    }
}
