//! Tokens of programs (RFC 6750), sessions and password links: 256 random bits. Only their SHA-256 is stored.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "jornada_";

/// A token in plain text. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct Token(SecretString);

impl Token {
    /// Generates a random token.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bits = [0u8; 32];
        getrandom::fill(&mut bits)?;
        let text = data_encoding::BASE32_NOPAD.encode(&bits).to_lowercase();
        Ok(Self(format!("{PREFIX}{text}").into()))
    }

    /// Wraps a token that a client sent. Accepts any text, since only its hash is looked up.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the plain text.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the SHA-256 under which the token is stored. Lookups need no constant time: a hash of 256 random bits
    /// cannot be guessed step by step.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.expose().as_bytes()).into()
    }
}

/// Returns whether a text is a valid token name: 1 to 100 bytes without control characters.
pub fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 100 && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_unique_and_hidden_in_debug_output() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(Token::from_text(one.expose()).hash(), one.hash());
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
