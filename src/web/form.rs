//! The HTML form: shown again with the submitted answers and their errors. Works without JavaScript.

mod page;

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use uuid::Uuid;

use super::address::ClientAddress;
use super::error::problem::Problem;
use super::error::{Error, Malformed};
use super::filled_form::FilledForm;
use super::submission::{ReceivedSubmission, read_upload, submit, submit_vote};
use super::write_task::WriteTask;
use super::{AppState, RequestedCampaign};
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::{Campaign, IdempotencyKey, ReceiptNumber};
use jornada_http::headers::with_camera;
use jornada_http::page::{PageContext, render};
use jornada_http::upload::Upload;
use jornada_service::admission::{HiddenFields, take_part};
use jornada_service::registrations::SubmitOutcome;
use page::FormPage;

/// Hidden field with the idempotency key of this form.
const KEY_FIELD: &str = "_key";

/// Routes of the form.
pub fn router() -> Router<AppState> {
    Router::new().route("/c/{campaign}", get(show_form).post(submit_form))
}

/// Shows the form, or the results if the instance takes in nothing.
pub async fn show_form(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    visit: PageContext,
) -> Response {
    if app.is_read_only {
        let results = visit.link(&format!("/c/{}/results", campaign.id));
        return Redirect::to(&results).into_response();
    }
    render_empty(&app, &visit, &campaign)
}

async fn submit_form(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    visit: PageContext,
    ClientAddress(client): ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    if campaign.requires_token {
        return Err(Error::VoteTokenRequired);
    }
    let upload = read_upload(&app, &app.uploads, &campaign, request).await?;
    let work = async move { register(&app, &campaign, &visit, client, upload).await };
    Ok(task.run(work).await)
}

async fn register(
    app: &AppState,
    campaign: &Arc<Campaign>,
    visit: &PageContext,
    client: IpAddr,
    mut upload: Upload,
) -> Response {
    let hidden = HiddenFields::take_from(&mut upload.form);
    // A submission without a key cannot be retried.
    let key = take_part(&mut upload.form, KEY_FIELD).unwrap_or_else(new_key);
    let (answers, timestamp) = (upload.form.clone(), hidden.timestamp.clone());
    let received = ReceivedSubmission {
        campaign,
        client,
        upload,
        key: IdempotencyKey::parse(&key).ok_or(Error::Malformed(Malformed::FormKey)),
        hidden,
        is_form: true,
        proof: None,
    };
    match submit_either(app, received).await {
        Ok(number) => Redirect::to(&visit.link(&format!("/r/{number}"))).into_response(),
        Err(Error::NotOpen { .. }) => render_closed(app, visit, campaign),
        Err(error) => {
            // The key belongs to the earlier vote: the page shown again has another one.
            let is_stored = matches!(error, Error::VoteConflict);
            let key = if is_stored { new_key() } else { key };
            let timestamp = timestamp.filter(|_| !matches!(error, Error::FormExpired));
            let shown_at = timestamp.unwrap_or_else(|| new_timestamp(app, campaign));
            error.log();
            let mut problem = Problem::from_error(&error, visit.lang);
            if is_stored {
                text!(visit.lang, "form-vote-stored").clone_into(&mut problem.detail);
            }
            let page = FormPage {
                visit,
                campaign,
                key,
                shown_at,
                offers_review: matches!(error, Error::AlreadyRegistered { by_key: false }),
                form: FilledForm {
                    problem: problem.errors.is_empty().then_some(problem.detail),
                    errors: problem.errors,
                    ..FilledForm::new(answers).with_status_of(&error)
                },
            };
            with_camera(page.form.render(&page))
        }
    }
}

/// Submits a registration or a vote, and returns the number of its receipt.
async fn submit_either(
    app: &AppState,
    received: ReceivedSubmission<'_>,
) -> Result<ReceiptNumber, Error> {
    if received.campaign.is_vote() {
        return Ok(submit_vote(app, received).await?.id.receipt());
    }
    match submit(app, received).await? {
        SubmitOutcome::Registered(receipt)
        | SubmitOutcome::SameAgain(receipt)
        | SubmitOutcome::InReview(receipt) => Ok(receipt.id.receipt()),
    }
}

fn new_key() -> String {
    Uuid::new_v4().simple().to_string()
}

fn new_timestamp(app: &AppState, campaign: &Campaign) -> String {
    app.admission.form_timestamp(&campaign.id, Timestamp::now())
}

/// Shows the empty form, or what stands for it while there is none.
pub(super) fn render_empty(app: &AppState, visit: &PageContext, campaign: &Campaign) -> Response {
    // Only programs vote: people see the totals.
    if campaign.requires_token {
        return Redirect::to(&visit.chart_link(&campaign.id)).into_response();
    }
    let closures = &app.registrations.closures;
    if closures.status(campaign, Timestamp::now()) != CampaignStatus::Open {
        return render_closed(app, visit, campaign);
    }
    let page = FormPage {
        visit,
        campaign,
        key: new_key(),
        shown_at: new_timestamp(app, campaign),
        offers_review: false,
        form: FilledForm::default(),
    };
    with_camera(page.form.render(&page))
}

fn render_closed(app: &AppState, visit: &PageContext, campaign: &Campaign) -> Response {
    let closures = &app.registrations.closures;
    let page = ClosedPage {
        visit,
        campaign,
        is_over: closures.status(campaign, Timestamp::now()) == CampaignStatus::Ended,
        closes_at: closures.closes_at(campaign),
    };
    render(StatusCode::FORBIDDEN, &page)
}

#[derive(Template)]
#[template(path = "closed.html")]
struct ClosedPage<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    is_over: bool,
    closes_at: Timestamp,
}
