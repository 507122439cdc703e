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
use super::submission::{ReceivedSubmission, submit};
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::{Campaign, FormData, IdempotencyKey};
use jornada_http::headers::with_camera;
use jornada_http::page::{PageContext, render};
use jornada_http::upload::Upload;
use jornada_service::admission::{HoneypotFields, take_part};
use jornada_service::registrations::SubmitOutcome;
use jornada_service::registrations::closure_cache::ClosureCache;
use page::FormPage;

/// Hidden field with the idempotency key of this form.
const KEY_FIELD: &str = "_key";

/// Routes of the form.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(show_default_form))
        .route("/c/{campaign}", get(show_form).post(submit_form))
}

async fn show_default_form(State(app): State<AppState>, visit: PageContext) -> Response {
    render_empty(&app, &visit, app.campaigns.default())
}

async fn show_form(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: PageContext,
) -> Result<Response, Error> {
    Ok(render_empty(&app, &visit, app.campaign(&campaign)?))
}

async fn submit_form(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: PageContext,
    ClientAddress(client): ClientAddress,
    request: Request,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let mut upload = Upload::read(&app.uploads, campaign, request).await?;
    let hidden = HoneypotFields::take_from(&mut upload.form);
    // A submission without a key cannot be retried.
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
        Ok(SubmitOutcome::Registered(receipt) | SubmitOutcome::SameAgain(receipt)) => {
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

/// Contents of a form that is shown again.
struct SubmittedForm<'a> {
    key: &'a str,
    timestamp: String,
    answers: &'a FormData,
}

fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

fn new_timestamp(app: &AppState, campaign: &Campaign) -> String {
    app.admission.form_timestamp(&campaign.id, Timestamp::now())
}

fn render_empty(app: &AppState, visit: &PageContext, campaign: &Campaign) -> Response {
    if app
        .registrations
        .closures
        .status(campaign, Timestamp::now())
        != CampaignStatus::Open
    {
        return render_closed(&app.registrations.closures, visit, campaign);
    }
    let page = FormPage {
        visit,
        campaign,
        key: &new_key(),
        shown_at: &new_timestamp(app, campaign),
        form: &FormData::default(),
        problem: None,
    };
    with_camera(render(StatusCode::OK, &page))
}

fn render_closed(closures: &ClosureCache, visit: &PageContext, campaign: &Campaign) -> Response {
    let page = ClosedPage {
        visit,
        campaign,
        is_over: closures.status(campaign, Timestamp::now()) == CampaignStatus::Ended,
        closes_at: closures.closes_at(campaign),
    };
    render(StatusCode::FORBIDDEN, &page)
}

/// Shows the form with the submitted answers and the error.
fn render_again(
    app: &AppState,
    visit: &PageContext,
    campaign: &Campaign,
    submitted: &SubmittedForm<'_>,
    error: &Error,
) -> Response {
    if matches!(error, Error::NotOpen { .. }) {
        return render_closed(&app.registrations.closures, visit, campaign);
    }
    error.log();
    let page = FormPage {
        visit,
        campaign,
        key: submitted.key,
        shown_at: &submitted.timestamp,
        form: submitted.answers,
        problem: Some(Problem::from_error(error, visit.lang)),
    };
    let mut answer = with_camera(render(error.status(), &page));
    if let Some((name, value)) = error.header() {
        answer.headers_mut().insert(name, value);
    }
    answer
}

#[derive(Template)]
#[template(path = "closed.html")]
struct ClosedPage<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    is_over: bool,
    closes_at: Timestamp,
}
