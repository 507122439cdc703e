//! Keys derived from the installation secret, one per purpose, the same on every instance. A key reveals neither the
//! secret nor another key.

use derive_more::Debug;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use sha2::Sha256;

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

/// A key for one purpose.
#[derive(Debug)]
pub struct DerivedKey(SecretBox<[u8; 32]>);

impl DerivedKey {
    /// Derives the key: HMAC-SHA-256 of `purpose` under the secret.
    pub fn derive(secret: &InstallationSecret, purpose: &str) -> Self {
        let bytes = start_mac(secret.expose()).chain_update(purpose.as_bytes());
        Self(SecretBox::new(Box::new(
            bytes.finalize().into_bytes().into(),
        )))
    }

    /// Returns the bytes, for a cipher.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// Returns a pseudonym of an address or a person, which cannot be traced back without the secret.
    pub fn pseudonym(&self, what: &str) -> String {
        let name = self.mac(&[what]).finalize().into_bytes();
        data_encoding::HEXLOWER.encode(&name[..16])
    }

    /// Returns the HMAC-SHA-256 of `content`.
    pub fn hash(&self, content: &[u8]) -> [u8; 32] {
        let mac = start_mac(self.expose()).chain_update(content);
        mac.finalize().into_bytes().into()
    }

    /// Signs texts without NUL. Returns hexadecimal digits.
    pub fn sign(&self, parts: &[&str]) -> String {
        data_encoding::HEXLOWER.encode(&self.mac(parts).finalize().into_bytes())
    }

    /// Verifies a signature of `parts`, in constant time.
    #[must_use]
    pub fn verify(&self, parts: &[&str], signature: &str) -> bool {
        let signature = data_encoding::HEXLOWER_PERMISSIVE.decode(signature.as_bytes());
        signature.is_ok_and(|bytes| self.mac(parts).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac = start_mac(self.expose());
        for (place, part) in parts.iter().enumerate() {
            if place > 0 {
                mac.update(&[0]);
            }
            mac.update(part.as_bytes());
        }
        mac
    }
}

/// Starts an HMAC-SHA-256 (RFC 2104).
pub(crate) fn start_mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn secret(secret: &str) -> InstallationSecret {
        InstallationSecret::new(secret.into()).unwrap()
    }

    pub(crate) fn key(purpose: &str) -> DerivedKey {
        DerivedKey::derive(&secret(&"a".repeat(32)), purpose)
    }

    #[test]
    fn a_name_is_the_same_everywhere_and_tells_nothing() {
        let other = DerivedKey::derive(&secret(&"b".repeat(32)), "x");
        let name = key("x").pseudonym("ana@example.org");
        assert_eq!(name, key("x").pseudonym("ana@example.org"));
        assert_ne!(name, other.pseudonym("ana@example.org"));
        assert_ne!(name, key("y").pseudonym("ana@example.org"));
        assert!(!name.contains("ana") && name.len() == 32);
    }

    #[test]
    fn a_signature_is_good_for_what_was_signed() {
        let signature = key("x").sign(&["a", "b"]);
        assert!(key("x").verify(&["a", "b"], &signature));
        assert!(!key("x").verify(&["ab"], &signature));
        assert!(!key("y").verify(&["a", "b"], &signature));
        assert!(!key("x").verify(&["a", "b"], &signature[..62]));
        assert!(!key("x").verify(&["a", "b"], "é"));
    }
}
