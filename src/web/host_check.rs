//! Checks method and host before any route. Requests for an unknown host get no page, link or receipt, because these
//! would contain its name.

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{Method, Version};

use super::AppState;
use super::error::{Error, Malformed};
use super::host::host;

/// Exempt: load balancers request it by address.
const HEALTH_PATH: &str = "/healthz";

/// Checks a request before any route.
pub fn check(app: &AppState, request: &Request) -> Result<(), Error> {
    if request.uri().path() != HEALTH_PATH {
        check_method(request)?;
        check_authority(app, request)?;
    }
    Ok(())
}

/// Rejects `CONNECT` and `TRACE` (RFC 9110, 9.3), which are for proxies, on every path.
fn check_method(request: &Request) -> Result<(), Error> {
    match *request.method() {
        Method::CONNECT | Method::TRACE => Err(Error::NoProxy),
        _ => Ok(()),
    }
}

/// Requires exactly one `Host` (RFC 9112, 3.2). If the target names a host too, both must be host names of the site.
fn check_authority(app: &AppState, request: &Request) -> Result<(), Error> {
    if request.headers().get(HOST).is_none() && request.version() < Version::HTTP_11 {
        return Ok(());
    }
    let host = host(request.headers()).ok_or(Error::Malformed(Malformed::Host))?;
    let target = request.uri().authority();
    let is_ours = |name: &Authority| app.hosts.contains(name);
    if is_ours(&host) && target.is_none_or(is_ours) {
        Ok(())
    } else {
        Err(Error::WrongHost)
    }
}
