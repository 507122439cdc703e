//! The fields of a submitted form, and the validated answers that are stored.

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

    /// Returns the size of all answers in bytes.
    pub fn size(&self) -> usize {
        self.iter().flatten().map(str::len).sum()
    }

    /// Returns the answers in the order of the fields.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter().map(Option::as_deref)
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
