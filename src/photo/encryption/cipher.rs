//! The ciphers of photos and files, with key and nonce lengths in their types.

use aead_stream::{NewStream, StreamBE32, StreamPrimitive};
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
