//! Authenticated encryption of short texts and keys with XChaCha20-Poly1305, whose nonces are long enough to be random.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

/// Length of a nonce.
pub const NONCE_BYTES: usize = 24;
/// Difference in length between ciphertext and plaintext: nonce and tag.
pub const OVERHEAD_BYTES: usize = NONCE_BYTES + 16;

/// Encrypts bytes and authenticates them together with `aad`. Returns nonce, ciphertext and tag.
///
/// # Panics
/// If `bytes` is longer than the cipher allows (256 GiB).
pub fn encrypt(key: &[u8; 32], aad: &[u8], bytes: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
    Ok(encrypt_with_nonce(key, generate_nonce()?, aad, bytes))
}

/// Generates a random nonce.
pub fn generate_nonce() -> Result<[u8; NONCE_BYTES], getrandom::Error> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    Ok(nonce)
}

/// Encrypts like [`encrypt`], under a nonce that must be unique for this key.
pub(crate) fn encrypt_with_nonce(
    key: &[u8; 32],
    nonce: [u8; NONCE_BYTES],
    aad: &[u8],
    bytes: &[u8],
) -> Vec<u8> {
    let payload = Payload { msg: bytes, aad };
    let encrypted = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload);
    let encrypted = encrypted.expect("the input is far below the limit of the cipher");
    [&nonce[..], &encrypted].concat()
}

/// Decrypts the output of [`encrypt`] for the same key and `aad`. Returns `None` for anything else.
#[must_use]
pub fn decrypt(key: &[u8; 32], aad: &[u8], encrypted: &[u8]) -> Option<Vec<u8>> {
    let (nonce, msg) = encrypted.split_first_chunk::<NONCE_BYTES>()?;
    let cipher = XChaCha20Poly1305::new(key.into());
    let payload = Payload { msg, aad };
    cipher.decrypt(&XNonce::from(*nonce), payload).ok()
}
