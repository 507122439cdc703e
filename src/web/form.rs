//! The form for people: shown with what they typed and what is wrong with it; works without JavaScript.

mod page;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use uuid::Uuid;

use super::AppState;
use super::address::ClientAddress;
use super::entry::Entry;
use super::error::Error;
use super::error::problem::Problem;
use super::headers::with_camera;
use super::page::{Visit, show};
use super::trap::{Bait, take};
use super::upload::Upload;
use crate::domain::campaign::Opening;
use crate::domain::{Campaign, Form, IdempotencyKey, ReceiptNumber};
use crate::intake::Accepted;
use crate::intake::closings::Closings;
use page::FormPage;

/// The name of the hidden part that carries the key of this form.
const KEY: &str = "_key";

/// The form and its way in.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(front))
        .route("/c/{campaign}", get(ask).post(submit))
}

async fn front(State(app): State<AppState>, visit: Visit) -> Response {
    blank(&app, &visit, app.campaigns.default())
}

async fn ask(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: Visit,
) -> Result<Response, Error> {
    Ok(blank(&app, &visit, app.campaign(&campaign)?))
}

async fn submit(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: Visit,
    from: ClientAddress,
    request: Request,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let mut upload = Upload::read(&app.uploads, campaign, request).await?;
    let bait = Bait::take(&mut upload.form);
    // Under a fresh key nothing can be retried.
    let key = take(&mut upload.form, KEY).unwrap_or_else(fresh_key);
    let typed = upload.form.clone();
    let entry = Entry {
        app: &app,
        campaign,
        from,
    };
    let taken = entry.limited(register(entry, upload, &bait, &key));
    Ok(match taken.await {
        Ok(number) => Redirect::to(&visit.link(&format!("/r/{number}"))).into_response(),
        Err(error) => {
            let kept = bait
                .shown()
                .filter(|_| !matches!(error, Error::FormExpired));
            let sent = Sent {
                key: &key,
                shown: kept.map_or_else(|| moment(&app, campaign), str::to_owned),
                typed: &typed,
            };
            again(&app, &visit, campaign, &sent, &error)
        }
    })
}

/// What comes back with the form.
struct Sent<'a> {
    key: &'a str,
    shown: String,
    typed: &'a Form,
}

async fn register(
    entry: Entry<'_>,
    upload: Upload,
    bait: &Bait,
    key: &str,
) -> Result<ReceiptNumber, Error> {
    let upload = upload.whole()?;
    let key = IdempotencyKey::parse(key).ok_or(Error::Malformed("_key"))?;
    entry
        .app
        .look_into_traps(entry.campaign, bait, entry.from)?;
    let (Accepted::New(receipt) | Accepted::Retry(receipt)) = entry.take(upload, key, None).await?;
    Ok(receipt.id.receipt())
}

fn fresh_key() -> String {
    Uuid::new_v4().simple().to_string()
}

fn moment(app: &AppState, campaign: &Campaign) -> String {
    app.traps.stamps.write(&campaign.id, Timestamp::now())
}

fn blank(app: &AppState, visit: &Visit, campaign: &Campaign) -> Response {
    if app.intake.closings.opening(campaign, Timestamp::now()) != Opening::Open {
        return closed(&app.intake.closings, visit, campaign);
    }
    let page = FormPage {
        visit,
        campaign,
        key: &fresh_key(),
        shown: &moment(app, campaign),
        typed: &Form::default(),
        problem: None,
    };
    with_camera(show(StatusCode::OK, &page))
}

fn closed(closings: &Closings, visit: &Visit, campaign: &Campaign) -> Response {
    let page = ClosedPage {
        visit,
        campaign,
        is_over: closings.opening(campaign, Timestamp::now()) == Opening::Over,
        closes_at: closings.end(campaign),
    };
    show(StatusCode::FORBIDDEN, &page)
}

/// The form once more, with what was typed and what is wrong.
fn again(
    app: &AppState,
    visit: &Visit,
    campaign: &Campaign,
    sent: &Sent<'_>,
    error: &Error,
) -> Response {
    if matches!(error, Error::NotOpen { .. }) {
        return closed(&app.intake.closings, visit, campaign);
    }
    error.log();
    let page = FormPage {
        visit,
        campaign,
        key: sent.key,
        shown: &sent.shown,
        typed: sent.typed,
        problem: Some(Problem::of(error, visit.lang)),
    };
    let mut answer = with_camera(show(error.status(), &page));
    if let Some((name, value)) = error.header() {
        answer.headers_mut().insert(name, value);
    }
    answer
}

#[derive(Template)]
#[template(path = "closed.html")]
struct ClosedPage<'a> {
    visit: &'a Visit,
    campaign: &'a Campaign,
    is_over: bool,
    closes_at: Timestamp,
}
