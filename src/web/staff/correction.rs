//! The form that corrects a registration. It carries the version that was read: if another clerk changed the
//! registration in the meantime, the form comes back with the current answers beside the typed ones.

use askama::Template;
use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tracing::info;

use super::context::PageResult;
use super::guard::CSRF_FIELD;
use super::registration_access::RegistrationAccess;
use crate::web::error::Error;
use crate::web::error::problem::FieldProblem;
use crate::web::filled_form::FilledForm;
use jornada_domain::history::{REASON, RegistrationHistory};
use jornada_domain::reason::MAX_REASON;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{Campaign, Field, FieldError, FieldKind, FormData};
use jornada_service::admission::Admitted;
use jornada_service::registrations::amend::correct;
use jornada_store::UpdateOutcome;

/// Name of the hidden field with the version that was read.
const VERSION: &str = "_version";

/// The submitted form.
#[derive(Default)]
struct CorrectionForm {
    version: Option<u64>,
    reason: String,
    answers: FormData,
}

pub(super) async fn show_form(access: RegistrationAccess) -> PageResult {
    let record = access.load(AuditAction::ViewRegistration).await?;
    let form = CorrectionForm::from_history(&access.campaign, &record);
    Ok(render_form(&access, &record, &FilledForm::new(form)))
}

pub(super) async fn submit_form(
    access: RegistrationAccess,
    Form(parts): Form<Vec<(String, String)>>,
) -> PageResult {
    let form = CorrectionForm::from_parts(parts);
    let record = access.load(AuditAction::ViewRegistration).await?;
    if form.version != Some(record.version) {
        return Ok(answer_outdated(&access, &record, form));
    }
    let corrected = match form.apply_to(&access, &record) {
        Ok(None) => return Ok(redirect_with_notice(&access, "same")),
        Ok(Some(corrected)) => corrected,
        Err(wrong) => {
            let errors = FieldProblem::from_field_errors(&wrong, access.lang);
            let form = FilledForm::rejected_fields(form, errors);
            return Ok(render_form(&access, &record, &form));
        }
    };
    if !access
        .is_visible(&corrected.registration.tally_value)
        .await?
    {
        let form = FilledForm::rejected_fields(form, vec![outside_place_scope(&access)]);
        return Ok(render_form(&access, &record, &form));
    }
    let fields = list_corrected_fields(&corrected);
    let admitted = admit(&access, &record, &corrected, &fields).await?;
    let event = access.new_event(AuditAction::Correct);
    access.record(event.with_detail("fields", fields)).await?;
    let (store, secret) = (&access.app.store, &access.app.registrations.secret);
    let outcome = correct(store, secret, &access.campaign, &record, &corrected).await?;
    if let Some(admitted) = admitted {
        admitted.settle(outcome == UpdateOutcome::AliasTaken);
    }
    answer_outcome(&access, &record, form, outcome).await
}

