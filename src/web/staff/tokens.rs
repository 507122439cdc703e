//! The list of API tokens, and the forms that create and revoke one. A new token is shown once. For admins.

use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tracing::info;

use super::account::HashForm;
use super::accounts::{FormError, parse_places};
use super::context::{PageResult, StaffContext};
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use jornada_domain::staff::audit::{AuditAction, AuditEvent};
use jornada_domain::staff::{ApiToken, Permission, Scopes, audit};
use jornada_http::page::render;
use jornada_service::staff::token::{Token, is_valid_name};

const PAGE: &str = "/staff/tokens";

/// Lifetimes of a token that the form offers, in days.
const DAYS: [u32; 4] = [1, 7, 30, 365];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenForm {
    name: String,
    report: String,
    chart: String,
    votes: String,
    read_votes: String,
    /// One place per line.
    places: String,
    days: String,
}

pub(super) async fn list_tokens(context: StaffContext) -> PageResult {
    let notice = context.notice("tokens");
    render_page(&context, FilledForm::default().with_notice(notice)).await
}

pub(super) async fn create_token(context: StaffContext, Form(form): Form<TokenForm>) -> PageResult {
    let token = Token::generate()?;
    let stored = match form.parse(&context, &token, Timestamp::now()).await {
        Ok(stored) => stored,
        Err(error) => {
            let form = FilledForm::rejected(form, error.into_text()?);
            return render_page(&context, form).await;
        }
    };
    context.record(audit::token_created(&stored)).await?;
    context.app.store.add_token(&stored).await?;
    info!(
        staff = context.principal.log_name(),
        scopes = stored.scopes.to_text(),
        "created a token"
    );
    let page = TokenPage {
        visit: &context,
        name: &stored.name,
        token: token.expose(),
    };
    Ok(render(StatusCode::OK, &page))
}

pub(super) async fn revoke_token(context: StaffContext, Form(form): Form<HashForm>) -> PageResult {
    let (store, hash) = (&context.app.store, form.hash()?);
    let token = store.token(&hash).await?.ok_or(Error::NoSuchPage)?;
    let event = AuditEvent::new(AuditAction::TokenRevoked);
    let event = event.with_subject(audit::token_subject(&token.name));
    context.record(event).await?;
    store.revoke_token(&hash, Timestamp::now()).await?;
    info!(staff = context.principal.log_name(), "revoked a token");
    Ok(context.redirect_with_notice(PAGE, "revoked"))
}

impl TokenForm {
    /// Parses the form. The error is the text for the user.
    async fn parse(
        &self,
        context: &StaffContext,
        token: &Token,
        now: Timestamp,
    ) -> Result<ApiToken, FormError> {
        let lang = context.lang;
        let name = self.name.trim();
        if !is_valid_name(name) {
            return Err(text!(lang, "staff-tokens-name-missing").into());
        }
        let scopes = Scopes {
            report: self.report == "true",
            chart: self.chart == "true",
            votes: self.votes == "true",
            read_votes: self.read_votes == "true",
        };
        if scopes == Scopes::new(&[]) {
            return Err(text!(lang, "staff-tokens-scope-missing").into());
        }
        let place_scope = parse_places(context, &self.places).await?;
        if scopes.votes && !place_scope.is_all() {
            return Err(text!(lang, "staff-tokens-votes-have-no-cities").into());
        }
        let days = self.days.parse().ok().filter(|days| DAYS.contains(days));
        let days = days.ok_or_else(|| text!(lang, "staff-tokens-days-missing"))?;
        Ok(ApiToken {
            hash: token.hash(),
            name: name.to_owned(),
            scopes,
            place_scope,
            created_at: now,
            expires_at: Some(now + SignedDuration::from_hours(i64::from(days) * 24)),
            revoked_at: None,
        })
    }
}

async fn render_page(context: &StaffContext, form: FilledForm<TokenForm>) -> PageResult {
    let page = TokensPage {
        visit: context,
        tokens: context.app.store.tokens().await?,
        form: &form,
        zone: &context.app.campaigns.default().time_zone,
        now: Timestamp::now(),
    };
    Ok(form.render(&page))
}

#[derive(Template)]
#[template(path = "staff/tokens.html")]
struct TokensPage<'a> {
    visit: &'a StaffContext,
    tokens: Vec<ApiToken>,
    form: &'a FilledForm<TokenForm>,
    zone: &'a TimeZone,
    now: Timestamp,
}

impl TokensPage<'_> {
    /// Returns the names of a token's scopes.
    fn scope_names(&self, token: &ApiToken) -> String {
        let mut words = Vec::new();
        if token.scopes.report {
            words.push(text!(self.visit.lang, "staff-tokens-scope-reports"));
        }
        if token.scopes.chart {
            words.push(text!(self.visit.lang, "staff-tokens-scope-totals"));
        }
        if token.scopes.votes {
            words.push(text!(self.visit.lang, "staff-tokens-scope-votes"));
        }
        if token.scopes.read_votes {
            words.push(text!(self.visit.lang, "staff-tokens-scope-read-votes"));
        }
        words.join(", ")
    }

    /// Returns the expiry time, or why the token is no longer valid.
    fn expiry_text(&self, token: &ApiToken) -> String {
        if token.revoked_at.is_some() {
            return text!(self.visit.lang, "staff-tokens-revoked").to_owned();
        }
        match token.expires_at {
            None => text!(self.visit.lang, "staff-tokens-no-date").to_owned(),
            Some(end) if end <= self.now => {
                text!(self.visit.lang, "staff-tokens-expired").to_owned()
            }
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
    visit: &'a StaffContext,
    name: &'a str,
    token: &'a str,
}
