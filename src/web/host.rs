//! The `Host` of a request.

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;

/// Returns the `Host` of a request if there is exactly one, without user information.
pub(super) fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut all = headers.get_all(HOST).into_iter();
    let (one, more) = (all.next()?, all.next());
    let authority: Authority = one.to_str().ok()?.parse().ok()?;
    (more.is_none() && !authority.as_str().contains('@')).then_some(authority)
}
