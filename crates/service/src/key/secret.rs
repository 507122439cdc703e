//! Secret of an installation.

use derive_more::Debug;
use secrecy::{ExposeSecret, SecretSlice};

/// Minimum length of a secret in bytes.
pub const MIN_BYTES: usize = 32;

/// Secret of at least [`MIN_BYTES`], the same on every instance.
#[derive(Clone, Debug)]
#[debug("Secret(…)")]
pub struct InstallationSecret(SecretSlice<u8>);

impl InstallationSecret {
    /// Creates a secret. Returns `None` if it is shorter than [`MIN_BYTES`].
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= MIN_BYTES).then(|| Self(bytes.into()))
    }

    /// Returns the bytes, to derive keys and ids from.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}
