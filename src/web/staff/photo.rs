//! Serves the photo of a registration. Photos have no public URL.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::principal::Principal;
use super::request_audit::RequestAudit;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::RegistrationId;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_objects::ObjectError;
use jornada_service::registrations::photo_repository::PhotoError;

/// Route of the photo. Reports link to it.
pub(super) fn routes() -> Vec<Route> {
    let path = "/staff/c/{campaign}/registrations/{id}/photo";
    vec![Route::get(
        path,
        Requirement::Permission(Permission::Photo),
        show_photo,
    )]
}

async fn show_photo(
    staff: Principal,
    request_audit: RequestAudit,
    State(app): State<AppState>,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let id = RegistrationId::parse(&id).ok_or(Error::NoSuchRegistration)?;
    let found = app.store.registration(campaign, id).await?;
    let registration = found.ok_or(Error::NoSuchRegistration)?;
    let event = |action| AuditEvent::for_registration(action, &campaign.id, id);
    if !staff.may_see(&registration.tally_value) {
        request_audit
            .record(&app, event(AuditAction::AccessDenied))
            .await?;
        return Err(Error::NoSuchRegistration);
    }
    let photo = registration
        .photo
        .as_ref()
        .ok_or(Error::NoSuchRegistration)?;
    let read = app.registrations.photos.get(&campaign.id, id, photo).await;
    if let Err(PhotoError::Objects(ObjectError::Altered)) = read {
        request_audit
            .record(&app, event(AuditAction::PhotoAltered))
            .await?;
    }
    let bytes = read?.ok_or(Error::NoSuchRegistration)?;
    request_audit
        .record(&app, event(AuditAction::ViewPhoto))
        .await?;
    let headers = [
        (header::CONTENT_TYPE, photo.format.media_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"photo\""),
    ];
    Ok((headers, bytes).into_response())
}
