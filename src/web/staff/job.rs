//! A background report job: progress page, cancellation and file. Only requesters and admins may see it; for others it
//! does not exist (404).

use std::io;
use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use derive_more::Deref;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use serde::Serialize;
use tracing::info;
use uuid::Uuid;

use super::context::{PageResult, path_param};
use super::registration_access::CampaignAccess;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::report::{download_response, file_name, is_accessible, report_event};
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::{JobState, Lang, ReportJob};
use jornada_http::page::{PageContext, render};
use jornada_objects::encryption::is_altered;
use jornada_objects::{ObjectError, ObjectKey};
use jornada_service::registrations::photo_repository::PhotoError;

/// Returns the path of a job's page, or of a route below it.
pub(super) fn job_path(job: &ReportJob, under: &str) -> String {
    let campaign = &job.request.campaign;
    format!("/staff/c/{campaign}/reports/{}{under}", job.id)
}

/// Returns the name of a job's state.
pub(super) fn state_text(job: &ReportJob, lang: Lang) -> &'static str {
    match job.state {
        JobState::Queued => text!(lang, "staff-job-queued"),
        JobState::Running => text!(lang, "staff-job-running"),
        JobState::Done(_) => text!(lang, "staff-job-done"),
        JobState::Failed => text!(lang, "staff-job-failed"),
        JobState::Cancelled => text!(lang, "staff-job-cancelled"),
    }
}

/// A job that the reader may see. Extractor for paths with a campaign and a job id.
#[derive(Deref)]
pub(super) struct JobAccess {
    #[deref]
    access: CampaignAccess,
    job: ReportJob,
}

impl FromRequestParts<AppState> for JobAccess {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let access = CampaignAccess::from_request_parts(parts, app).await?;
        let id = path_param(parts, app, "id").await?;
        let id = Uuid::parse_str(&id).map_err(|_| Error::NoSuchReport)?;
        let found = app.store.job(id).await?;
        let found = found.filter(|job| job.request.campaign == access.campaign.id);
        let job = found.ok_or(Error::NoSuchReport)?;
        let access = Self { access, job };
        if !access.is_allowed() {
            let event = access.new_event(AuditAction::AccessDenied);
            access.record(event).await?;
            return Err(Error::NoSuchReport);
        }
        Ok(access)
    }
}

impl JobAccess {
    fn is_allowed(&self) -> bool {
        let staff = &self.principal;
        let is_requester = self.job.requesters.contains(&staff.actor());
        (is_requester || staff.may(Permission::Accounts))
            && is_accessible(staff, &self.job.request.selection)
    }

    fn new_event(&self, action: AuditAction) -> AuditEvent {
        report_event(action, &self.campaign, &self.job.request.selection)
    }

    /// Writes an audit entry about the job's file.
    async fn record_file_event(&self, action: AuditAction) -> Result<(), Error> {
        let event = self.new_event(action);
        let event = event.with_detail("format", self.job.request.format);
        self.record(event.with_detail("rows", self.job.rows)).await
    }

    /// Writes an audit entry that the file was altered, and deletes it, so that the next request for the same report
    /// does not reuse it.
    async fn withdraw_file(&self) -> Result<(), Error> {
        self.record_file_event(AuditAction::ReportAltered).await?;
        let key = ObjectKey::for_job(&self.job, self.job.attempt);
        let removed = self.app.object_store.remove(&key).await;
        Ok(removed.map_err(PhotoError::Objects)?)
    }

    fn progress(&self) -> JobProgress {
        JobProgress::new(&self.job, self)
    }
}

pub(super) async fn show_job(access: JobAccess) -> Response {
    let page = JobPage {
        progress: access.progress(),
        visit: &access,
    };
    render(StatusCode::OK, &page)
}

pub(super) async fn show_progress(access: JobAccess) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, Json(access.progress())).into_response()
}

pub(super) async fn cancel_job(access: JobAccess) -> PageResult {
    let job = &access.job;
    let store = &access.app.store;
    let event = access.new_event(AuditAction::ReportCancelled);
    access.record(event).await?;
    if store.cancel_job(job.id, Timestamp::now()).await? {
        let staff = access.principal.log_name();
        info!(job = %job.id, staff, "cancelled a report");
    }
    Ok(access.redirect(&job_path(job, "")))
}

