//! The form for people: shown with what they typed and what is wrong with it; works without JavaScript.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use jiff::Timestamp;
use uuid::Uuid;

use super::AppState;
use super::error::Error;
use super::error::problem::{FieldProblem, Problem};
use super::headers::with_camera;
use super::page::{Visit, show};
use super::upload::Upload;
use crate::domain::answers::CONSENT;
use crate::domain::campaign::Opening;
use crate::domain::{Campaign, Field, Form, IdempotencyKey, Kind, ReceiptNumber, Refusal};
use crate::intake::{Accepted, Submission};

/// The name of the hidden part that carries the key of this form.
const KEY: &str = "_key";

/// The form and its way in.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(front))
        .route("/c/{campaign}", get(ask).post(submit))
}

async fn front(State(app): State<AppState>, visit: Visit) -> Response {
    blank(&visit, app.campaigns.default())
}

async fn ask(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: Visit,
) -> Result<Response, Error> {
    Ok(blank(&visit, app.campaign(&campaign)?))
}

async fn submit(
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    visit: Visit,
    request: Request,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let mut upload = Upload::read(&app.uploads, campaign, request).await?;
    let key = take_key(&mut upload.form);
    let typed = upload.form.clone();
    Ok(match take(&app, campaign, upload, &key).await {
        Ok(number) => Redirect::to(&visit.link(&format!("/r/{number}"))).into_response(),
        Err(error) => again(&visit, campaign, &key, &typed, &error),
    })
}

async fn take(
    app: &AppState,
    campaign: &Arc<Campaign>,
    upload: Upload,
    key: &str,
) -> Result<ReceiptNumber, Error> {
    let upload = upload.whole()?;
    let submission = Submission {
        form: upload.form,
        photo: upload.photo,
        key: IdempotencyKey::parse(key).ok_or(Error::Malformed("_key"))?,
    };
    let taken = app
        .intake
        .take(campaign, submission, Timestamp::now())
        .await;
    drop(upload.reserved);
    let (Accepted::New(receipt) | Accepted::Retry(receipt)) =
        taken.map_err(|error| Error::of_intake(error, campaign))?;
    Ok(receipt.id.receipt())
}

/// Takes the hidden key out of the answers; a form without one gets a fresh key, under which nothing can be retried.
fn take_key(form: &mut Form) -> String {
    let place = form.parts.iter().position(|(name, _)| name == KEY);
    place.map_or_else(fresh_key, |place| form.parts.remove(place).1)
}

fn fresh_key() -> String {
    Uuid::new_v4().simple().to_string()
}

fn blank(visit: &Visit, campaign: &Campaign) -> Response {
    let opening = campaign.opening(Timestamp::now());
    if opening != Opening::Open {
        return closed(visit, campaign, opening);
    }
    let page = FormPage {
        visit,
        campaign,
        key: &fresh_key(),
        typed: &Form::default(),
        problem: None,
    };
    with_camera(show(StatusCode::OK, &page))
}

fn closed(visit: &Visit, campaign: &Campaign, opening: Opening) -> Response {
    let page = ClosedPage {
        visit,
        campaign,
        is_over: opening == Opening::Over,
    };
    show(StatusCode::FORBIDDEN, &page)
}

/// The form once more, with what was typed and what is wrong.
fn again(visit: &Visit, campaign: &Campaign, key: &str, typed: &Form, error: &Error) -> Response {
    if matches!(error, Error::NotOpen(_)) {
        return closed(visit, campaign, campaign.opening(Timestamp::now()));
    }
    error.log();
    let page = FormPage {
        visit,
        campaign,
        key,
        typed,
        problem: Some(Problem::of(error, visit.lang)),
    };
    with_camera(show(error.status(), &page))
}

#[derive(Template)]
#[template(path = "form.html")]
struct FormPage<'a> {
    visit: &'a Visit,
    campaign: &'a Campaign,
    key: &'a str,
    typed: &'a Form,
    problem: Option<Problem>,
}

