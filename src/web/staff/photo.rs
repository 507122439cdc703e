//! Serves the photo of a registration. Photos have no public URL.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::route::{Need, Route};
use super::scribe::{Action, Deed, Scribe};
use super::who::Staff;
use crate::domain::RegistrationId;
use crate::domain::staff::Permission;
use crate::intake::photos::KeeperError;
use crate::photo::PhotosError;
use crate::web::AppState;
use crate::web::error::Error;

/// Route of the photo. Reports link to it.
pub(super) fn routes() -> Vec<Route> {
    let path = "/staff/c/{campaign}/registrations/{id}/photo";
    vec![Route::get(path, Need::Permission(Permission::Photo), photo)]
}

async fn photo(
    staff: Staff,
    scribe: Scribe,
    State(app): State<AppState>,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let id = RegistrationId::parse(&id).ok_or(Error::NoSuchRegistration)?;
    let found = app.store.registration(campaign, id).await?;
    let registration = found.ok_or(Error::NoSuchRegistration)?;
    let deed = |action| Deed::about(action, &campaign.id, id);
    if !staff.sees(&registration.value) {
        scribe.note(&app, deed(Action::Refused)).await?;
        return Err(Error::NoSuchRegistration);
    }
    let photo = registration
        .photo
        .as_ref()
        .ok_or(Error::NoSuchRegistration)?;
    let read = app.registrations.photos.get(&campaign.id, id, photo).await;
    if let Err(KeeperError::Photos(PhotosError::Altered)) = read {
        scribe.note(&app, deed(Action::PhotoAltered)).await?;
    }
    let bytes = read?.ok_or(Error::NoSuchRegistration)?;
    scribe.note(&app, deed(Action::Photo)).await?;
    let headers = [
        (header::CONTENT_TYPE, photo.format.media_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"photo\""),
    ];
    Ok((headers, bytes).into_response())
}
