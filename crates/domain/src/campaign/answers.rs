//! Validation of a submitted form against a campaign, and values derived from its answers.

use sha2::{Digest, Sha256};

use super::Campaign;
use crate::answers::{Answers, CONSENT, FormData};
use crate::field::{Field, FieldKind};
use crate::idempotency_key::IdempotencyKey;
use crate::person_name::SearchedName;
use crate::registration::UniqueKey;
use crate::validation_error::{FieldError, ValidationError};

impl Campaign {
    /// Validates a complete form: every field of the campaign, the consent, and unknown fields. Returns all errors, in
    /// the order of the fields.
    pub fn validate(&self, form: &FormData) -> Result<Answers, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut values: Vec<Option<String>> = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let checked = match form.count(&field.name) {
                2.. => Err(ValidationError::Repeated),
                _ if field.is_photo() && field.required && !form.has_photo => {
                    Err(ValidationError::Missing)
                }
                0 if field.is_photo() => Ok(None),
                _ => {
                    let region = field.within.and_then(|index| values.get(index)?.as_deref());
                    field.validate_within(form.value(&field.name), region)
                }
            };
            match checked {
                Ok(value) => values.push(value),
                Err(refusal) => {
                    errors.push(FieldError::new(&field.name, refusal));
                    values.push(None);
                }
            }
        }
        errors.extend(self.check_consent(form));
        errors.extend(self.find_unknown_field(form));
        if errors.is_empty() {
            Ok(Answers::from_stored(values))
        } else {
            Err(errors)
        }
    }

    fn check_consent(&self, form: &FormData) -> Option<FieldError> {
        self.consent.as_ref()?;
        match form.count(CONSENT) {
            2.. => Some(FieldError::new(CONSENT, ValidationError::Repeated)),
            _ if form.value(CONSENT).trim() != "true" => {
                Some(FieldError::new(CONSENT, ValidationError::ConsentMissing))
            }
            _ => None,
        }
    }

    fn find_unknown_field(&self, form: &FormData) -> Option<FieldError> {
        let unknown = form.parts.iter().find(|(name, _)| {
            let consent = self.consent.is_some() && name == CONSENT;
            !consent && self.field(name).is_none()
        });
        unknown.map(|(name, _)| FieldError::new(name, ValidationError::UnknownField))
    }

    /// Returns the value under which these answers are counted, empty if the tally field has no answer.
    pub fn tally_value(&self, answers: &Answers) -> String {
        let place = self.fields.iter().position(|field| field.tally);
        place
            .and_then(|place| answers.get(place))
            .map(|answer| self.tally_field().tally_value(answer))
            .unwrap_or_default()
    }

    /// Returns the answer to the unique field, if given.
    pub fn unique_answer<'a>(&self, answers: &'a Answers) -> Option<&'a str> {
        let index = self.fields.iter().position(|field| field.unique)?;
        answers.get(index)
    }

    /// Returns the answer to the first personal text field, by which the staff search; empty without one.
    pub fn searched_name(&self, answers: &Answers) -> SearchedName {
        let is_name =
            |field: &Field| field.personal && matches!(field.kind, FieldKind::Text { .. });
        let index = self.fields.iter().position(is_name);
        let name = index.and_then(|index| answers.get(index));
        name.map(SearchedName::new).unwrap_or_default()
    }

    /// Returns the identity of the registration: the unique answer if given, else the request's idempotency key.
    pub fn unique_key(&self, answers: &Answers, key: IdempotencyKey) -> UniqueKey {
        match self.unique_answer(answers) {
            Some(answer) => UniqueKey::Answer(answer.to_owned()),
            None => UniqueKey::Request(key),
        }
    }
}

impl Answers {
    /// Iterates over name and value of each given answer.
    pub fn named<'a>(&'a self, campaign: &'a Campaign) -> impl Iterator<Item = (&'a str, &'a str)> {
        campaign
            .fields
            .iter()
            .zip(self.iter())
            .filter_map(|(field, value)| Some((field.name.as_str(), value?)))
    }

    /// Hashes the names and values (SHA-256), each preceded by its length, and the photo's SHA-256.
    /// Equal for a retry, different for other content.
    pub fn digest(&self, campaign: &Campaign, photo: Option<&[u8; 32]>) -> [u8; 32] {
        let mut hash = Sha256::new();
        for text in self.named(campaign).flat_map(|(name, value)| [name, value]) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        if let Some(sha256) = photo {
            hash.update(sha256);
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use crate::answers::tests::{WHOLE, form};
    use crate::campaign::tests::example;

    #[test]
    fn a_whole_form_is_normalised() {
        let campaign = example();
        let answers = campaign.validate(&form(&WHOLE, true)).unwrap();
        let named: Vec<_> = answers.named(&campaign).collect();
        assert_eq!(
            named,
            [
                ("nombre", "Ana Ejemplo"),
                ("documento", "1234567"),
                ("ciudad", "Bogotá")
            ]
        );
    }

    #[test]
    fn every_refusal_is_told_at_once() {
        let refusals = example()
            .validate(&form(
                &[("ciudad", "x"), ("ciudad", "y"), ("edad", "3")],
                false,
            ))
            .unwrap_err();
        let told: Vec<_> = refusals.iter().map(|r| r.field.as_str()).collect();
        assert_eq!(told, ["nombre", "ciudad", "foto", "consent", "edad"]);
    }
}
