//! The form that corrects a registration. It carries the version that was read: if another clerk changed the
//! registration in the meantime, the form comes back with the current answers beside the typed ones.

use askama::Template;
use axum::extract::{Form as Posted, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use tracing::info;

use super::case::Case;
use super::guard::{Desk, FIELD};
use super::route::{Need, Route};
use super::scribe::Action;
use crate::domain::record::{MAX_REASON, REASON, Record};
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Field, FieldRefusal, Form, Kind};
use crate::intake::amend::correct;
use crate::store::Amended;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::problem::FieldProblem;
use crate::web::page::{Visit, show};

const PATH: &str = "/staff/c/{campaign}/registrations/{id}/correct";
const NEED: Need = Need::Permission(Permission::Correct);

/// Name of the hidden field with the version that was read.
const VERSION: &str = "_version";

/// Routes of the form.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PATH, NEED, ask), Route::post(PATH, NEED, take)]
}

/// The submitted form.
struct Typed {
    version: Option<u64>,
    reason: String,
    form: Form,
}

/// Why a correction was not stored.
enum Trouble {
    None,
    Refused(Vec<FieldProblem>),
    /// The registration changed since the form was read.
    Stale,
    /// The corrected unique answer belongs to another registration.
    Taken,
}

async fn ask(case: Case) -> Result<Response, Error> {
    let record = case.open(Action::Look).await?;
    Ok(answer(
        &case,
        &record,
        &Typed::of(&case.campaign, &record),
        &Trouble::None,
    ))
}

async fn take(
    State(app): State<AppState>,
    case: Case,
    Posted(parts): Posted<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let typed = Typed::read(parts);
    let record = case.open(Action::Look).await?;
    if typed.version != Some(record.version) {
        return Ok(too_late(&case, &record, &typed));
    }
    let (by, now) = (case.desk.staff.actor(), Timestamp::now());
    let judged = record.correct(&case.campaign, &typed.form, &by, &typed.reason, now);
    let corrected = match judged {
        Err(refusals) => return Ok(answer(&case, &record, &typed, &refused(&case, &refusals))),
        Ok(None) => return Ok(done(&case, "same")),
        Ok(Some(corrected)) => corrected,
    };
    if !case.desk.staff.sees(&corrected.registration.value) {
        case.note(case.deed(Action::Refused)).await?;
        return Ok(answer(&case, &record, &typed, &not_theirs(&case)));
    }
    case.note(
        case.deed(Action::Correct)
            .with("fields", changed(&corrected)),
    )
    .await?;
    let (store, secret) = (&app.store, &app.registrations.secret);
    let amended = correct(store, secret, &case.campaign, &record, &corrected);
    settle(&case, &record, &typed, amended.await?).await
}

async fn settle(
    case: &Case,
    record: &Record,
    typed: &Typed,
    amended: Amended,
) -> Result<Response, Error> {
    match amended {
        Amended::Done => {
            info!(staff = case.desk.staff.logged(), "corrected a registration");
            Ok(done(case, "corrected"))
        }
        Amended::Taken => {
            case.note(case.deed(Action::Correct).with("outcome", "taken"))
                .await?;
            Ok(answer(case, record, typed, &Trouble::Taken))
        }
        Amended::Stale => {
            case.note(case.deed(Action::Correct).with("outcome", "stale"))
                .await?;
            let now = case.open(Action::Look).await?;
            Ok(too_late(case, &now, typed))
        }
    }
}

/// Answers a form with an outdated version. If the last correction is the same one by the same person, as after a
/// double click or a retry, reports success; else shows the form again.
fn too_late(case: &Case, record: &Record, typed: &Typed) -> Response {
    let by = case.desk.staff.actor();
    let last = record.corrections.last();
    let is_next = typed.version.map(|version| version + 1) == Some(record.version);
    let is_theirs = is_next && last.is_some_and(|last| last.by == by);
    let judge = || {
        record.correct(
            &case.campaign,
            &typed.form,
            &by,
            &typed.reason,
            Timestamp::now(),
        )
    };
    if is_theirs && matches!(judge(), Ok(None)) {
        return done(case, "corrected");
    }
    answer(case, record, typed, &Trouble::Stale)
}

fn done(case: &Case, what: &str) -> Response {
    Redirect::to(&case.desk.visit.link_done(&case.path(""), what)).into_response()
}

/// Returns the names of the corrected fields, separated by spaces.
fn changed(corrected: &Record) -> String {
    let last = corrected.corrections.last();
    let changes = last.map_or(&[][..], |correction| &correction.changes);
    let names: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
    names.join(" ")
}

