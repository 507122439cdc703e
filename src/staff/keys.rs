//! Keys that come of the installation's secret, one for each purpose, the same on every instance.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

use crate::config::Secret;

/// What the staff area needs of the secret.
#[derive(Debug)]
pub struct Keys {
    seal: SecretBox<[u8; 32]>,
    throttle: SecretBox<[u8; 32]>,
    audit: SecretBox<[u8; 32]>,
}

impl Keys {
    /// Derives the keys; whoever knows one knows neither the secret nor another.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        let key = |purpose: &[u8]| SecretBox::new(Box::new(mac(secret.expose(), purpose)));
        Self {
            seal: key(b"staff: second factors"),
            throttle: key(b"staff: who tries to log in"),
            audit: key(b"staff: record of looks"),
        }
    }

    /// For second factors at rest.
    pub(super) fn seal(&self) -> &[u8; 32] {
        self.seal.expose_secret()
    }

    /// For the chain of the record.
    pub(super) fn audit(&self) -> &[u8; 32] {
        self.audit.expose_secret()
    }

    /// A name for an address or a person under which attempts are counted; it cannot be led back without the secret.
    pub(super) fn counted(&self, what: &str) -> String {
        let name = mac(self.throttle.expose_secret(), what.as_bytes());
        data_encoding::HEXLOWER.encode(&name[..16])
    }
}

/// HMAC-SHA-256 (RFC 2104).
pub(super) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::{Env, StoreSetting};

    pub(crate) fn keys(secret: &str) -> Keys {
        let env = Env::of(&[
            ("JORNADA_SECRET", secret),
            ("JORNADA_STORE", "mongodb://db/jornada"),
        ]);
        let store = StoreSetting::from_env(&env).unwrap();
        Keys::of(&Secret::from_env(&env, &store).unwrap())
    }

    #[test]
    fn a_name_is_the_same_everywhere_and_tells_nothing() {
        let (one, same) = (keys(&"a".repeat(32)), keys(&"a".repeat(32)));
        let other = keys(&"b".repeat(32));
        let name = one.counted("ana@example.org");
        assert_eq!(name, same.counted("ana@example.org"));
        assert_ne!(name, other.counted("ana@example.org"));
        assert!(!name.contains("ana") && name.len() == 32);
    }
}
