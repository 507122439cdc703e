//! The form that corrects a registration. It carries the version that was read: if another clerk changed the
//! registration in the meantime, the form comes back with the current answers beside the typed ones.

use askama::Template;
use axum::extract::{Form as Posted, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use tracing::info;

use super::guard::{CSRF_FIELD, StaffContext};
use super::registration_access::RegistrationAccess;
use super::request_audit::AuditAction;
use super::route::{Requirement, Route};
use crate::domain::history::{REASON, RegistrationHistory};
use crate::domain::reason::MAX_REASON;
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Field, FieldError, FieldKind, FormData};
use crate::intake::amend::correct;
use crate::store::UpdateOutcome;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::problem::FieldProblem;
use crate::web::page::{PageContext, render};

const PATH: &str = "/staff/c/{campaign}/registrations/{id}/correct";
const NEED: Requirement = Requirement::Permission(Permission::Correct);

/// Name of the hidden field with the version that was read.
const VERSION: &str = "_version";

/// Routes of the form.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, NEED, show_form),
        Route::post(PATH, NEED, submit_form),
    ]
}

/// The submitted form.
struct CorrectionForm {
    version: Option<u64>,
    reason: String,
    answers: FormData,
}

/// Why a correction was not stored.
enum CorrectionProblem {
    None,
    Invalid(Vec<FieldProblem>),
    /// The registration changed since the form was read.
    Stale,
    /// The corrected unique answer belongs to another registration.
    AliasTaken,
}

async fn show_form(access: RegistrationAccess) -> Result<Response, Error> {
    let record = access.load(AuditAction::ViewRegistration).await?;
    Ok(render_form(
        &access,
        &record,
        &CorrectionForm::from_history(&access.campaign, &record),
        &CorrectionProblem::None,
    ))
}

async fn submit_form(
    State(app): State<AppState>,
    access: RegistrationAccess,
    Posted(parts): Posted<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let form = CorrectionForm::from_parts(parts);
    let record = access.load(AuditAction::ViewRegistration).await?;
    if form.version != Some(record.version) {
        return Ok(answer_outdated(&access, &record, &form));
    }
    let (by, now) = (access.context.principal.actor(), Timestamp::now());
    let checked = record.correct(&access.campaign, &form.answers, &by, &form.reason, now);
    let corrected = match checked {
        Err(refusals) => {
            return Ok(render_form(
                &access,
                &record,
                &form,
                &invalid_fields(&access, &refusals),
            ));
        }
        Ok(None) => return Ok(redirect_with_notice(&access, "same")),
        Ok(Some(corrected)) => corrected,
    };
    if !access
        .context
        .principal
        .may_see(&corrected.registration.tally_value)
    {
        access
            .record(access.new_event(AuditAction::AccessDenied))
            .await?;
        return Ok(render_form(
            &access,
            &record,
            &form,
            &outside_place_scope(&access),
        ));
    }
    access
        .record(
            access
                .new_event(AuditAction::Correct)
                .with_detail("fields", list_corrected_fields(&corrected)),
        )
        .await?;
    let (store, secret) = (&app.store, &app.registrations.secret);
    let amended = correct(store, secret, &access.campaign, &record, &corrected);
    answer_outcome(&access, &record, &form, amended.await?).await
}

async fn answer_outcome(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: &CorrectionForm,
    amended: UpdateOutcome,
) -> Result<Response, Error> {
    match amended {
        UpdateOutcome::Updated => {
            info!(
                staff = access.context.principal.log_name(),
                "corrected a registration"
            );
            Ok(redirect_with_notice(access, "corrected"))
        }
        UpdateOutcome::AliasTaken => {
            access
                .record(
                    access
                        .new_event(AuditAction::Correct)
                        .with_detail("outcome", "taken"),
                )
                .await?;
            Ok(render_form(
                access,
                record,
                form,
                &CorrectionProblem::AliasTaken,
            ))
        }
        UpdateOutcome::Stale => {
            access
                .record(
                    access
                        .new_event(AuditAction::Correct)
                        .with_detail("outcome", "stale"),
                )
                .await?;
            let now = access.load(AuditAction::ViewRegistration).await?;
            Ok(answer_outdated(access, &now, form))
        }
    }
}

/// Answers a form with an outdated version. If the last correction is the same one by the same person, as after a
/// double click or a retry, reports success; else shows the form again.
fn answer_outdated(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: &CorrectionForm,
) -> Response {
    let by = access.context.principal.actor();
    let last = record.corrections.last();
    let is_next = form.version.map(|version| version + 1) == Some(record.version);
    let is_theirs = is_next && last.is_some_and(|last| last.by == by);
    let check = || {
        record.correct(
            &access.campaign,
            &form.answers,
            &by,
            &form.reason,
            Timestamp::now(),
        )
    };
    if is_theirs && matches!(check(), Ok(None)) {
        return redirect_with_notice(access, "corrected");
    }
    render_form(access, record, form, &CorrectionProblem::Stale)
}

fn redirect_with_notice(access: &RegistrationAccess, what: &str) -> Response {
    Redirect::to(
        &access
            .context
            .visit
            .link_with_notice(&access.path(""), what),
    )
    .into_response()
}