pub(super) async fn download_file(access: JobAccess) -> PageResult {
    let (job, request) = (&access.job, &access.job.request);
    let known = job.file().ok_or(Error::NoSuchReport)?;
    let key = ObjectKey::for_job(job, job.attempt);
    let found = access.app.registrations.photos.read_file(&key, known).await;
    if let Err(PhotoError::Objects(ObjectError::Altered)) = found {
        access.record_file_event(AuditAction::ReportAltered).await?;
    }
    let chunks = found?.ok_or(Error::NoSuchReport)?;
    access.record_file_event(AuditAction::ReportFile).await?;
    let (rows, staff) = (job.rows, access.principal.log_name());
    info!(job = %job.id, rows, staff, "sent a report");
    let name = file_name(
        &access.app,
        &access.campaign,
        &request.selection,
        request.format,
    );
    let format = request.format;
    let body = Body::from_stream(withdraw_if_altered(chunks, access));
    Ok(download_response(body, known.bytes, rows, format, &name))
}

/// Passes the chunks on. An altered chunk aborts the transfer, since the response has already started, and withdraws
/// the file.
fn withdraw_if_altered(
    chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    access: JobAccess,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let access = Arc::new(access);
    chunks.then(move |chunk| {
        let access = Arc::clone(&access);
        async move {
            if chunk.as_ref().is_err_and(is_altered)
                && let Err(error) = access.withdraw_file().await
            {
                error.log();
            }
            chunk
        }
    })
}

/// The progress of a job, for its page and as JSON for the page's script.
#[derive(Debug, Serialize)]
struct JobProgress {
    state: &'static str,
    rows: u64,
    /// Total number of rows, once known.
    of: Option<u64>,
    /// The progress as text in the reader's language.
    words: String,
}

impl JobProgress {
    fn new(job: &ReportJob, visit: &PageContext) -> Self {
        let of = job.source_version.map(|basis| basis.rows);
        Self {
            state: job.state.into(),
            rows: job.rows,
            of,
            words: progress_text(job, of, visit),
        }
    }
}

fn progress_text(job: &ReportJob, of: Option<u64>, visit: &PageContext) -> String {
    let lang = visit.lang;
    match (job.state, of) {
        (JobState::Running, None) => text!(lang, "staff-job-counting").to_owned(),
        (JobState::Running, Some(of)) if job.rows < of => {
            let (rows, of) = (visit.count(job.rows), visit.count(of));
            text!(lang, "staff-job-rows", rows = rows, of = of)
        }
        (JobState::Running, Some(_)) => text!(lang, "staff-job-saving").to_owned(),
        (JobState::Done(_), _) if job.rows == 1 => text!(lang, "staff-job-one-row").to_owned(),
        (JobState::Done(_), _) => text!(lang, "staff-job-ready", rows = visit.count(job.rows)),
        (JobState::Failed, _) => text!(lang, "staff-job-failed-detail").to_owned(),
        (JobState::Queued | JobState::Cancelled, _) => state_text(job, lang).to_owned(),
    }
}

#[derive(Template)]
#[template(path = "staff/job.html")]
struct JobPage<'a> {
    visit: &'a JobAccess,
    progress: JobProgress,
}

impl JobPage<'_> {
    fn name(&self) -> String {
        let (visit, request) = (self.visit, &self.visit.job.request);
        file_name(
            &visit.app,
            &visit.campaign,
            &request.selection,
            request.format,
        )
    }

    fn link(&self, under: &str) -> String {
        self.visit.link(&job_path(&self.visit.job, under))
    }

    fn is_live(&self) -> bool {
        self.visit.job.state.is_live()
    }

    fn is_done(&self) -> bool {
        self.visit.job.file().is_some()
    }

    /// Returns the maximum of the progress bar; at least 1.
    fn max_rows(&self) -> u64 {
        self.progress.of.unwrap_or(1).max(1)
    }

    fn expiry(&self) -> Option<String> {
        let until = self.visit.job.expires_at()?;
        let zone = &self.visit.campaign.time_zone;
        Some(self.visit.date_time(&until, zone))
    }
}
