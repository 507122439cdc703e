//! Serves the photo of a registration. Photos have no public URL.

use axum::http::header;
use axum::response::IntoResponse;

use super::context::PageResult;
use super::registration_access::{CampaignAccess, RegistrationAccess};
use crate::web::error::Error;
use jornada_domain::Registration;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_objects::ObjectError;
use jornada_service::registrations::photo_repository::PhotoError;

pub(super) async fn show_photo(access: RegistrationAccess) -> PageResult {
    let (app, campaign, id) = (&access.app, &access.campaign, access.id);
    let found = app.store.registration(campaign, id).await?;
    let registration = found.ok_or(Error::NoSuchRegistration)?;
    if !access.is_visible(&registration.tally_value).await? {
        return Err(Error::NoSuchRegistration);
    }
    respond_with_photo(&access, &registration).await
}

/// Reads a photo, writes the audit entry, and returns the photo. The caller has checked the reader's place scope.
pub(super) async fn respond_with_photo(
    access: &CampaignAccess,
    registration: &Registration,
) -> PageResult {
    let event = |action| {
        let (campaign, id) = (&registration.campaign, registration.id);
        AuditEvent::for_registration(action, campaign, id)
    };
    let read = access.app.registrations.photos.get(registration).await;
    if let Err(PhotoError::Objects(ObjectError::Altered)) = read {
        access.record(event(AuditAction::PhotoAltered)).await?;
    }
    let found = read?.zip(registration.photo.as_ref());
    let (bytes, photo) = found.ok_or(Error::NoSuchRegistration)?;
    access.record(event(AuditAction::ViewPhoto)).await?;
    let headers = [
        (header::CONTENT_TYPE, photo.format.media_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"photo\""),
    ];
    Ok((headers, bytes).into_response())
}
