//! The secret of an installation.

use std::fmt;

use secrecy::{ExposeSecret, SecretSlice};

/// Fewest bytes of a secret.
pub const MIN_BYTES: usize = 32;

/// At least 32 bytes that nobody else knows.
#[derive(Clone)]
pub struct InstallationSecret(SecretSlice<u8>);

impl InstallationSecret {
    /// A secret of these bytes; `None` if they are fewer than [`MIN_BYTES`].
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= MIN_BYTES).then(|| Self(bytes.into()))
    }

    /// The bytes, for the one place that derives ids.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for InstallationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
