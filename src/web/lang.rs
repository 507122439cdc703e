//! Language of a response: `?lang=`, else `Accept-Language`, else Spanish. No cookie.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};

use crate::domain::Lang;

/// Returns the language of a request.
#[must_use]
pub fn of(uri: &Uri, headers: &HeaderMap) -> Lang {
    let asked = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("lang="));
    asked.and_then(Lang::from_tag).unwrap_or_else(|| {
        let header = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        header.map_or_else(Lang::default, Lang::from_accept_language)
    })
}

impl<S: Sync> FromRequestParts<S> for Lang {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(of(&parts.uri, &parts.headers))
    }
}
