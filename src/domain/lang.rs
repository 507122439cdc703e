//! The two languages of the user interface, and texts in both.
//! Spanish is the default.

use serde::{Deserialize, Serialize};

/// Language of the user interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Spanish, the default.
    #[default]
    Es,
    /// English.
    En,
}

impl Lang {
    /// Parses a language tag (BCP 47) by its primary subtag. Returns `None` for other languages.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default().trim();
        if primary.eq_ignore_ascii_case("es") {
            Some(Self::Es)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// Chooses the supported language of highest weight in an `Accept-Language` header (RFC 9110, 12.5.4).
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        header
            .split(',')
            .filter_map(weighted_language)
            .fold(None, |best: Option<(f32, Self)>, candidate| match best {
                Some(known) if known.0 >= candidate.0 => Some(known),
                _ => Some(candidate),
            })
            .map_or_else(Self::default, |(_, lang)| lang)
    }

    /// Returns the language tag (BCP 47): `es` or `en`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        self.pick("es", "en")
    }

    /// Returns the Spanish or the English argument.
    #[must_use]
    pub fn pick<T>(self, es: T, en: T) -> T {
        match self {
            Self::Es => es,
            Self::En => en,
        }
    }
}

fn weighted_language(range: &str) -> Option<(f32, Lang)> {
    let (tag, weight) = match range.split_once(';') {
        Some((tag, parameter)) => (tag, parameter.trim().strip_prefix("q=")?.parse().ok()?),
        None => (range, 1.0),
    };
    Lang::from_tag(tag.trim())
        .map(|lang| (weight, lang))
        .filter(|(weight, _)| *weight > 0.0)
}

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Localized {
    /// In Spanish.
    pub es: String,
    /// In English.
    pub en: String,
}

impl Localized {
    /// Returns the text in this language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        lang.pick(&self.es, &self.en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_that_is_spoken_wins() {
        assert_eq!(Lang::from_accept_language("en-US,en;q=0.9"), Lang::En);
        assert_eq!(Lang::from_accept_language("de,en;q=0.4,es;q=0.8"), Lang::Es);
        assert_eq!(Lang::from_accept_language("es-CO, en;q=0.5"), Lang::Es);
        assert_eq!(Lang::from_accept_language("fr;q=1, en;q=0"), Lang::Es);
        assert_eq!(Lang::from_accept_language("en;q=x, ;;,"), Lang::Es);
    }
}
