//! The authenticated client of a request, an account with a session or a program with a token, and its permissions.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use data_encoding::HEXLOWER;
use jiff::Timestamp;

use super::cookies::Cookie;
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::Campaign;
use jornada_domain::staff::{Account, ApiToken, Permission, PlaceScope, Session};
use jornada_service::staff::sessions;
use jornada_service::staff::token::Token;

/// An authenticated staff member or program. As an extractor it rejects everyone else with 401. Check permissions with
/// [`require`](Self::require) and [`may_see`](Self::may_see).
#[derive(Clone, Debug)]
pub struct Principal(PrincipalKind);

#[derive(Clone, Debug)]
enum PrincipalKind {
    Person {
        account: Box<Account>,
        session: Session,
    },
    Program(ApiToken),
}

impl Principal {
    /// Returns whether the principal has a permission.
    pub fn may(&self, permission: Permission) -> bool {
        match &self.0 {
            PrincipalKind::Person { account, .. } => account.may(permission),
            PrincipalKind::Program(token) => token.scopes.may(permission),
        }
    }

    /// Checks that the principal has a permission.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        self.may(permission).then_some(()).ok_or(Error::Forbidden)
    }

    /// Returns the places to which the principal is limited.
    pub fn place_scope(&self) -> &PlaceScope {
        match &self.0 {
            PrincipalKind::Person { account, .. } => &account.place_scope,
            PrincipalKind::Program(token) => &token.place_scope,
        }
    }

    /// Returns whether the principal may see registrations with this tally value. If not, answer as if there were none
    /// (404).
    pub fn may_see(&self, value: &str) -> bool {
        self.place_scope().includes(value)
    }

    /// Returns the tally values of a campaign that the principal may see; empty means all.
    pub fn visible_values(&self, campaign: &Campaign) -> Vec<String> {
        self.place_scope().tally_values(campaign.tally_field())
    }

    /// Returns the name for logs, without typed text: `account:ID`, or `token:` and the first 8 hexadecimal digits of
    /// its hash.
    pub fn log_name(&self) -> String {
        match &self.0 {
            PrincipalKind::Person { .. } => self.actor(),
            PrincipalKind::Program(token) => format!("token:{}", HEXLOWER.encode(&token.hash[..4])),
        }
    }

    /// Returns the name for audit entries and jobs, without personal data: `account:ID` or `token:NAME`.
    pub fn actor(&self) -> String {
        match &self.0 {
            PrincipalKind::Person { account, .. } => format!("account:{}", account.id),
            PrincipalKind::Program(token) => format!("token:{}", token.name),
        }
    }

    /// Returns the account; [`Error::Forbidden`] for a program.
    pub fn account(&self) -> Result<&Account, Error> {
        match &self.0 {
            PrincipalKind::Person { account, .. } => Ok(account),
            PrincipalKind::Program(_) => Err(Error::Forbidden),
        }
    }

    /// Returns the session; `None` for a program.
    pub fn session(&self) -> Option<&Session> {
        match &self.0 {
            PrincipalKind::Person { session, .. } => Some(session),
            PrincipalKind::Program(_) => None,
        }
    }

    /// Authenticates a request by session cookie, else by `Authorization`. `None` if it carries no valid session and no
    /// token; [`Error::Unauthorized`] for an invalid token.
    pub(super) async fn authenticate(
        app: &AppState,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Error> {
        let (store, now) = (&app.store, Timestamp::now());
        if let Some(token) = Cookie::Session.read(headers, app.is_secure(headers))
            && let Some((account, session)) = sessions::find(store, &token, now).await?
        {
            let account = Box::new(account);
            return Ok(Some(Self(PrincipalKind::Person { account, session })));
        }
        let Some(token) = read_token(method, headers) else {
            return Ok(None);
        };
        let known = store.token(&token.hash()).await?;
        let live = known.filter(|token| token.is_live(now));
        let program = live.map(|token| Self(PrincipalKind::Program(token)));
        program.map(Some).ok_or(Error::Unauthorized)
    }
}

impl FromRequestParts<AppState> for Principal {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Error> {
        // In the staff area the middleware has authenticated the request already.
        if let Some(staff) = parts.extensions.get::<Self>() {
            return Ok(staff.clone());
        }
        let staff = Self::authenticate(app, &parts.method, &parts.headers).await?;
        let staff = staff.ok_or(Error::Unauthorized)?;
        // An account without its required second factor may not use the API either.
        match staff.account() {
            Ok(account) if app.authenticator.lacks_second_factor(account) => Err(Error::Forbidden),
            _ => {
                parts.extensions.insert(staff.clone());
                Ok(staff)
            }
        }
    }
}

/// Reads the token from `Authorization: Bearer`.
pub fn bearer_token(headers: &HeaderMap) -> Option<Token> {
    let (scheme, token) = split_authorization(headers)?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| Token::from_text(token.trim()))
}

fn split_authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    header.split_once(' ')
}

/// Reads the token from `Authorization: Bearer`, or from the password of `Basic`, which browsers can send. Accepts
/// `Basic` only for safe methods, because browsers also send it with requests that another site triggers.
fn read_token(method: &Method, headers: &HeaderMap) -> Option<Token> {
    if let Some(token) = bearer_token(headers) {
        return Some(token);
    }
    let (scheme, credentials) = split_authorization(headers)?;
    if !scheme.eq_ignore_ascii_case("basic") || !method.is_safe() {
        return None;
    }
    let decoded = data_encoding::BASE64
        .decode(credentials.trim().as_bytes())
        .ok()?;
    let pair = String::from_utf8(decoded).ok()?;
    pair.split_once(':')
        .map(|(_, password)| Token::from_text(password))
}
