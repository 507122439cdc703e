//! The two ciphers, with key and nonce lengths in their types.

use aead_stream::{NewStream, StreamBE32, StreamPrimitive};
use aes_gcm::{Aes256Gcm, Nonce};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretBox};

pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
pub(super) const TAG_BYTES: usize = 16;
/// Length of a wrapped key: nonce, key and tag.
pub(super) const WRAPPED_BYTES: usize = NONCE_BYTES + KEY_BYTES + TAG_BYTES;
/// Constant nonce: a data key encrypts one photo or file, once, so no nonce repeats.
const ZERO_NONCE: [u8; 12] = [0; 12];

/// A 256-bit key.
pub(super) type SecretKey = SecretBox<[u8; KEY_BYTES]>;

/// Generates a random key.
pub(super) fn generate_key() -> Result<SecretKey, getrandom::Error> {
    let mut key = SecretKey::new(Box::new([0; KEY_BYTES]));
    getrandom::fill(secrecy::ExposeSecretMut::expose_secret_mut(&mut key))?;
    Ok(key)
}

/// Wraps a key under another; `aad` is the additional authenticated data.
pub(super) fn wrap(
    under: &SecretKey,
    key: &SecretKey,
    aad: &str,
) -> Result<[u8; WRAPPED_BYTES], getrandom::Error> {
    let mut wrapped = [0; WRAPPED_BYTES];
    let (nonce, rest) = wrapped.split_at_mut(NONCE_BYTES);
    let (encrypted, tag) = rest.split_at_mut(KEY_BYTES);
    getrandom::fill(nonce)?;
    encrypted.copy_from_slice(key.expose_secret());
    let mut random = XNonce::default();
    random.copy_from_slice(nonce);
    let made = XChaCha20Poly1305::new(under.expose_secret().into())
        .encrypt_inout_detached(&random, aad.as_bytes(), encrypted.into())
        .expect("the cipher takes 32 bytes of any kind");
    tag.copy_from_slice(&made);
    Ok(wrapped)
}

/// Unwraps the output of [`wrap`]. Returns `None` for anything else.
pub(super) fn unwrap(under: &SecretKey, wrapped: &[u8], aad: &str) -> Option<SecretKey> {
    let (nonce, rest) = wrapped.split_first_chunk::<NONCE_BYTES>()?;
    let (encrypted, tag) = rest.split_first_chunk::<KEY_BYTES>()?;
    let tag = <[u8; TAG_BYTES]>::try_from(tag).ok()?;
    let mut key = Box::new(*encrypted);
    XChaCha20Poly1305::new(under.expose_secret().into())
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            aad.as_bytes(),
            key.as_mut_slice().into(),
            &tag.into(),
        )
        .ok()?;
    Some(SecretKey::new(key))
}

/// Encrypts in place under an unused data key, and returns the tag.
pub(super) fn encrypt(data_key: &SecretKey, aad: &str, photo: &mut [u8]) -> [u8; TAG_BYTES] {
    Aes256Gcm::new(data_key.expose_secret().into())
        .encrypt_inout_detached(&Nonce::from(ZERO_NONCE), aad.as_bytes(), photo.into())
        .expect("the cipher takes up to 64 GiB of any kind")
        .into()
}

/// Decrypts the output of [`encrypt`] in place. Returns `None` for anything else.
pub(super) fn decrypt(
    data_key: &SecretKey,
    aad: &str,
    photo: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Option<()> {
    Aes256Gcm::new(data_key.expose_secret().into())
        .decrypt_inout_detached(
            &Nonce::from(ZERO_NONCE),
            aad.as_bytes(),
            photo.into(),
            &(*tag).into(),
        )
        .ok()
}

/// Encrypts or decrypts a file in chunks with STREAM ([Online Authenticated-Encryption and its Nonce-Reuse
/// Misuse-Resistance](https://eprint.iacr.org/2015/189)): the nonce encodes the position and whether the chunk is last.
pub(super) struct ChunkCipher {
    stream: StreamBE32<Aes256Gcm>,
    position: u32,
    aad: String,
}

impl ChunkCipher {
    /// Starts at the first chunk.
    pub(super) fn new(data_key: &SecretKey, aad: String) -> Self {
        Self {
            stream: StreamBE32::new(data_key.expose_secret().into(), &[0; 7].into()),
            position: 0,
            aad,
        }
    }

    /// Encrypts the next chunk in place and appends its tag.
    pub(super) fn encrypt(&mut self, is_last: bool, chunk: &mut Vec<u8>) {
        self.stream
            .encrypt_in_place(self.position, is_last, self.aad.as_bytes(), chunk)
            .expect("the cipher takes up to 64 GiB of any kind");
        self.advance();
    }

    /// Decrypts the next chunk in place and removes its tag. Returns `None` if [`encrypt`](Self::encrypt) did not make
    /// it.
    pub(super) fn decrypt(&mut self, is_last: bool, chunk: &mut Vec<u8>) -> Option<()> {
        self.stream
            .decrypt_in_place(self.position, is_last, self.aad.as_bytes(), chunk)
            .ok()?;
        self.advance();
        Some(())
    }

    fn advance(&mut self) {
        let next = self.position.checked_add(1);
        self.position = next.expect("no file has 256 TiB");
    }
}
