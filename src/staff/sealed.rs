//! Encryption of what leaves this process or lies in the store (XChaCha20-Poly1305, a random nonce each time), tied to
//! whom or what it belongs to: opened under another name it is nothing.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

const NONCE_BYTES: usize = 24;

/// Encrypts bytes for `owner`.
///
/// # Errors
/// When the system has no randomness.
///
/// # Panics
/// Never: the cipher takes some bytes of any kind.
pub(super) fn seal(
    key: &[u8; 32],
    owner: &[u8],
    bytes: &[u8],
) -> Result<Vec<u8>, getrandom::Error> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    let payload = Payload {
        msg: bytes,
        aad: owner,
    };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.expect("the cipher takes some bytes of any kind");
    Ok([&nonce[..], &sealed].concat())
}

/// Reads what [`seal`] wrote for this owner under this key; none for anything else.
pub(super) fn open(key: &[u8; 32], owner: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload {
        msg: rest,
        aad: owner,
    };
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(&XNonce::from(*nonce), payload).ok()
}