impl FormPage<'_> {
    fn title(&self) -> &str {
        self.visit.read(&self.campaign.title)
    }

    fn is_wrong(&self) -> bool {
        self.problem.is_some()
    }

    fn mistakes(&self) -> &[FieldProblem] {
        self.problem.as_ref().map_or(&[], |problem| &problem.errors)
    }

    /// What is wrong, where no single field is to blame.
    fn trouble(&self) -> Option<&str> {
        let problem = self.problem.as_ref()?;
        problem.errors.is_empty().then_some(problem.detail.as_str())
    }

    fn questions(&self) -> impl Iterator<Item = Question<'_>> {
        self.campaign.fields.iter().map(|field| Question {
            field,
            value: self.typed.value(&field.name),
            error: self.error(&field.name),
            is_lost: field.is_photo() && self.is_wrong(),
        })
    }

    fn error(&self, name: &str) -> Option<&str> {
        let wrong = self.mistakes().iter().find(|wrong| wrong.field == name);
        wrong.map(|wrong| wrong.message.as_str())
    }

    /// How a field that is on the page is called, for the summary.
    fn name_of(&self, field: &str) -> Option<&str> {
        if field == CONSENT {
            return self.campaign.consent.as_ref().map(|_| self.consent_title());
        }
        let field = self.campaign.field(field)?;
        Some(self.visit.read(&field.label))
    }

    fn consent_title(&self) -> &'static str {
        self.visit.lang.pick("Autorización", "Consent")
    }

    fn has_consented(&self) -> bool {
        self.typed.value(CONSENT) == "true"
    }

    /// The words for an answer that the script finds missing: the same as the server's.
    fn missing(&self, refusal: &Refusal) -> String {
        refusal.message(self.visit.lang)
    }
}

/// One question as it is shown.
struct Question<'a> {
    field: &'a Field,
    value: &'a str,
    error: Option<&'a str>,
    /// Whether a photo may have been chosen that the browser does not give back.
    is_lost: bool,
}

impl Question<'_> {
    /// What binds a control to its hint and its message.
    fn described_by(&self) -> String {
        let name = &self.field.name;
        if self.field.hint.is_some() {
            format!("f-{name}-hint f-{name}-error")
        } else {
            format!("f-{name}-error")
        }
    }
}

#[derive(Template)]
#[template(path = "closed.html")]
struct ClosedPage<'a> {
    visit: &'a Visit,
    campaign: &'a Campaign,
    is_over: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::tests::example;
    use crate::web::page::tests::visit;

    fn page(form: &Form, error: Option<&Error>, address: &str) -> String {
        let (visit, campaign) = (visit(address, "es"), example());
        let page = FormPage {
            visit: &visit,
            campaign: &campaign,
            key: "0123456789abcdef0123456789abcdef",
            typed: form,
            problem: error.map(|error| Problem::of(error, visit.lang)),
        };
        page.render().unwrap()
    }

    #[test]
    fn what_was_typed_comes_back_and_cannot_run() {
        let typed = Form {
            parts: vec![("nombre".into(), "\"><script>alert(1)</script>".into())],
            has_photo: true,
        };
        let refused = example().admit(&typed).unwrap_err();
        let html = page(&typed, Some(&Error::Refused(refused)), "/");
        assert!(html.contains("<title>Error: "));
        assert!(html.contains("value=\"&#34;&#62;&#60;script&#62;alert(1)"));
        assert!(html.contains("<a href=\"#f-ciudad\">Ciudad: Falta esta respuesta."));
        assert!(!html.contains("<script>"));
    }

    #[test]
    fn a_language_that_was_chosen_goes_on() {
        let html = page(&Form::default(), None, "/?lang=en");
        assert!(html.contains("<html lang=\"en\">"));
        assert!(html.contains("action=\"/c/vacunacion?lang=en\""));
        assert!(html.contains("href=\"/?lang=es\" lang=\"es\""));
    }

    #[test]
    fn nothing_on_a_page_needs_an_inline_script_or_style() {
        let html = page(&Form::default(), None, "/");
        for forbidden in [" style=", "<style", " onclick=", "<script>", "//"] {
            let found = html.matches(forbidden).count();
            assert_eq!(found, 0, "{forbidden}");
        }
    }

    #[test]
    fn the_key_is_taken_out_of_the_answers() {
        let mut form = Form {
            parts: vec![("nombre".into(), "Ana".into()), (KEY.into(), "k".into())],
            has_photo: false,
        };
        assert_eq!(take_key(&mut form), "k");
        assert_eq!(form.parts.len(), 1);
        assert_eq!(take_key(&mut form).len(), 32);
    }

    #[test]
    fn a_campaign_that_is_not_open_says_when_it_is() {
        let answer = closed(&visit("/", "es"), &example(), Opening::NotYet);
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
}
