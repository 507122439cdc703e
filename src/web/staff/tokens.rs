//! The list of API tokens, and the forms that create and revoke one. A new token is shown once. For admins.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tracing::info;

use super::account::{Asked, hash};
use super::accounts::read_places;
use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::{Action, Deed, Scribe};
use crate::domain::staff::{ApiToken, Permission, Scopes, audit};
use crate::staff::AccountsError;
use crate::staff::token::{Token, is_name};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};

const PAGE: &str = "/staff/tokens";
const NEED: Need = Need::Permission(Permission::Accounts);

/// Lifetimes of a token that the form offers, in days.
const DAYS: [u32; 4] = [1, 7, 30, 365];

/// Routes of the list and its forms.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, NEED, list),
        Route::post(PAGE, NEED, make),
        Route::post("/staff/tokens/revoke", NEED, revoke),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    report: String,
    chart: String,
    /// One place per line.
    places: String,
    days: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Chosen {
    token: String,
}

async fn list(
    State(app): State<AppState>,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let notice = match asked.done.as_str() {
        "revoked" => desk
            .visit
            .say("La clave ya no sirve.", "The token is no good any more."),
        _ => "",
    };
    let blank = Typed::default();
    let page = TokensPage::of(&app, &desk, &blank, notice, None).await?;
    Ok(show(StatusCode::OK, &page))
}

async fn make(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Form(typed): Form<Typed>,
) -> Result<Response, Error> {
    let token = Token::generate().map_err(AccountsError::from)?;
    let kept = match typed.read(&app, &desk.visit, &token, Timestamp::now()) {
        Ok(kept) => kept,
        Err(problem) => {
            let page = TokensPage::of(&app, &desk, &typed, "", Some(&problem)).await?;
            return Ok(show(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    scribe.note(&app, audit::token_made(&kept)).await?;
    app.store.add_token(&kept).await?;
    info!(
        staff = desk.staff.logged(),
        scopes = kept.scopes.written(),
        "created a token"
    );
    let page = TokenPage {
        visit: &desk.visit,
        desk: &desk,
        name: &kept.name,
        token: token.expose(),
    };
    Ok(show(StatusCode::OK, &page))
}

async fn revoke(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Error> {
    let hash = hash(&chosen.token).ok_or(Error::NoSuchPage)?;
    let store = &app.store;
    let token = store.token(&hash).await?.ok_or(Error::NoSuchPage)?;
    let deed = Deed::of(Action::TokenRevoked).to(audit::token(&token.name));
    scribe.note(&app, deed).await?;
    store.revoke_token(&hash, Timestamp::now()).await?;
    info!(staff = desk.staff.logged(), "revoked a token");
    Ok(Redirect::to(&desk.visit.link_done(PAGE, "revoked")).into_response())
}

impl Typed {
    fn read(
        &self,
        app: &AppState,
        visit: &Visit,
        token: &Token,
        now: Timestamp,
    ) -> Result<ApiToken, String> {
        let wrong = |es: &str, en: &str| visit.say(es, en).to_owned();
        let name = self.name.trim();
        if !is_name(name) {
            return Err(wrong(
                "Escriba para quién o qué es la clave.",
                "Write who or what the token is for.",
            ));
        }
        let scopes = Scopes {
            report: self.report == "true",
            chart: self.chart == "true",
        };
        if scopes == Scopes::of(&[]) {
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
            reach: read_places(app, visit, &self.places)?,
            created_at: now,
            expires_at: Some(now + SignedDuration::from_hours(i64::from(days) * 24)),
            revoked_at: None,
        })
    }
}

#[derive(Template)]
#[template(path = "staff/tokens.html")]
struct TokensPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    tokens: Vec<ApiToken>,
    typed: &'a Typed,
    zone: &'a TimeZone,
    now: Timestamp,
    notice: &'a str,
    problem: Option<&'a str>,
}

impl<'a> TokensPage<'a> {
    async fn of(
        app: &'a AppState,
        desk: &'a Desk,
        typed: &'a Typed,
        notice: &'a str,
        problem: Option<&'a str>,
    ) -> Result<Self, Error> {
        Ok(Self {
            visit: &desk.visit,
            desk,
            tokens: app.store.tokens().await?,
            typed,
            zone: &app.campaigns.default().time_zone,
            now: Timestamp::now(),
            notice,
            problem,
        })
    }

    /// Returns the names of a token's scopes.
    fn scopes(&self, token: &ApiToken) -> String {
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
    fn until(&self, token: &ApiToken) -> String {
        if token.revoked_at.is_some() {
            return self.visit.say("revocada", "revoked").to_owned();
        }
        match token.expires_at {
            None => self.visit.say("sin fecha", "no date").to_owned(),
            Some(end) if end <= self.now => self.visit.say("vencida", "expired").to_owned(),
            Some(end) => self.visit.moment(&end, self.zone),
        }
    }

    fn is_live(&self, token: &ApiToken) -> bool {
        token.is_live(self.now)
    }

    fn named(token: &ApiToken) -> String {
        data_encoding::HEXLOWER.encode(&token.hash)
    }
}

#[derive(Template)]
#[template(path = "staff/token.html")]
struct TokenPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    name: &'a str,
    token: &'a str,
}
