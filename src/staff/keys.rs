//! Keys that the staff area derives from the installation's secret.

use crate::key::{InstallationSecret, Key};

/// The derived keys of the staff area.
#[derive(Debug)]
pub struct StaffKeys {
    totp: Key,
    throttle: Key,
    query: Key,
}

impl StaffKeys {
    /// Derives the keys from the installation's secret.
    pub fn derive(secret: &InstallationSecret) -> Self {
        Self {
            totp: Key::of(secret, "staff: second factors"),
            throttle: Key::of(secret, "staff: who tries to log in"),
            query: Key::of(secret, "staff: what is looked for"),
        }
    }

    /// Returns the key that encrypts stored TOTP secrets.
    pub(super) fn totp_key(&self) -> &[u8; 32] {
        self.totp.expose()
    }

    /// Returns the key that encrypts search queries in URLs.
    pub(super) fn query_key(&self) -> &[u8; 32] {
        self.query.expose()
    }

    /// Returns the key that pseudonymises the clients of counted login attempts.
    pub(super) fn throttle_key(&self) -> &Key {
        &self.throttle
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::key::tests::secret;

    pub(crate) fn keys(text: &str) -> StaffKeys {
        StaffKeys::derive(&secret(text))
    }
}
