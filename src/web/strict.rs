//! What a request must be before anything else looks at it: under one name, and that one ours. Pages, links and
//! receipts can then be asked for under no name of somebody else's.

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::error::Error;

/// Balancers ask for it by address.
const ALIVE: &str = "/healthz";

/// Middleware before every route.
pub async fn judge(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let judged = if request.uri().path() == ALIVE {
        Ok(())
    } else {
        method(&request).and_then(|()| name(&app, &request))
    };
    match judged {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// `CONNECT` and `TRACE` (RFC 9110, 9.3) are for proxies, whatever the address.
fn method(request: &Request) -> Result<(), Error> {
    match *request.method() {
        Method::CONNECT | Method::TRACE => Err(Error::NoProxy),
        _ => Ok(()),
    }
}

/// RFC 9112, 3.2: `Host` must be there, once; where the target names a host too, both count here.
fn name(app: &AppState, request: &Request) -> Result<(), Error> {
    if request.headers().get(HOST).is_none() && request.version() < Version::HTTP_11 {
        return Ok(());
    }
    let host = host(request.headers()).ok_or(Error::Malformed("Host"))?;
    let target = request.uri().authority();
    let known = |name: &Authority| app.hosts.know(name);
    if known(&host) && target.is_none_or(known) {
        Ok(())
    } else {
        Err(Error::WrongHost)
    }
}

/// The one `Host` of a request, if it is a host and a port at most.
#[must_use]
pub fn host(headers: &HeaderMap) -> Option<Authority> {
    let mut all = headers.get_all(HOST).into_iter();
    let (one, more) = (all.next()?, all.next());
    let authority: Authority = one.to_str().ok()?.parse().ok()?;
    (more.is_none() && !authority.as_str().contains('@')).then_some(authority)
}
