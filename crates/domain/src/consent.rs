//! Versions of the consent text. It may change while a campaign runs; each registration stores its version.

use sha2::{Digest, Sha256};

use super::lang::LocalizedText;

/// Length of a version, in hexadecimal digits.
const DIGITS: usize = 16;

/// Returns the first 64 bits of SHA-256 over both texts, in hexadecimal.
pub fn version(words: &LocalizedText) -> String {
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
        let words = |es: &str, en: &str| LocalizedText {
            es: es.into(),
            en: en.into(),
        };
        let first = version(&words("Acepto.", "I agree."));
        assert_eq!(first.len(), DIGITS);
        assert_eq!(first, version(&words("Acepto.", "I agree.")));
        assert_ne!(first, version(&words("Acepto", ".I agree.")));
    }
}
