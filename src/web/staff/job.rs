//! A background report job: progress page, cancellation and file. Only requesters and admins may see it; for others it
//! does not exist (404).

use std::io;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use serde::Serialize;
use tracing::info;
use uuid::Uuid;

use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::{Action, Deed, Scribe};
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Job, JobState, Lang};
use crate::intake::photos::KeeperError;
use crate::photo::seal::is_altered;
use crate::photo::{FileKey, PhotosError};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};
use crate::web::report::{attach, deed, file_name, sees};

/// Requirement of every page about reports.
pub(super) const NEED: Need = Need::Permission(Permission::Report);

/// Routes of the page, the progress as JSON, the cancellation, and the file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/staff/c/{campaign}/reports/{id}", NEED, look),
        Route::get("/staff/c/{campaign}/reports/{id}/progress", NEED, progress),
        Route::post("/staff/c/{campaign}/reports/{id}/cancel", NEED, cancel),
        Route::get("/staff/c/{campaign}/reports/{id}/file", NEED, file),
    ]
}

/// Returns the path of a job's page, or of a route below it.
pub(super) fn address(job: &Job, under: &str) -> String {
    let campaign = &job.wanted.campaign;
    format!("/staff/c/{campaign}/reports/{}{under}", job.id)
}

/// Returns the name of a job's state.
pub(super) fn state_words(job: &Job, lang: Lang) -> &'static str {
    match job.state {
        JobState::Waiting => lang.pick("En espera", "Waiting"),
        JobState::Running => lang.pick("En preparación", "Being made"),
        JobState::Done(_) => lang.pick("Lista", "Ready"),
        JobState::Failed => lang.pick("Falló", "Failed"),
        JobState::Cancelled => lang.pick("Cancelada", "Cancelled"),
    }
}

/// A job that the reader may see. Extractor for paths with a campaign and a job id.
struct Asked {
    app: AppState,
    desk: Desk,
    scribe: Scribe,
    campaign: Arc<Campaign>,
    job: Job,
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        let Path((campaign, id)) = path.map_err(|_| Error::NoSuchPage)?;
        let desk = Desk::from_request_parts(parts, app).await?;
        let scribe = Scribe::from_request_parts(parts, app).await?;
        let campaign = app.campaign(&campaign)?.clone();
        let id = Uuid::parse_str(&id).map_err(|_| Error::NoSuchReport)?;
        let found = app.store.job(id).await?;
        let found = found.filter(|job| job.wanted.campaign == campaign.id);
        let asked = Self {
            app: app.clone(),
            desk,
            scribe,
            campaign,
            job: found.ok_or(Error::NoSuchReport)?,
        };
        if !asked.is_theirs() {
            asked.note(asked.deed(Action::Refused)).await?;
            return Err(Error::NoSuchReport);
        }
        Ok(asked)
    }
}

impl Asked {
    fn is_theirs(&self) -> bool {
        let staff = &self.desk.staff;
        let asked = self.job.askers.contains(&staff.actor());
        (asked || staff.may(Permission::Accounts)) && sees(staff, &self.job.wanted.selection)
    }

    fn deed(&self, action: Action) -> Deed {
        deed(action, &self.campaign, &self.job.wanted.selection)
    }

    /// Writes an audit entry about the job's file.
    async fn note_file(&self, action: Action) -> Result<(), Error> {
        let deed = self.deed(action);
        let deed = deed.with("format", self.job.wanted.format.extension());
        self.note(deed.with("rows", self.job.rows)).await
    }

    /// Writes an audit entry that the file was altered, and deletes it, so that the next request for the same report
    /// does not reuse it.
    async fn withdraw(&self) -> Result<(), Error> {
        self.note_file(Action::ReportAltered).await?;
        let key = FileKey::of(&self.job, self.job.attempt);
        let removed = self.app.object_store.remove_file(&key).await;
        Ok(removed.map_err(KeeperError::Photos)?)
    }

    async fn note(&self, deed: Deed) -> Result<(), Error> {
        self.scribe.note(&self.app, deed).await
    }

    fn seen(&self) -> Seen {
        Seen::of(&self.job, &self.desk.visit)
    }
}

async fn look(asked: Asked) -> Response {
    let page = JobPage {
        visit: &asked.desk.visit,
        desk: &asked.desk,
        campaign: &asked.campaign,
        seen: asked.seen(),
        job: &asked.job,
    };
    show(StatusCode::OK, &page)
}

async fn progress(asked: Asked) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, Json(asked.seen())).into_response()
}

async fn cancel(asked: Asked) -> Result<Redirect, Error> {
    let (job, store) = (&asked.job, &asked.app.store);
    asked.note(asked.deed(Action::ReportCancelled)).await?;
    if store.cancel_job(job.id, Timestamp::now()).await? {
        let staff = asked.desk.staff.logged();
        info!(job = %job.id, staff, "cancelled a report");
    }
    let page = asked.desk.visit.link(&address(job, ""));
    Ok(Redirect::to(&page))
}

async fn file(asked: Asked) -> Result<Response, Error> {
    let (job, wanted) = (&asked.job, &asked.job.wanted);
    let known = job.file().ok_or(Error::NoSuchReport)?;
    let key = FileKey::of(job, job.attempt);
    let found = asked.app.registrations.photos.file(&key, known).await;
    if let Err(KeeperError::Photos(PhotosError::Altered)) = found {
        asked.note_file(Action::ReportAltered).await?;
    }
    let chunks = found?.ok_or(Error::NoSuchReport)?;
    asked.note_file(Action::ReportFile).await?;
    let (rows, staff) = (job.rows, asked.desk.staff.logged());
    info!(job = %job.id, rows, staff, "sent a report");
    let name = file_name(&asked.campaign, &wanted.selection, wanted.format);
    let format = wanted.format;
    let body = Body::from_stream(watched(chunks, asked));
    Ok(attach(body, known.bytes, rows, format, &name))
}

/// Passes the chunks on. An altered chunk aborts the transfer, since the response has already started, and withdraws
/// the file.
fn watched(
    chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    asked: Asked,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let asked = Arc::new(asked);
    chunks.then(move |chunk| {
        let asked = Arc::clone(&asked);
        async move {
            if chunk.as_ref().is_err_and(is_altered)
                && let Err(error) = asked.withdraw().await
            {
                error.log();
            }
            chunk
        }
    })
}

/// The progress of a job, for its page and as JSON for the page's script.
#[derive(Debug, Serialize)]
struct Seen {
    state: &'static str,
    rows: u64,
    /// Total number of rows, once known.
    of: Option<u64>,
    /// The progress as text in the reader's language.
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
    job: &'a Job,
    seen: Seen,
}

impl JobPage<'_> {
    fn name(&self) -> String {
        let wanted = &self.job.wanted;
        file_name(self.campaign, &wanted.selection, wanted.format)
    }

    fn at(&self, under: &str) -> String {
        self.visit.link(&address(self.job, under))
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

    /// Returns the maximum of the progress bar; at least 1.
    fn most(&self) -> u64 {
        self.seen.of.unwrap_or(1).max(1)
    }

    fn kept_until(&self) -> Option<String> {
        let until = self.job.kept_until()?;
        Some(self.visit.moment(&until, &self.campaign.time_zone))
    }
}
