//! Keys that the staff area derives from the installation's secret.

use crate::key::{DerivedKey, InstallationSecret};

/// The derived keys of the staff area.
#[derive(Debug)]
pub struct StaffKeys {
    /// Encrypts stored TOTP secrets.
    pub(super) totp: DerivedKey,
    /// Pseudonymises the clients of counted login attempts.
    pub(super) throttle: DerivedKey,
    /// Encrypts search queries in URLs.
    pub(super) query: DerivedKey,
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
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::key::tests::secret;

    pub(crate) fn keys(text: &str) -> StaffKeys {
        StaffKeys::derive(&secret(text))
    }
}