/// Returns the names of the corrected fields, separated by spaces.
fn list_corrected_fields(corrected: &RegistrationHistory) -> String {
    let last = corrected.corrections.last();
    let changes = last.map_or(&[][..], |correction| &correction.changes);
    let names: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
    names.join(" ")
}

fn invalid_fields(access: &RegistrationAccess, refusals: &[FieldError]) -> CorrectionProblem {
    let problem = |refused| FieldProblem::from_field_error(refused, access.context.visit.lang);
    CorrectionProblem::Invalid(refusals.iter().map(problem).collect())
}

fn outside_place_scope(access: &RegistrationAccess) -> CorrectionProblem {
    let message = access.context.visit.say(
        "No es de las suyas. Pida este cambio a la administración.",
        "It is not one of yours. Ask an administrator for this change.",
    );
    CorrectionProblem::Invalid(vec![FieldProblem {
        field: access.campaign.tally_field().name.clone(),
        message: message.to_owned(),
    }])
}

fn render_form(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: &CorrectionForm,
    problem: &CorrectionProblem,
) -> Response {
    let status = match problem {
        CorrectionProblem::None => StatusCode::OK,
        CorrectionProblem::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        CorrectionProblem::Stale | CorrectionProblem::AliasTaken => StatusCode::CONFLICT,
    };
    let page = CorrectionPage {
        visit: access.context.visit.with_path(&access.path("/correct")),
        context: &access.context,
        campaign: &access.campaign,
        access,
        record,
        form,
        problem,
    };
    render(status, &page)
}

impl CorrectionForm {
    /// Creates a form with the current answers.
    fn from_history(campaign: &Campaign, record: &RegistrationHistory) -> Self {
        let answers = record.registration.answers.named(campaign);
        let owned = |(name, answer): (&str, &str)| (name.to_owned(), answer.to_owned());
        Self {
            version: Some(record.version),
            reason: String::new(),
            answers: FormData {
                parts: answers.map(owned).collect(),
                has_photo: false,
            },
        }
    }

    /// Parses a submitted form: separates the fields of this page from those of the campaign.
    fn from_parts(parts: Vec<(String, String)>) -> Self {
        let mut form = Self {
            version: None,
            reason: String::new(),
            answers: FormData::default(),
        };
        for (name, value) in parts {
            match name.as_str() {
                CSRF_FIELD => {}
                VERSION => form.version = value.parse().ok(),
                REASON => form.reason = value,
                _ => form.answers.parts.push((name, value)),
            }
        }
        form
    }
}

#[derive(Template)]
#[template(path = "staff/correct.html")]
struct CorrectionPage<'a> {
    visit: PageContext,
    context: &'a StaffContext,
    campaign: &'a Campaign,
    access: &'a RegistrationAccess,
    record: &'a RegistrationHistory,
    form: &'a CorrectionForm,
    problem: &'a CorrectionProblem,
}

/// A field of the campaign as the form shows it.
struct CorrectionField<'a> {
    field: &'a Field,
    value: &'a str,
    error: Option<&'a str>,
    /// The current answer, if the form is outdated and the answers differ.
    stored: Option<&'a str>,
}

impl CorrectionPage<'_> {
    fn questions(&self) -> Vec<CorrectionField<'_>> {
        let fields = self.campaign.fields.iter().enumerate();
        let asked = fields.filter(|(_, field)| !field.is_photo());
        asked
            .map(|(place, field)| self.question(place, field))
            .collect()
    }

    fn question<'s>(&'s self, place: usize, field: &'s Field) -> CorrectionField<'s> {
        let value = self.form.answers.value(&field.name);
        let stored = self
            .record
            .registration
            .answers
            .get(place)
            .unwrap_or_default();
        CorrectionField {
            field,
            value,
            error: self.error(&field.name),
            stored: (self.is_stale() && stored != value).then_some(stored),
        }
    }

    fn error(&self, name: &str) -> Option<&str> {
        let wrong = self
            .field_problems()
            .iter()
            .find(|wrong| wrong.field == name);
        wrong.map(|wrong| wrong.message.as_str())
    }

    fn field_problems(&self) -> &[FieldProblem] {
        match self.problem {
            CorrectionProblem::Invalid(mistakes) => mistakes,
            CorrectionProblem::None | CorrectionProblem::Stale | CorrectionProblem::AliasTaken => {
                &[]
            }
        }
    }

    fn has_problem(&self) -> bool {
        !matches!(self.problem, CorrectionProblem::None)
    }

    fn is_stale(&self) -> bool {
        matches!(self.problem, CorrectionProblem::Stale)
    }

    fn is_taken(&self) -> bool {
        matches!(self.problem, CorrectionProblem::AliasTaken)
    }

    fn field_label<'s>(&'s self, name: &'s str) -> &'s str {
        let field = self.campaign.field(name);
        let reason = self.visit.lang.pick("Motivo", "Reason");
        let other = if name == REASON { reason } else { name };
        field.map_or(other, |field| self.visit.localized(&field.label))
    }

    fn link(&self, below: &str) -> String {
        self.visit.link(&self.access.path(below))
    }
}
