//! What only staff may see: proof of a token, and the photo of a registration.

use axum::Router;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::AppState;
use super::error::Error;
use crate::domain::RegistrationId;
use crate::photo::PhotoFormat;
use crate::staff::token::Token;

/// Addresses for staff.
pub fn router() -> Router<AppState> {
    Router::new().route("/staff/c/{campaign}/registrations/{id}/photo", get(photo))
}

/// Someone who showed a known token.
#[derive(Clone, Debug)]
pub struct Staff {
    /// The token's name.
    pub name: String,
}

impl FromRequestParts<AppState> for Staff {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let token = token(&parts.headers).ok_or(Error::Unauthorized)?;
        let name = app.intake.store.token_name(&token.hash()).await?;
        name.map(|name| Self { name }).ok_or(Error::Unauthorized)
    }
}

/// The token of `Authorization: Bearer`, or the password of `Basic`, which is how a browser can send one.
fn token(headers: &HeaderMap) -> Option<Token> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Token::sent(credentials.trim()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = data_encoding::BASE64
        .decode(credentials.trim().as_bytes())
        .ok()?;
    let pair = String::from_utf8(decoded).ok()?;
    pair.split_once(':')
        .map(|(_, password)| Token::sent(password))
}

async fn photo(
    _staff: Staff,
    State(app): State<AppState>,
    Path((campaign, id)): Path<(String, String)>,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let id = RegistrationId::parse(&id).ok_or(Error::NoSuchRegistration)?;
    let registration = app
        .intake
        .store
        .registration(campaign, id)
        .await?
        .ok_or(Error::NoSuchRegistration)?;
    let photo = registration
        .photo
        .as_ref()
        .ok_or(Error::NoSuchRegistration)?;
    let format = PhotoFormat::from_extension(&photo.extension).ok_or(Error::NoSuchRegistration)?;
    let bytes = app.intake.photos.get(&campaign.id, id, photo).await?;
    let bytes = bytes.ok_or(Error::NoSuchRegistration)?;
    let headers = [
        (header::CONTENT_TYPE, format.media_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"photo\""),
    ];
    Ok((headers, bytes).into_response())
}
