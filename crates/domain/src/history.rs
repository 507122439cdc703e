//! A registration with its corrections. A correction is a pure step from one history to the next; the store applies
//! it only if the registration has not changed meanwhile.

mod deletion;

use jiff::Timestamp;

use super::moment::truncate_to_ms;
use super::registration::{PhotoRef, Registration};
use super::validation_error::{FieldError, ValidationError};
use super::{Answers, Campaign, Field, FormData, reason};

pub use deletion::{Deletion, DeletionCause};

/// Field name of errors in the reason. No campaign field can have this name.
pub const REASON: &str = "_reason";
/// Maximum number of corrections of one registration; they are stored with it.
pub const MAX_CORRECTIONS: usize = 200;

/// A registration with all its corrections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationHistory {
    /// Current answers. Id, time and digest are those of the original submission.
    pub registration: Registration,
    /// Number of corrections, for optimistic locking in the store.
    pub version: u64,
    /// Corrections, oldest first.
    pub corrections: Vec<Correction>,
    /// Version of the accepted consent text, see [`Campaign::consent_version`]. `None` if the campaign asked for no
    /// consent.
    pub consent: Option<String>,
    /// Photo that was erased at the end of its retention period.
    pub erased: Option<ErasedPhoto>,
}

/// A photo erased at the end of its retention period; the registration no longer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedPhoto {
    /// Time of the erasure (millisecond precision).
    pub at: Timestamp,
    /// Stored photo that is still to be deleted from the object store.
    pub pending_deletion: Option<PhotoRef>,
}

/// A correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Time of the correction (millisecond precision).
    pub at: Timestamp,
    /// [`Account`](crate::staff::Account) or token, as named in the audit log.
    pub by: String,
    /// Reason given.
    pub reason: String,
    /// Changed answers, at least one.
    pub changes: Vec<AnswerChange>,
}

/// Change of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerChange {
    /// Name of the field.
    pub field: String,
    /// Previous answer.
    pub before: Option<String>,
    /// New answer.
    pub after: Option<String>,
}

