//! Page contexts without a request.

use axum::http::{HeaderMap, header};
use jornada_http::page::PageContext;

/// Returns the context of a visit to `address` by a browser with this `Accept-Language`.
#[must_use]
pub fn visit(address: &str, accept: &str) -> PageContext {
    let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, accept.parse().unwrap())]);
    PageContext::from_request(&address.parse().unwrap(), &headers)
}
