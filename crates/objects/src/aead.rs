//! Authenticated encryption with XChaCha20-Poly1305 and a random nonce. The owner is bound as associated data, so that
//! a ciphertext cannot be decrypted for another owner.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

const NONCE_BYTES: usize = 24;

/// Encrypts bytes, bound to their owner. Returns nonce and ciphertext.
///
/// # Panics
/// If `bytes` is longer than the cipher allows (256 GiB).
pub fn seal(key: &[u8; 32], owner: &[u8], bytes: &[u8]) -> Result<Vec<u8>, getrandom::Error> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    let payload = Payload {
        msg: bytes,
        aad: owner,
    };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.expect("the input is far below the limit of the cipher");
    Ok([&nonce[..], &sealed].concat())
}

/// Decrypts the output of [`seal`] for this owner and key. `None` for anything else.
#[must_use]
pub fn open(key: &[u8; 32], owner: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload {
        msg: rest,
        aad: owner,
    };
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(&XNonce::from(*nonce), payload).ok()
}
