//! Context of every handler of the staff area: page, app, audit log, and who asks.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use derive_more::Deref;

use super::principal::Principal;
use super::request_audit::{RequestAudit, account_event};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::staff::{Account, Role};
use jornada_http::page::PageContext;
use jornada_runtime::messages;

/// Response of a handler.
pub type PageResult = Result<Response, Error>;

/// The CSRF token for the forms of a page, which the middleware adds to the request.
#[derive(Clone, Debug)]
pub(super) struct CsrfToken(pub(super) String);

/// Context of a request by anyone. Extractor for handlers behind the middleware.
#[derive(Clone, Debug, Deref)]
pub struct RequestContext {
    /// Language and path of the page.
    #[deref]
    pub page: PageContext,
    /// State of the app.
    pub app: AppState,
    /// Writes the audit entries of the request.
    pub audit: RequestAudit,
    /// CSRF token, for `<input type="hidden" name="_form">` in every form of the page.
    pub csrf_token: String,
    /// Headers of the request.
    pub headers: HeaderMap,
}

/// Context of a request by staff. Extractor for handlers behind the middleware.
#[derive(Clone, Debug, Deref)]
pub struct StaffContext {
    /// Context of the request.
    #[deref]
    pub request: RequestContext,
    /// The authenticated reader.
    pub principal: Principal,
}

impl RequestContext {
    /// Writes an audit entry. Show or change data only after this succeeds.
    pub async fn record(&self, event: AuditEvent) -> Result<(), Error> {
        self.audit.record(&self.app, event).await
    }

    /// Returns the notice that the query names, as after a redirect to this page; empty if there is none.
    pub fn notice(&self, page: &str) -> &'static str {
        let id = format!("staff-notice-{page}-{}", self.query_value("done"));
        messages::for_language(self.lang.tag()).get(&id)
    }

    /// Returns whether the browser uses TLS.
    pub fn is_secure(&self) -> bool {
        self.app.is_secure(&self.headers)
    }

    /// Returns the URL of the site without a final slash.
    pub fn base_url(&self) -> String {
        self.app.base_url(&self.headers)
    }

    /// Redirects to a page.
    pub fn redirect(&self, path: &str) -> Response {
        Redirect::to(&self.link(path)).into_response()
    }

    /// Redirects to a page that shows a notice; `done` names the notice.
    pub fn redirect_with_notice(&self, path: &str, done: &str) -> Response {
        Redirect::to(&self.link_with_notice(path, done)).into_response()
    }
}

impl StaffContext {
    /// Returns the account; [`Error::Forbidden`] for a program.
    pub fn account(&self) -> Result<&Account, Error> {
        self.principal.account()
    }

    /// Writes an audit entry about one's own account.
    pub async fn record_own(&self, action: AuditAction) -> Result<(), Error> {
        self.record(account_event(action, self.account()?.id)).await
    }

    /// Returns the context of another page, for responses to a form whose URL cannot be requested with GET.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Self {
        let mut context = self.clone();
        context.request.page = self.page.with_path(path);
        context
    }

    /// Returns the name of a role in the reader's language.
    pub fn role_name(&self, role: &Role) -> &'static str {
        match role {
            Role::Viewer => text!(self.lang, "staff-role-viewer"),
            Role::Clerk => text!(self.lang, "staff-role-clerk"),
            Role::Admin => text!(self.lang, "staff-role-admin"),
        }
    }
}

/// Returns a parameter of the path.
pub(super) async fn path_param(
    parts: &mut Parts,
    app: &AppState,
    name: &str,
) -> Result<String, Error> {
    let params = RawPathParams::from_request_parts(parts, app).await;
    let params = params.map_err(|_| Error::NoSuchPage)?;
    let found = params.iter().find(|(known, _)| *known == name);
    let (_, value) = found.ok_or(Error::NoSuchPage)?;
    Ok(value.to_owned())
}

impl FromRequestParts<AppState> for RequestContext {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        let token = parts.extensions.get::<CsrfToken>().cloned();
        let token = token.ok_or_else(|| {
            Error::Internal(anyhow::anyhow!("no CSRF token outside the staff area"))
        });
        Ok(Self {
            page: PageContext::from_request(&parts.uri, &parts.headers),
            app: app.clone(),
            csrf_token: token?.0,
            headers: parts.headers.clone(),
            audit: RequestAudit::from_request_parts(parts, app).await?,
        })
    }
}

impl FromRequestParts<AppState> for StaffContext {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        Ok(Self {
            principal: Principal::from_request_parts(parts, app).await?,
            request: RequestContext::from_request_parts(parts, app).await?,
        })
    }
}