async fn answer_outcome(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: CorrectionForm,
    outcome: UpdateOutcome,
) -> PageResult {
    let event = access.new_event(AuditAction::Correct);
    match outcome {
        UpdateOutcome::Updated => {
            info!(
                staff = access.principal.log_name(),
                "corrected a registration"
            );
            Ok(redirect_with_notice(access, "corrected"))
        }
        UpdateOutcome::AliasTaken => {
            access.record(event.with_detail("outcome", "taken")).await?;
            let words = text!(access.lang, "staff-correct-document-taken");
            Ok(render_conflict(access, record, form, words))
        }
        UpdateOutcome::TooManyAliases => {
            let event = event.with_detail("outcome", "too-many");
            access.record(event).await?;
            let words = text!(access.lang, "staff-correct-too-many-documents");
            Ok(render_conflict(access, record, form, words))
        }
        UpdateOutcome::Stale => {
            access.record(event.with_detail("outcome", "stale")).await?;
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
    form: CorrectionForm,
) -> Response {
    let by = access.principal.actor();
    let last = record.corrections.last();
    let is_next = form.version.map(|version| version + 1) == Some(record.version);
    let is_theirs = is_next && last.is_some_and(|last| last.by == by);
    if is_theirs && matches!(form.apply_to(access, record), Ok(None)) {
        return redirect_with_notice(access, "corrected");
    }
    let words = text!(access.lang, "staff-correct-meanwhile");
    render_conflict(access, record, form, words)
}

fn redirect_with_notice(access: &RegistrationAccess, done: &str) -> Response {
    access.redirect_with_notice(&access.path(""), done)
}

/// Returns the names of the corrected fields, separated by spaces.
fn list_corrected_fields(corrected: &RegistrationHistory) -> String {
    let last = corrected.corrections.last();
    let changes = last.map_or(&[][..], |correction| &correction.changes);
    let names: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
    names.join(" ")
}

/// Counts a correction of the number: one that is taken tells that it is registered, and nobody may try many.
async fn admit(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    corrected: &RegistrationHistory,
    fields: &str,
) -> Result<Option<Admitted>, Error> {
    if !changes_number(access, record, corrected) {
        return Ok(None);
    }
    let actor = access.principal.actor();
    match access.app.admission.admit_correction(&actor).await {
        Ok(admitted) => Ok(Some(admitted)),
        Err(denied) => {
            let event = access.new_event(AuditAction::Correct);
            let event = event.with_detail("fields", fields);
            access
                .record(event.with_detail("outcome", "limited"))
                .await?;
            Err(denied.into())
        }
    }
}

/// Returns whether a correction changes the unique answer.
fn changes_number(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    corrected: &RegistrationHistory,
) -> bool {
    let number = |history: &RegistrationHistory| {
        let answer = access.campaign.unique_answer(&history.registration.answers);
        answer.map(str::to_owned)
    };
    number(record) != number(corrected)
}

fn outside_place_scope(access: &RegistrationAccess) -> FieldProblem {
    let message = text!(access.lang, "staff-correct-not-yours");
    FieldProblem {
        field: access.campaign.tally_field().name.clone(),
        code: "not_allowed",
        message: message.to_owned(),
    }
}

fn render_conflict(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: CorrectionForm,
    problem: &str,
) -> Response {
    let form = FilledForm::rejected(form, problem).with_status(StatusCode::CONFLICT);
    render_form(access, record, &form)
}

fn render_form(
    access: &RegistrationAccess,
    record: &RegistrationHistory,
    form: &FilledForm<CorrectionForm>,
) -> Response {
    form.render(&CorrectionPage {
        visit: access,
        record,
        form,
    })
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
        let mut form = Self::default();
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

    /// Corrects the registration. `None` if nothing changes.
    fn apply_to(
        &self,
        access: &RegistrationAccess,
        record: &RegistrationHistory,
    ) -> Result<Option<RegistrationHistory>, Vec<FieldError>> {
        let (by, now) = (access.principal.actor(), Timestamp::now());
        record.correct(&access.campaign, &self.answers, &by, &self.reason, now)
    }
}

#[derive(Template)]
#[template(path = "staff/correct.html")]
struct CorrectionPage<'a> {
    visit: &'a RegistrationAccess,
    record: &'a RegistrationHistory,
    form: &'a FilledForm<CorrectionForm>,
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
        let fields = self.visit.campaign.fields.iter().enumerate();
        let asked = fields.filter(|(_, field)| !field.is_photo());
        asked
            .map(|(place, field)| self.question(place, field))
            .collect()
    }

    fn question<'s>(&'s self, place: usize, field: &'s Field) -> CorrectionField<'s> {
        let (form, answers) = (&self.form.values, &self.record.registration.answers);
        let value = form.answers.value(&field.name);
        let stored = answers.get(place).unwrap_or_default();
        let is_outdated = form.version != Some(self.record.version);
        CorrectionField {
            field,
            value,
            error: self.form.error(&field.name),
            stored: (is_outdated && stored != value).then_some(stored),
        }
    }

    fn field_label<'s>(&'s self, name: &'s str) -> &'s str {
        let field = self.visit.campaign.field(name);
        let reason = text!(self.visit.lang, "staff-reason");
        let other = if name == REASON { reason } else { name };
        field.map_or(other, |field| self.visit.localized(&field.label))
    }
}
