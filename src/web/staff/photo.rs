//! Serves the photo of a registration. Photos have no public URL.

use axum::http::header;
use axum::response::IntoResponse;

use super::context::PageResult;
use super::registration_access::RegistrationAccess;
use crate::web::error::Error;
use jornada_domain::staff::audit::AuditAction;
use jornada_objects::ObjectError;
use jornada_service::registrations::photo_repository::PhotoError;

pub(super) async fn show_photo(access: RegistrationAccess) -> PageResult {
    let (app, campaign, id) = (&access.app, &access.campaign, access.id);
    let found = app.store.registration(campaign, id).await?;
    let registration = found.ok_or(Error::NoSuchRegistration)?;
    if !access.is_visible(&registration.tally_value).await? {
        return Err(Error::NoSuchRegistration);
    }
    let read = app.registrations.photos.get(&registration).await;
    if let Err(PhotoError::Objects(ObjectError::Altered)) = read {
        access.record_action(AuditAction::PhotoAltered).await?;
    }
    let found = read?.zip(registration.photo);
    let (bytes, photo) = found.ok_or(Error::NoSuchRegistration)?;
    access.record_action(AuditAction::ViewPhoto).await?;
    let headers = [
        (header::CONTENT_TYPE, photo.format.media_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"photo\""),
    ];
    Ok((headers, bytes).into_response())
}
