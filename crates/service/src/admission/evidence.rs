//! Parts of a submission that only admission uses: the hidden fields of the form and the proof of work.

use sha2::{Digest, Sha256};

use jornada_domain::FormData;

/// Hidden form field with the signed time at which the form was shown.
pub const TIMESTAMP_FIELD: &str = "_at";
/// Hidden form field that people leave empty. No field of a campaign begins with `_`, and browsers do not autofill this
/// name.
pub const HONEYPOT_FIELD: &str = "_comentario";

/// Hidden part by which a person asks staff to decide about a number that somebody else sent before.
pub const REVIEW_FIELD: &str = "_review";

/// Evidence that no bot sent a submission.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Whether the hidden field that people leave empty has text.
    pub honeypot_filled: bool,
    /// The signed time at which the form was shown.
    pub form_timestamp: Option<String>,
    /// Whether the timestamp is required: true for the HTML form, false for programs.
    pub timestamp_required: bool,
    /// The solved challenge.
    pub proof: Option<String>,
    /// Identifies key and answers ([`fingerprint`]): a retry may reuse its proof.
    pub fingerprint: String,
    /// Whether it asks for a review, which has a limit of its own.
    pub wants_review: bool,
}

/// The hidden fields of a form.
#[derive(Clone, Debug)]
pub struct HiddenFields {
    /// Whether the field that people leave empty has text.
    pub is_filled: bool,
    /// Whether it asks for a review.
    pub wants_review: bool,
    /// The signed time at which the form was shown.
    pub timestamp: Option<String>,
}

impl HiddenFields {
    /// Removes the hidden fields from the answers and returns them.
    pub fn take_from(form: &mut FormData) -> Self {
        let honeypot = take_part(form, HONEYPOT_FIELD);
        Self {
            is_filled: honeypot.is_some_and(|text| !text.trim().is_empty()),
            wants_review: take_part(form, REVIEW_FIELD).is_some_and(|text| text.trim() == "true"),
            timestamp: take_part(form, TIMESTAMP_FIELD),
        }
    }
}

/// Removes the first part of this name from the answers and returns its value.
pub fn take_part(form: &mut FormData, name: &str) -> Option<String> {
    let place = form.parts.iter().position(|(known, _)| known == name)?;
    Some(form.parts.remove(place).1)
}

/// Returns a digest of the idempotency key and the texts, in hexadecimal digits. The photo is not included: another
/// photo under the same key or document is a conflict anyway.
pub fn fingerprint(key: &str, form: &FormData) -> String {
    let mut digest = Sha256::new().chain_update(key);
    for (name, value) in &form.parts {
        for text in [name, value] {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
    }
    data_encoding::HEXLOWER.encode(&digest.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_fields_are_no_answers() {
        let parts = [
            ("nombre", "Ana"),
            (HONEYPOT_FIELD, " "),
            (TIMESTAMP_FIELD, "1.a"),
        ];
        let mut form = FormData {
            parts: parts
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            has_photo: false,
        };
        let hidden = HiddenFields::take_from(&mut form);
        assert_eq!(
            (hidden.is_filled, hidden.timestamp.as_deref()),
            (false, Some("1.a"))
        );
        assert_eq!(form.parts, [("nombre".to_owned(), "Ana".to_owned())]);
        form.parts
            .push((HONEYPOT_FIELD.into(), "http://spam.example".into()));
        assert!(HiddenFields::take_from(&mut form).is_filled);
    }

    #[test]
    fn other_texts_have_another_fingerprint() {
        let form = |name: &str, value: &str| FormData {
            parts: vec![(name.into(), value.into())],
            has_photo: false,
        };
        let one = fingerprint("key", &form("ab", "c"));
        assert_eq!(one, fingerprint("key", &form("ab", "c")));
        assert_ne!(one, fingerprint("key", &form("a", "bc")));
        assert_ne!(one, fingerprint("other", &form("ab", "c")));
    }
}
