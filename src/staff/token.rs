//! Bearer tokens (RFC 6750): 256 random bits, shown once, kept as their SHA-256 only.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "jornada_";

/// A token in the clear.
#[derive(Debug)]
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