impl RegistrationHistory {
    /// Applies a correction. Returns `None` if nothing differs. Fields that were not sent stay, and a value that equals
    /// the stored one is accepted even if the campaign no longer would. Returns all errors, in
    /// the order of the fields; those under [`REASON`] are last.
    pub fn correct(
        &self,
        campaign: &Campaign,
        form: &FormData,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, Vec<FieldError>> {
        let (changes, mut errors) = self.validate_changes(campaign, form);
        if changes.is_empty() && errors.is_empty() {
            return Ok(None);
        }
        let reason =
            reason::parse(reason).map_err(|error| errors.push(FieldError::new(REASON, error)));
        if self.corrections.len() >= MAX_CORRECTIONS {
            let max = MAX_CORRECTIONS;
            let error = ValidationError::TooManyCorrections { max };
            errors.push(FieldError::new(REASON, error));
        }
        match reason {
            Ok(reason) if errors.is_empty() => {
                let correction = Correction {
                    at: truncate_to_ms(now),
                    by: by.to_owned(),
                    reason,
                    changes,
                };
                Ok(Some(self.apply_correction(campaign, correction)))
            }
            _ => Err(errors),
        }
    }

    /// Returns the deletion of this registration on request, for a validated [`reason`].
    pub fn delete(&self, by: &str, reason: String, now: Timestamp) -> Deletion {
        Deletion {
            at: truncate_to_ms(now),
            by: by.to_owned(),
            reason,
            tally_value: self.registration.tally_value.clone(),
            cause: DeletionCause::Requested,
        }
    }

    /// Returns the photo, if any.
    pub fn photo(&self) -> Option<&PhotoRef> {
        self.registration.photo.as_ref()
    }

    fn validate_changes(
        &self,
        campaign: &Campaign,
        form: &FormData,
    ) -> (Vec<AnswerChange>, Vec<FieldError>) {
        let (mut changes, mut errors) = (Vec::new(), Vec::new());
        for (index, field) in campaign.fields.iter().enumerate() {
            let was = self.registration.answers.get(index);
            match validate_change(field, form, was) {
                Ok(is) if is.as_deref() != was => changes.push(AnswerChange {
                    field: field.name.clone(),
                    before: was.map(str::to_owned),
                    after: is,
                }),
                Ok(_) => {}
                Err(refusal) => errors.push(FieldError::new(&field.name, refusal)),
            }
        }
        let is_unknown = |(name, _): &&(String, String)| campaign.field(name).is_none();
        let unknown = form.parts.iter().find(is_unknown);
        errors
            .extend(unknown.map(|(name, _)| FieldError::new(name, ValidationError::UnknownField)));
        (changes, errors)
    }

    fn apply_correction(&self, campaign: &Campaign, correction: Correction) -> Self {
        let answer = |(place, field): (usize, &Field)| {
            let change = correction.changes.iter().find(|c| c.field == field.name);
            let stored = self.registration.answers.get(place).map(str::to_owned);
            change.map_or(stored, |change| change.after.clone())
        };
        let answers = campaign.fields.iter().enumerate().map(answer).collect();
        let answers = Answers::from_stored(answers);
        let mut corrected = self.clone();
        corrected.registration.tally_value = campaign.tally_value(&answers);
        corrected.registration.answers = answers;
        corrected.version += 1;
        corrected.corrections.push(correction);
        corrected
    }
}

/// Validates the new value of a field.
fn validate_change(
    field: &Field,
    form: &FormData,
    was: Option<&str>,
) -> Result<Option<String>, ValidationError> {
    match form.count(&field.name) {
        0 => Ok(was.map(str::to_owned)),
        1 if field.is_photo() => Err(ValidationError::UnknownField),
        1 if form.value(&field.name) == was.unwrap_or_default() => Ok(was.map(str::to_owned)),
        1 => field.validate(form.value(&field.name)),
        _ => Err(ValidationError::Repeated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RegistrationId;
    use crate::campaign::tests::example;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    fn record(campaign: &Campaign) -> RegistrationHistory {
        let text = |text: &str| Some(text.to_owned());
        let answers = vec![text("Ana Ejemplo"), text("1234567"), text("Bogotá"), None];
        let answers = Answers::from_stored(answers);
        RegistrationHistory {
            registration: Registration {
                id: RegistrationId::from_bytes([7; 16]),
                campaign: campaign.id.clone(),
                tally_value: campaign.tally_value(&answers),
                digest: answers.digest(campaign, None),
                answers,
                photo: None,
                received_at: NOW,
            },
            version: 0,
            corrections: Vec::new(),
            consent: campaign.consent_version(),
            erased: None,
        }
    }

    fn typed(parts: &[(&str, &str)]) -> FormData {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        FormData {
            parts: parts.iter().map(owned).collect(),
            has_photo: false,
        }
    }

    fn refused(parts: &[(&str, &str)], reason: &str) -> Vec<(String, ValidationError)> {
        let campaign = example();
        let refused = record(&campaign).correct(&campaign, &typed(parts), "a", reason, NOW);
        let pair = |refusal: FieldError| (refusal.field, refusal.error);
        refused.unwrap_err().into_iter().map(pair).collect()
    }

    #[test]
    fn a_correction_is_normalised_and_keeps_what_was() {
        let campaign = example();
        let first = record(&campaign);
        let parts = [
            ("ciudad", "MEDELLIN"),
            ("documento", ""),
            ("nombre", "Ana  Ejemplo"),
        ];
        let corrected = first.correct(
            &campaign,
            &typed(&parts),
            "account:1",
            " mal  escrita ",
            NOW,
        );
        let corrected = corrected.unwrap().unwrap();
        assert_eq!(
            (
                corrected.version,
                corrected.registration.tally_value.as_str()
            ),
            (1, "Medellín")
        );
        assert_eq!(corrected.registration.digest, first.registration.digest);
        let Correction {
            reason, changes, ..
        } = &corrected.corrections[0];
        assert_eq!(reason, "mal escrita");
        let changes: Vec<_> = changes
            .iter()
            .map(|c| (c.field.as_str(), c.before.as_deref(), c.after.as_deref()))
            .collect();
        assert_eq!(
            changes,
            [
                ("documento", Some("1234567"), None),
                ("ciudad", Some("Bogotá"), Some("Medellín"))
            ]
        );
        let again = corrected.correct(
            &campaign,
            &typed(&[("nombre", "Eva")]),
            "a",
            "otra vez",
            NOW,
        );
        let again = again.unwrap().unwrap();
        assert_eq!((again.version, again.corrections.len()), (2, 2));
        assert_eq!(again.registration.answers.get(2), Some("Medellín"));
    }

    #[test]
    fn nothing_differs_whatever_the_spelling() {
        let campaign = example();
        let same = typed(&[("ciudad", "bogota"), ("documento", "1.234.567")]);
        let corrected = record(&campaign).correct(&campaign, &same, "a", "", NOW);
        assert_eq!(corrected, Ok(None));
    }

    #[test]
    fn what_stands_is_not_judged_again() {
        let campaign = example();
        let mut old = record(&campaign);
        let text = |text: &str| Some(text.to_owned());
        let answers = vec![text("A"), None, text("Macondo"), None];
        old.registration.answers = Answers::from_stored(answers);
        let parts = [
            ("nombre", "A"),
            ("documento", "7654321"),
            ("ciudad", "Macondo"),
        ];
        let corrected = old.correct(&campaign, &typed(&parts), "a", "faltaba", NOW);
        let corrected = corrected.unwrap().unwrap();
        assert_eq!(corrected.corrections[0].changes.len(), 1);
    }

    #[test]
    fn every_refusal_is_told_with_that_of_the_reason() {
        let parts = [
            ("nombre", "A"),
            ("ciudad", "Macondo"),
            ("foto", "x"),
            ("otro", "x"),
        ];
        let refused = refused(&parts, "no");
        let fields: Vec<_> = refused.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["nombre", "ciudad", "foto", "otro", REASON]);
        assert_eq!(refused[2].1, ValidationError::UnknownField);
        assert_eq!(refused[4].1, ValidationError::TooShort { min: 4 });
    }

    #[test]
    fn a_required_answer_stays_one_and_a_part_comes_once() {
        let required = refused(&[("nombre", " ")], "por si acaso");
        assert_eq!(required, [("nombre".to_owned(), ValidationError::Missing)]);
        let twice = refused(&[("nombre", "Eva"), ("nombre", "Ada")], "por si acaso");
        assert_eq!(twice, [("nombre".to_owned(), ValidationError::Repeated)]);
    }

    #[test]
    fn corrections_do_not_grow_without_end() {
        let campaign = example();
        let mut record = record(&campaign);
        for turn in 0..=MAX_CORRECTIONS {
            let name = format!("Ana {turn}");
            let corrected =
                record.correct(&campaign, &typed(&[("nombre", &name)]), "a", "motivo", NOW);
            match corrected {
                Ok(corrected) => record = corrected.unwrap(),
                Err(refusals) => {
                    assert_eq!(turn, MAX_CORRECTIONS);
                    let most = MAX_CORRECTIONS;
                    assert_eq!(
                        refusals[0].error,
                        ValidationError::TooManyCorrections { max: most }
                    );
                    return;
                }
            }
        }
        panic!("corrected once too often");
    }
}
