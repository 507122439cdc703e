//! Keys above data keys: key encryption keys wrap data keys, and master keys wrap key encryption keys.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

use super::cipher::{KEY_BYTES, SecretKey, generate_key};
use crate::aead::{self, NONCE_BYTES};
use crate::key_id::KeyId;

/// Length of a wrapped key.
pub(super) const WRAPPED_BYTES: usize = KEY_BYTES + aead::OVERHEAD_BYTES;

/// A master key from the settings.
#[derive(Debug)]
pub struct MasterKey {
    id: KeyId,
    key: SecretKey,
}

impl MasterKey {
    /// Creates a key. Derives the id from the key (first 8 bytes of SHA-256).
    pub fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::new_with_prefix(b"jornada: master key of photos")
            .chain_update(key)
            .finalize();
        let mut id = [0; KeyId::BYTES];
        id.copy_from_slice(&digest[..KeyId::BYTES]);
        Self {
            id: KeyId(id),
            key: SecretKey::new(Box::new(*key)),
        }
    }

    /// Returns the id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Wraps a key encryption key.
    pub fn wrap(&self, key: &KeyEncryptionKey) -> Result<Vec<u8>, getrandom::Error> {
        let (key, aad) = (key.key.expose_secret(), aad(key.id));
        aead::encrypt(self.key.expose_secret(), aad.as_bytes(), key)
    }

    /// Unwraps the key encryption key with this id. Returns `None` if [`wrap`](Self::wrap) did not make the input.
    #[must_use]
    pub fn unwrap(&self, id: KeyId, wrapped: &[u8]) -> Option<KeyEncryptionKey> {
        let key = Arc::new(unwrap(&self.key, wrapped, &aad(id))?);
        Some(KeyEncryptionKey { id, key })
    }
}

fn aad(id: KeyId) -> String {
    format!("jornada: vault key {id}")
}

/// A key that wraps data keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeyEncryptionKey {
    id: KeyId,
    key: Arc<SecretKey>,
}

impl KeyEncryptionKey {
    /// Generates a key with this id.
    pub fn generate(id: KeyId) -> Result<Self, getrandom::Error> {
        let key = Arc::new(generate_key()?);
        Ok(Self { id, key })
    }

    /// Returns the id: that of the master key under which it was created.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Wraps a data key under a unique nonce, with which the result starts.
    pub(super) fn wrap(
        &self,
        data_key: &SecretKey,
        nonce: [u8; NONCE_BYTES],
        aad: &str,
    ) -> Vec<u8> {
        let (key, data_key) = (self.key.expose_secret(), data_key.expose_secret());
        aead::encrypt_with_nonce(key, nonce, aad.as_bytes(), data_key)
    }

    pub(super) fn unwrap(&self, wrapped: &[u8], aad: &str) -> Option<SecretKey> {
        unwrap(&self.key, wrapped, aad)
    }
}

fn unwrap(under: &SecretKey, wrapped: &[u8], aad: &str) -> Option<SecretKey> {
    let bytes = aead::decrypt(under.expose_secret(), aad.as_bytes(), wrapped)?;
    let bytes = SecretSlice::from(bytes);
    let bytes: &[u8; KEY_BYTES] = bytes.expose_secret().try_into().ok()?;
    Some(SecretKey::init_with_mut(|key| *key = *bytes))
}
