//! The fields of a submitted form, and the validated answers that are stored.

use sha2::{Digest, Sha256};

use super::campaign::Campaign;

/// Name of the form part that carries the consent.
pub const CONSENT: &str = "consent";

/// A submitted form before validation: names and values in the order received.
#[derive(Clone, Debug, Default)]
pub struct FormData {
    /// Name and value of each text part.
    pub parts: Vec<(String, String)>,
    /// Whether a photo was uploaded.
    pub has_photo: bool,
}

impl FormData {
    /// Returns the first value sent under a name, or an empty string.
    pub fn value(&self, name: &str) -> &str {
        self.parts
            .iter()
            .find(|(sent, _)| sent == name)
            .map_or("", |(_, value)| value)
    }

    /// Counts the parts with this name.
    pub(super) fn count(&self, name: &str) -> usize {
        self.parts.iter().filter(|(sent, _)| sent == name).count()
    }
}

/// Validated, normalised answers: one slot per field of the campaign, in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers(Vec<Option<String>>);

impl Answers {
    /// Wraps answers read from the store without validating them again.
    pub fn from_stored(answers: Vec<Option<String>>) -> Self {
        Self(answers)
    }

    /// Returns the answer to the field at this index of the campaign.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.0.get(index).and_then(Option::as_deref)
    }

    /// Iterates over name and value of each given answer.
    pub fn named<'a>(&'a self, campaign: &'a Campaign) -> impl Iterator<Item = (&'a str, &'a str)> {
        campaign
            .fields
            .iter()
            .zip(&self.0)
            .filter_map(|(field, value)| Some((field.name.as_str(), value.as_deref()?)))
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
pub(crate) mod tests {
    use super::*;
    use crate::campaign::tests::example;

    /// Returns a form with these texts.
    pub(crate) fn form(parts: &[(&str, &str)], has_photo: bool) -> FormData {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        FormData {
            parts: parts.iter().map(owned).collect(),
            has_photo,
        }
    }

    /// Texts of a valid form of the example campaign.
    pub(crate) const WHOLE: [(&str, &str); 4] = [
        ("nombre", "Ana  Ejemplo"),
        ("documento", "1.234.567"),
        ("ciudad", "bogota"),
        ("consent", "true"),
    ];

    #[test]
    fn the_digest_tells_content_apart() {
        let campaign = example();
        let answers = campaign.validate(&form(&WHOLE, true)).unwrap();
        let mut other = WHOLE;
        other[0].1 = "Ana Otra";
        let others = campaign.validate(&form(&other, true)).unwrap();
        let digest = answers.digest(&campaign, Some(&[1; 32]));
        assert_eq!(digest, answers.clone().digest(&campaign, Some(&[1; 32])));
        assert_ne!(digest, answers.digest(&campaign, Some(&[2; 32])));
        assert_ne!(digest, others.digest(&campaign, Some(&[1; 32])));
    }
}
