//! The list of API tokens, and the forms that create and revoke one. A new token is shown once. For admins.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tracing::info;

use super::account::{NoticeQuery, parse_hash};
use super::accounts::parse_places;
use super::guard::StaffContext;
use super::request_audit::RequestAudit;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::staff::{ApiToken, Permission, Scopes, audit};
use jornada_http::page::{PageContext, render};
use jornada_service::staff::AccountsError;
use jornada_service::staff::token::{Token, is_valid_name};

const PAGE: &str = "/staff/tokens";
const NEED: Requirement = Requirement::Permission(Permission::Accounts);

/// Lifetimes of a token that the form offers, in days.
const DAYS: [u32; 4] = [1, 7, 30, 365];

/// Routes of the list and its forms.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, NEED, list_tokens),
        Route::post(PAGE, NEED, create_token),
        Route::post("/staff/tokens/revoke", NEED, revoke_token),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TokenForm {
    name: String,
    report: String,
    chart: String,
    /// One place per line.
    places: String,
    days: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RevokeTokenForm {
    token: String,
}

async fn list_tokens(
    State(app): State<AppState>,
    context: StaffContext,
    Query(query): Query<NoticeQuery>,
) -> Result<Response, Error> {
    let notice = match query.done.as_str() {
        "revoked" => context
            .visit
            .say("La clave ya no sirve.", "The token is no good any more."),
        _ => "",
    };
    let blank = TokenForm::default();
    let page = TokensPage::load(&app, &context, &blank, notice, None).await?;
    Ok(render(StatusCode::OK, &page))
}

async fn create_token(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Form(form): Form<TokenForm>,
) -> Result<Response, Error> {
    let token = Token::generate().map_err(AccountsError::from)?;
    let stored = match form.parse(&app, &context.visit, &token, Timestamp::now()) {
        Ok(stored) => stored,
        Err(problem) => {
            let page = TokensPage::load(&app, &context, &form, "", Some(&problem)).await?;
            return Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    request_audit
        .record(&app, audit::token_created(&stored))
        .await?;
    app.store.add_token(&stored).await?;
    info!(
        staff = context.principal.log_name(),
        scopes = stored.scopes.to_text(),
        "created a token"
    );
    let page = TokenPage {
        visit: &context.visit,
        context: &context,
        name: &stored.name,
        token: token.expose(),
    };
    Ok(render(StatusCode::OK, &page))
}

async fn revoke_token(
    State(app): State<AppState>,
    context: StaffContext,
    request_audit: RequestAudit,
    Form(form): Form<RevokeTokenForm>,
) -> Result<Response, Error> {
    let hash = parse_hash(&form.token).ok_or(Error::NoSuchPage)?;
    let store = &app.store;
    let token = store.token(&hash).await?.ok_or(Error::NoSuchPage)?;
    let event =
        AuditEvent::new(AuditAction::TokenRevoked).with_subject(audit::token_subject(&token.name));
    request_audit.record(&app, event).await?;
    store.revoke_token(&hash, Timestamp::now()).await?;
    info!(staff = context.principal.log_name(), "revoked a token");
    Ok(Redirect::to(&context.visit.link_with_notice(PAGE, "revoked")).into_response())
}

impl TokenForm {
    fn parse(
        &self,
        app: &AppState,
        visit: &PageContext,
        token: &Token,
        now: Timestamp,
    ) -> Result<ApiToken, String> {
        let wrong = |es: &str, en: &str| visit.say(es, en).to_owned();
        let name = self.name.trim();
        if !is_valid_name(name) {
            return Err(wrong(
                "Escriba para quién o qué es la clave.",
                "Write who or what the token is for.",
            ));
        }
        let scopes = Scopes {
            report: self.report == "true",
            chart: self.chart == "true",
        };
        if scopes == Scopes::new(&[]) {
            return Err(wrong(
                "Elija para qué sirve la clave.",
                "Choose what the token is for.",
            ));
        }
        let days = self
            .days
            .parse::<u32>()
            .ok()
            .filter(|days| DAYS.contains(days));
        let days =
            days.ok_or_else(|| wrong("Elija hasta cuándo sirve.", "Choose how long it is good."))?;
        Ok(ApiToken {
            hash: token.hash(),
            name: name.to_owned(),
            scopes,
            place_scope: parse_places(app, visit, &self.places)?,
            created_at: now,
            expires_at: Some(now + SignedDuration::from_hours(i64::from(days) * 24)),
            revoked_at: None,
        })
    }
}

#[derive(Template)]
#[template(path = "staff/tokens.html")]
struct TokensPage<'a> {
    visit: &'a PageContext,
    context: &'a StaffContext,
    tokens: Vec<ApiToken>,
    form: &'a TokenForm,
    zone: &'a TimeZone,
    now: Timestamp,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl<'a> TokensPage<'a> {
    async fn load(
        app: &'a AppState,
        context: &'a StaffContext,
        form: &'a TokenForm,
        notice: &'a str,
        problem: Option<&'a str>,
    ) -> Result<Self, Error> {
        Ok(Self {
            visit: &context.visit,
            context,
            tokens: app.store.tokens().await?,
            form,
            zone: &app.campaigns.default().time_zone,
            now: Timestamp::now(),
            notice,
            problem,
        })
    }

    /// Returns the names of a token's scopes.
    fn scope_names(&self, token: &ApiToken) -> String {
        let mut words = Vec::new();
        if token.scopes.report {
            words.push(self.visit.say("listas", "lists"));
        }
        if token.scopes.chart {
            words.push(self.visit.say("totales", "totals"));
        }
        words.join(", ")
    }

    /// Returns the expiry time, or why the token is no longer valid.
    fn expiry_text(&self, token: &ApiToken) -> String {
        if token.revoked_at.is_some() {
            return self.visit.say("revocada", "revoked").to_owned();
        }
        match token.expires_at {
            None => self.visit.say("sin fecha", "no date").to_owned(),
            Some(end) if end <= self.now => self.visit.say("vencida", "expired").to_owned(),
            Some(end) => self.visit.date_time(&end, self.zone),
        }
    }

    fn is_live(&self, token: &ApiToken) -> bool {
        token.is_live(self.now)
    }

    fn hash_hex(token: &ApiToken) -> String {
        data_encoding::HEXLOWER.encode(&token.hash)
    }
}

#[derive(Template)]
#[template(path = "staff/token.html")]
struct TokenPage<'a> {
    visit: &'a PageContext,
    context: &'a StaffContext,
    name: &'a str,
    token: &'a str,
}
