//! Keys that the staff area derives from the installation's secret.

use crate::key::{Key, Secret};

/// The derived keys of the staff area.
#[derive(Debug)]
pub struct Keys {
    seal: Key,
    throttle: Key,
    query: Key,
}

impl Keys {
    /// Derives the keys from the installation's secret.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self {
            seal: Key::of(secret, "staff: second factors"),
            throttle: Key::of(secret, "staff: who tries to log in"),
            query: Key::of(secret, "staff: what is looked for"),
        }
    }

    /// Returns the key that encrypts stored TOTP secrets.
    pub(super) fn seal(&self) -> &[u8; 32] {
        self.seal.expose()
    }

    /// Returns the key that encrypts search queries in URLs.
    pub(super) fn query(&self) -> &[u8; 32] {
        self.query.expose()
    }

    /// Returns the key that pseudonymises the clients of counted login attempts.
    pub(super) fn throttle(&self) -> &Key {
        &self.throttle
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::key::tests::secret;

    pub(crate) fn keys(text: &str) -> Keys {
        Keys::of(&secret(text))
    }
}