fn refused(case: &Case, refusals: &[FieldRefusal]) -> Trouble {
    let problem = |refused| FieldProblem::of(refused, case.desk.visit.lang);
    Trouble::Refused(refusals.iter().map(problem).collect())
}

fn not_theirs(case: &Case) -> Trouble {
    let message = case.desk.visit.say(
        "No es de las suyas. Pida este cambio a la administración.",
        "It is not one of yours. Ask an administrator for this change.",
    );
    Trouble::Refused(vec![FieldProblem {
        field: case.campaign.tallied().name.clone(),
        message: message.to_owned(),
    }])
}

fn answer(case: &Case, record: &Record, typed: &Typed, trouble: &Trouble) -> Response {
    let status = match trouble {
        Trouble::None => StatusCode::OK,
        Trouble::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Trouble::Stale | Trouble::Taken => StatusCode::CONFLICT,
    };
    let page = CorrectPage {
        visit: case.desk.visit.at(&case.path("/correct")),
        desk: &case.desk,
        campaign: &case.campaign,
        case,
        record,
        typed,
        trouble,
    };
    show(status, &page)
}

impl Typed {
    /// Creates a form with the current answers.
    fn of(campaign: &Campaign, record: &Record) -> Self {
        let answers = record.registration.answers.named(campaign);
        let owned = |(name, answer): (&str, &str)| (name.to_owned(), answer.to_owned());
        Self {
            version: Some(record.version),
            reason: String::new(),
            form: Form {
                parts: answers.map(owned).collect(),
                has_photo: false,
            },
        }
    }

    /// Parses a submitted form: separates the fields of this page from those of the campaign.
    fn read(parts: Vec<(String, String)>) -> Self {
        let mut typed = Self {
            version: None,
            reason: String::new(),
            form: Form::default(),
        };
        for (name, value) in parts {
            match name.as_str() {
                FIELD => {}
                VERSION => typed.version = value.parse().ok(),
                REASON => typed.reason = value,
                _ => typed.form.parts.push((name, value)),
            }
        }
        typed
    }
}

#[derive(Template)]
#[template(path = "staff/correct.html")]
struct CorrectPage<'a> {
    visit: Visit,
    desk: &'a Desk,
    campaign: &'a Campaign,
    case: &'a Case,
    record: &'a Record,
    typed: &'a Typed,
    trouble: &'a Trouble,
}

/// A field of the campaign as the form shows it.
struct Question<'a> {
    field: &'a Field,
    value: &'a str,
    error: Option<&'a str>,
    /// The current answer, if the form is outdated and the answers differ.
    kept: Option<&'a str>,
}

impl CorrectPage<'_> {
    fn questions(&self) -> Vec<Question<'_>> {
        let fields = self.campaign.fields.iter().enumerate();
        let asked = fields.filter(|(_, field)| !field.is_photo());
        asked
            .map(|(place, field)| self.question(place, field))
            .collect()
    }

    fn question<'s>(&'s self, place: usize, field: &'s Field) -> Question<'s> {
        let value = self.typed.form.value(&field.name);
        let kept = self
            .record
            .registration
            .answers
            .get(place)
            .unwrap_or_default();
        Question {
            field,
            value,
            error: self.error(&field.name),
            kept: (self.is_stale() && kept != value).then_some(kept),
        }
    }

    fn error(&self, name: &str) -> Option<&str> {
        let wrong = self.mistakes().iter().find(|wrong| wrong.field == name);
        wrong.map(|wrong| wrong.message.as_str())
    }

    fn mistakes(&self) -> &[FieldProblem] {
        match self.trouble {
            Trouble::Refused(mistakes) => mistakes,
            Trouble::None | Trouble::Stale | Trouble::Taken => &[],
        }
    }

    fn is_wrong(&self) -> bool {
        !matches!(self.trouble, Trouble::None)
    }

    fn is_stale(&self) -> bool {
        matches!(self.trouble, Trouble::Stale)
    }

    fn is_taken(&self) -> bool {
        matches!(self.trouble, Trouble::Taken)
    }

    fn name_of<'s>(&'s self, name: &'s str) -> &'s str {
        let field = self.campaign.field(name);
        let reason = self.visit.lang.pick("Motivo", "Reason");
        let other = if name == REASON { reason } else { name };
        field.map_or(other, |field| self.visit.read(&field.label))
    }

    fn link(&self, below: &str) -> String {
        self.visit.link(&self.case.path(below))
    }
}
