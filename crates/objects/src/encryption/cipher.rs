//! The ciphers of photos and files, with key and nonce lengths in their types.

use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};

pub(super) const KEY_BYTES: usize = 32;
pub(super) const TAG_BYTES: usize = 16;
/// Constant nonce: a data key encrypts one photo or file, once, so no nonce repeats.
const ZERO_NONCE: [u8; 12] = [0; 12];

/// A 256-bit key.
pub(super) type SecretKey = SecretBox<[u8; KEY_BYTES]>;

/// Generates a random key.
pub(super) fn generate_key() -> Result<SecretKey, getrandom::Error> {
    let mut key = SecretKey::default();
    getrandom::fill(key.expose_secret_mut())?;
    Ok(key)
}

/// Encrypts in place under an unused data key, and returns the tag.
pub(super) fn encrypt(data_key: &SecretKey, aad: &str, photo: &mut [u8]) -> [u8; TAG_BYTES] {
    Aes256Gcm::new(data_key.expose_secret().into())
        .encrypt_inout_detached(&Nonce::from(ZERO_NONCE), aad.as_bytes(), photo.into())
        .expect("the cipher takes up to 64 GiB of any kind")
        .into()
}

/// Decrypts the output of [`encrypt`], followed by the tag, in place. Returns `None` for anything else.
pub(super) fn decrypt(data_key: &SecretKey, aad: &str, photo: &mut Vec<u8>) -> Option<()> {
    Aes256Gcm::new(data_key.expose_secret().into())
        .decrypt_in_place(&Nonce::from(ZERO_NONCE), aad.as_bytes(), photo)
        .ok()
}

/// Encrypts a file in chunks with STREAM ([Online Authenticated-Encryption and its Nonce-Reuse
/// Misuse-Resistance](https://eprint.iacr.org/2015/189)): the nonce encodes the position and whether the chunk is last.
pub(super) type ChunkEncryptor = EncryptorBE32<Aes256Gcm>;

/// Decrypts the chunks of [`ChunkEncryptor`].
pub(super) type ChunkDecryptor = DecryptorBE32<Aes256Gcm>;

/// Constant prefix of the nonces of chunks; see [`ZERO_NONCE`].
pub(super) const ZERO_PREFIX: [u8; 7] = [0; 7];
