//! Adds text and format to every error response.

use std::any::Any;
use std::sync::Arc;

use axum::http::{Method, StatusCode, Uri, header};

use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::{Error, Malformed};
use jornada_domain::Lang;
use jornada_http::page::PageContext;

/// Marks the error of a request that a program sent to a path outside of the API.
#[derive(Clone, Copy, Debug)]
pub struct AnsweredToProgram;

impl AnsweredToProgram {
    /// Returns whether a program sent such a request: people post forms only below `/c/` and `/staff`.
    pub fn fits(method: &Method, path: &str) -> bool {
        *method == Method::POST && !["/c/", "/staff"].iter().any(|area| path.starts_with(area))
    }
}

/// Renders every error as problem+json for programs and under `/api/v1/`, and as a page elsewhere.
pub fn present(response: Response, uri: &Uri, lang: Lang) -> Response {
    let refused = response.extensions().get::<Arc<Error>>().cloned();
    let Some(refused) = refused.or_else(|| of_axum(&response)) else {
        return response;
    };
    let problem = Problem::from_error(&refused, lang);
    let is_program = response.extensions().get::<AnsweredToProgram>().is_some();
    let rendered = if is_program || uri.path().starts_with("/api/v1/") {
        problem.into_json(lang)
    } else {
        problem.into_page(&PageContext::with_lang(uri, lang))
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    // The response may vary by an encoding already.
    let vary = parts.headers.remove(header::VARY);
    parts.headers.extend(rendered.headers().clone());
    if let Some(vary) = vary {
        parts.headers.append(header::VARY, vary);
    }
    Response::from_parts(parts, rendered.into_body())
}

/// Converts a plain-text rejection by axum, such as a path that is not UTF-8 or a missing header.
fn of_axum(response: &Response) -> Option<Arc<Error>> {
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    match response.status() {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY if plain => {
            Some(Arc::new(Error::Malformed(Malformed::Request)))
        }
        StatusCode::NOT_FOUND if plain => Some(Arc::new(Error::NoSuchPage)),
        StatusCode::PAYLOAD_TOO_LARGE if plain => Some(Arc::new(Error::TooLarge)),
        _ => None,
    }
}

/// Turns a panic into a logged 500: the request fails, the process continues.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Error::Internal(anyhow::anyhow!("a handler panicked")).into_response()
}
