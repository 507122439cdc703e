//! Tokens of programs (RFC 6750), sessions and links: 256 random bits, shown once, kept as their SHA-256 only.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "jornada_";

/// A token in the clear.
#[derive(Clone, Debug)]
pub struct Token(SecretString);

impl Token {
    /// Makes a new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bits = [0u8; 32];
        getrandom::fill(&mut bits)?;
        let text = data_encoding::BASE32_NOPAD.encode(&bits).to_lowercase();
        Ok(Self(format!("{PREFIX}{text}").into()))
    }

    /// Takes what a client sent; any text, since only its hash is looked up.
    #[must_use]
    pub fn sent(text: &str) -> Self {
        Self(text.into())
    }

    /// The text, for the one who asked for the token.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the store keeps. Looking this up takes no secret-dependent time that helps: it is a hash of 256 random bits.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }
}

/// Whether a text can name a token: 1 to 100 bytes without control characters.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 100 && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike_and_none_shows_in_debug() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(Token::sent(one.expose()).hash(), one.hash());
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
