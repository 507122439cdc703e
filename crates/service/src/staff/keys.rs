//! Keys that the staff area derives from the installation's secret.

use crate::key::{DerivedKey, InstallationSecret};

/// The derived keys of the staff area.
#[derive(Debug)]
pub struct StaffKeys {
    totp: DerivedKey,
    throttle: DerivedKey,
    query: DerivedKey,
}

impl StaffKeys {
    /// Derives the keys from the installation's secret.
    pub fn derive(secret: &InstallationSecret) -> Self {
        Self {
            totp: DerivedKey::derive(secret, "staff: second factors"),
            throttle: DerivedKey::derive(secret, "staff: who tries to log in"),
            query: DerivedKey::derive(secret, "staff: what is looked for"),
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
    pub(super) fn throttle_key(&self) -> &DerivedKey {
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
