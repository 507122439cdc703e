//! What people agree to. Its words may change while a campaign runs; each registration says which ones it was given.

use sha2::{Digest, Sha256};

use super::campaign::Campaign;
use super::lang::Localized;

/// Hexadecimal digits of a version.
const DIGITS: usize = 16;

impl Campaign {
    /// The version of the words that people agree to now, if they are asked to: it comes of the words themselves, so
    /// that nobody can forget to change it with them.
    #[must_use]
    pub fn consent_version(&self) -> Option<String> {
        self.consent.as_ref().map(version)
    }
}

/// The first 64 bits of SHA-256 over both texts, in hexadecimal.
#[must_use]
pub fn version(words: &Localized) -> String {
    let mut hash = Sha256::new();
    for text in [&words.es, &words.en] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let mut version = data_encoding::HEXLOWER.encode(&hash.finalize());
    version.truncate(DIGITS);
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_are_another_version() {
        let words = |es: &str, en: &str| Localized {
            es: es.into(),
            en: en.into(),
        };
        let first = version(&words("Acepto.", "I agree."));
        assert_eq!(first.len(), DIGITS);
        assert_eq!(first, version(&words("Acepto.", "I agree.")));
        assert_ne!(first, version(&words("Acepto", ".I agree.")));
    }
}
