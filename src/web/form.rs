//! The HTML form: shown again with the submitted answers and their errors. Works without JavaScript.

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
use super::error::Error;
use super::error::problem::Problem;
use super::headers::with_camera;
use super::page::{Visit, show};
use super::submission::{ReceivedSubmission, submit};
use super::upload::Upload;
use crate::admission::{HoneypotFields, take_part};
use crate::domain::campaign::Opening;
use crate::domain::{Campaign, Form, IdempotencyKey};
use crate::intake::Accepted;
use crate::intake::closings::Closings;
use page::FormPage;

/// Hidden field with the idempotency key of this form.
const KEY_FIELD: &str = "_key";

/// Routes of the form.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(show_default_form))
        .route("/c/{campaign}", get(show_form).post(submit_form))
}

async fn show_default_form(State(app): State<AppState>, visit: Visit) -> Response {
    render_empty(&app, &visit, app.campaigns.default())
}

async fn show_form(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: Visit,
) -> Result<Response, Error> {
    Ok(render_empty(&app, &visit, app.campaign(&campaign)?))
}

async fn submit_form(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: Visit,
    ClientAddress(client): ClientAddress,
    request: Request,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let mut upload = Upload::read(&app.uploads, campaign, request).await?;
    let hidden = HoneypotFields::take_from(&mut upload.form);
    // Without a key nothing can be retried.
    let key = take_part(&mut upload.form, KEY_FIELD).unwrap_or_else(new_key);
    let (answers, timestamp) = (upload.form.clone(), hidden.timestamp.clone());
    let received = ReceivedSubmission {
        campaign,
        client,
        upload,
        key: IdempotencyKey::parse(&key).ok_or(Error::Malformed(KEY_FIELD)),
        hidden,
        is_form: true,
        proof: None,
    };
    Ok(match submit(&app, received).await {
        Ok(Accepted::New(receipt) | Accepted::Retry(receipt)) => {
            let path = format!("/r/{}", receipt.id.receipt());
            Redirect::to(&visit.link(&path)).into_response()
        }
        Err(error) => {
            let timestamp = timestamp.filter(|_| !matches!(error, Error::FormExpired));
            let submitted = SubmittedForm {
                key: &key,
                timestamp: timestamp.unwrap_or_else(|| new_timestamp(&app, campaign)),
                answers: &answers,
            };
            render_again(&app, &visit, campaign, &submitted, &error)
        }
    })
}

/// What the form carries when it is shown again.
struct SubmittedForm<'a> {
    key: &'a str,
    timestamp: String,
    answers: &'a Form,
}

fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

fn new_timestamp(app: &AppState, campaign: &Campaign) -> String {
    app.admission.form_timestamp(&campaign.id, Timestamp::now())
}

fn render_empty(app: &AppState, visit: &Visit, campaign: &Campaign) -> Response {
    if app
        .registrations
        .closings
        .opening(campaign, Timestamp::now())
        != Opening::Open
    {
        return render_closed(&app.registrations.closings, visit, campaign);
    }
    let page = FormPage {
        visit,
        campaign,
        key: &new_key(),
        shown: &new_timestamp(app, campaign),
        typed: &Form::default(),
        problem: None,
    };
    with_camera(show(StatusCode::OK, &page))
}

fn render_closed(closings: &Closings, visit: &Visit, campaign: &Campaign) -> Response {
    let page = ClosedPage {
        visit,
        campaign,
        is_over: closings.opening(campaign, Timestamp::now()) == Opening::Over,
        closes_at: closings.end(campaign),
    };
    show(StatusCode::FORBIDDEN, &page)
}

/// Shows the form with the submitted answers and the error.
fn render_again(
    app: &AppState,
    visit: &Visit,
    campaign: &Campaign,
    submitted: &SubmittedForm<'_>,
    error: &Error,
) -> Response {
    if matches!(error, Error::NotOpen { .. }) {
        return render_closed(&app.registrations.closings, visit, campaign);
    }
    error.log();
    let page = FormPage {
        visit,
        campaign,
        key: submitted.key,
        shown: &submitted.timestamp,
        typed: submitted.answers,
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
