//! What the staff area derives of the installation's secret.

use crate::key::{Key, Secret};

/// Its keys.
#[derive(Debug)]
pub struct Keys {
    seal: Key,
    throttle: Key,
    query: Key,
}

impl Keys {
    /// Derives the keys.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self {
            seal: Key::of(secret, "staff: second factors"),
            throttle: Key::of(secret, "staff: who tries to log in"),
            query: Key::of(secret, "staff: what is looked for"),
        }
    }

    /// For second factors at rest.
    pub(super) fn seal(&self) -> &[u8; 32] {
        self.seal.expose()
    }

    /// For what is looked for, in addresses.
    pub(super) fn query(&self) -> &[u8; 32] {
        self.query.expose()
    }

    /// For the names under which attempts are counted.
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
