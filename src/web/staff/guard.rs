//! Staff area middleware: authenticates, authorises and verifies the CSRF token before every page. No handler can omit
//! any of the three. Every POST runs to its end, also if the client hangs up.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::Instant;

use super::context::CsrfToken;
use super::cookies::Cookie;
use super::principal::Principal;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::write_task::WriteTask;
use jornada_domain::staff::Permission;
use jornada_http::arrival::ArrivalLimit;
use jornada_http::media_type::{self, media_type};
use jornada_http::page::PageContext;
use jornada_service::staff::csrf;
use jornada_service::staff::token::Token;

/// Name of the hidden field with the CSRF token.
pub const CSRF_FIELD: &str = "_form";

/// Maximum size of a form in bytes.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// Requirement of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing, as for the login page.
    Nothing,
    /// An account of any role with a session.
    Account,
    /// A permission, by account or API token.
    Permission(Permission),
}

/// The token to which forms of this browser are bound: that of its session, else that of its own cookie.
struct CsrfBinding {
    token: Token,
    /// Whether the response must set the cookie.
    is_new: bool,
}

/// Guards one route of the staff area.
pub(super) async fn guard_route(
    State((app, requirement)): State<(AppState, Requirement)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let secure = app.is_secure(request.headers());
    let staff = Principal::authenticate(&app, request.method(), request.headers()).await?;
    if let Some(elsewhere) = authorize(&app, requirement, staff.as_ref(), &request)? {
        return Ok(elsewhere);
    }
    let ties = CsrfBinding::from_headers(request.headers(), secure, staff.as_ref())?;
    let by_token = staff
        .as_ref()
        .is_some_and(|staff| staff.session().is_none());
    let is_post = request.method() == Method::POST;
    if is_post {
        let is_bound = !by_token || requirement == Requirement::Nothing;
        request = read_form(request, is_bound.then_some(&ties)).await?;
    }
    request
        .extensions_mut()
        .insert(CsrfToken(csrf::generate(&ties.token)?));
    if let Some(staff) = staff {
        request.extensions_mut().insert(staff);
    }
    let mut response = if is_post {
        let task = WriteTask::new(&app, request.extensions());
        task.run(next.run(request)).await
    } else {
        next.run(request).await
    };
    if ties.is_new
        && let Some(cookie) = Cookie::Csrf.set(&ties.token, secure)
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Authorises a request. Returns `None` if it may proceed, or a redirect to the login or to the set-up of the second
/// factor.
fn authorize(
    app: &AppState,
    requirement: Requirement,
    staff: Option<&Principal>,
    request: &Request,
) -> Result<Option<Response>, Error> {
    if requirement == Requirement::Nothing {
        return Ok(None);
    }
    let Some(staff) = staff else {
        return redirect_to_login(request)
            .map(Some)
            .ok_or(Error::Unauthorized);
    };
    match requirement {
        Requirement::Permission(permission) => staff.require(permission)?,
        Requirement::Account => drop(staff.account()?),
        Requirement::Nothing => {}
    }
    let unfinished = staff
        .account()
        .is_ok_and(|account| app.authenticator.lacks_second_factor(account));
    if unfinished && requirement != Requirement::Account {
        let visit = PageContext::from_request(request.uri(), request.headers());
        let second = Redirect::to(&visit.link("/staff/account/second"));
        return Ok(Some(second.into_response()));
    }
    Ok(None)
}

/// Returns the redirect of a browser to the login, which leads back after a GET. `None` for programs.
fn redirect_to_login(request: &Request) -> Option<Response> {
    let accept = request.headers().get(header::ACCEPT)?.to_str().ok()?;
    if !accept.to_ascii_lowercase().contains("text/html") {
        return None;
    }
    let visit = PageContext::from_request(request.uri(), request.headers());
    let path = request.uri().path();
    let next = request.method() == Method::GET && path != "/staff";
    let login = visit.link_with_params("/staff/login", next.then_some(("next", path)));
    Some(Redirect::to(&login).into_response())
}

impl CsrfBinding {
    /// Reads the tokens. With a session, a form from before the login is invalid.
    fn from_headers(
        headers: &HeaderMap,
        secure: bool,
        staff: Option<&Principal>,
    ) -> Result<Self, Error> {
        let has_session = staff.is_some_and(|staff| staff.session().is_some());
        let session = Cookie::Session.read(headers, secure);
        let session = session.filter(|_| has_session);
        let known = session.or_else(|| Cookie::Csrf.read(headers, secure));
        let is_new = known.is_none();
        let token = match known {
            Some(token) => token,
            None => Token::generate()?,
        };
        Ok(Self { token, is_new })
    }
}

/// Reads a body of at most [`MAX_FORM_BYTES`], however slow the line is.
async fn read_bytes(mut body: Body) -> Result<Vec<u8>, Error> {
    let (mut bytes, mut arrival) = (Vec::new(), ArrivalLimit::start(Instant::now()));
    while let Some(piece) = arrival.next(&mut body).await? {
        if bytes.len() + piece.len() > MAX_FORM_BYTES {
            return Err(Error::TextTooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Reads the form, and verifies its CSRF token unless it is bound to none. Returns the request with the same body.
async fn read_form(request: Request, binding: Option<&CsrfBinding>) -> Result<Request, Error> {
    let (mut parts, body) = request.into_parts();
    // The extractor of forms compares the media type with regard to case.
    if media_type(&parts.headers) == media_type::FORM {
        let canonical = HeaderValue::from_static(media_type::FORM);
        parts.headers.insert(header::CONTENT_TYPE, canonical);
    }
    let bytes = read_bytes(body).await?;
    if let Some(binding) = binding {
        let mut fields = url::form_urlencoded::parse(&bytes);
        let key = fields.find(|(name, _)| name == CSRF_FIELD);
        if !key.is_some_and(|(_, key)| csrf::verify(&binding.token, &key)) {
            return Err(Error::InvalidCsrfToken);
        }
    }
    Ok(Request::from_parts(parts, Body::from(bytes)))
}
