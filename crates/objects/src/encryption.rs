//! Encryption of photos and finished reports at rest: the bucket, the folder or a backup reveal nothing without the
//! keys. Photos are described here; [files](EncryptedFile) differ in their format, see the module `file`.
//!
//! Each photo has its own data key, stored in its header, wrapped under a key encryption key. The few key encryption
//! keys are stored in the database, wrapped under the master key of the settings (key ring): rotating the master
//! key rewraps only them. An encrypted photo is self-contained, so if two attempts store the same photo, either may
//! win.
//!
//! ```text
//! "JPS1" | key encryption key id: 8 | nonce: 24, data key: 32, tag: 16 | the photo, tag: 16
//! ```
//!
//! The nonce is the [`PutId`] of the photo, by which a sweep finds photos of interrupted registrations.
//!
//! Photos are encrypted with AES-256-GCM (hardware-accelerated) under a key that is used once. Keys are wrapped with
//! XChaCha20-Poly1305, which allows random nonces. The additional authenticated data of both is the photo's
//! [key](ObjectKey): campaign, registration, digest and format.

mod cipher;
mod file;
mod keys;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

pub use file::{EncryptedFile, is_altered};
pub use keys::{KeyEncryptionKey, MasterKey};

use super::{ObjectError, ObjectKey, Result};
use crate::aead::NONCE_BYTES;
use crate::key_id::KeyId;
use crate::put_id::PutId;
use cipher::{SecretKey, TAG_BYTES};
pub(super) use file::CHUNK_BYTES;
use jornada_photo::MAX_PHOTO_BYTES;
use jornada_runtime::blocking::run_blocking_if_large;
use keys::WRAPPED_BYTES;

const MAGIC: &[u8; 4] = b"JPS1";
/// Length of the header of a photo or file: magic, id of the key encryption key, wrapped data key.
pub(super) const HEADER_BYTES: usize = MAGIC.len() + KeyId::BYTES + WRAPPED_BYTES;
/// Maximum length of an encrypted photo.
pub(super) const MAX_ENCRYPTED_BYTES: usize = MAX_PHOTO_BYTES + HEADER_BYTES + TAG_BYTES;

/// An encrypted photo.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedPhoto(Bytes);

impl EncryptedPhoto {
    /// Returns the encrypted bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Wraps stored bytes. Returns `None` if they do not start with the magic of an encrypted photo.
    pub fn from_stored(stored: &Bytes) -> Option<Self> {
        stored.starts_with(MAGIC).then(|| Self(stored.clone()))
    }
}

impl fmt::Debug for EncryptedPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedPhoto({} bytes)", self.0.len())
    }
}

/// Returns whether a header was written for this key under one of these key encryption keys. The data key must
/// unwrap: the id alone derives from the master key, which another store may use too.
pub(super) fn is_encrypted_under(keys: &[KeyEncryptionKey], key: &ObjectKey, head: &[u8]) -> bool {
    unwrap_data_key(keys, MAGIC, &key.to_string(), head).is_ok()
}

/// Returns the put of the photo with this header.
pub(super) fn put_id(head: &[u8]) -> Option<PutId> {
    let nonce = head.get(MAGIC.len() + KeyId::BYTES..)?.first_chunk()?;
    Some(PutId::from_nonce(*nonce))
}

/// Returns the data key in a header, which may be followed by anything.
fn unwrap_data_key(
    keys: &[KeyEncryptionKey],
    magic: &[u8],
    aad: &str,
    head: &[u8],
) -> Result<SecretKey> {
    let rest = head.strip_prefix(magic).and_then(KeyId::split_from);
    let (id, rest) = rest.ok_or(ObjectError::Altered)?;
    let wrapping_key = keys.iter().find(|key| key.id() == id);
    let wrapping_key = wrapping_key.ok_or(ObjectError::UnknownKey(id))?;
    rest.get(..WRAPPED_BYTES)
        .and_then(|wrapped| wrapping_key.unwrap(wrapped, aad))
        .ok_or(ObjectError::Altered)
}

/// Encrypts and decrypts photos and files. Cheap to clone; all clones share their keys.
#[derive(Clone, Debug)]
pub struct Encryptor {
    current_key: KeyEncryptionKey,
    keys: Arc<RwLock<Vec<KeyEncryptionKey>>>,
}

impl Encryptor {
    /// Creates an encryptor that encrypts and decrypts under this key.
    pub fn new(key: KeyEncryptionKey) -> Self {
        let keys = Arc::new(RwLock::new(vec![key.clone()]));
        Self {
            current_key: key,
            keys,
        }
    }

    /// Adds a key for decryption.
    pub fn add_key(&self, key: KeyEncryptionKey) {
        let mut known = self.keys.write();
        if known.iter().all(|other| other.id() != key.id()) {
            known.push(key);
        }
    }

    /// Encrypts a photo under a fresh data key, with a random put.
    pub async fn encrypt(&self, key: &ObjectKey, photo: Bytes) -> Result<EncryptedPhoto> {
        let put = PutId::random().map_err(no_randomness)?;
        self.encrypt_as(key, photo, put).await
    }

    /// Encrypts a photo under a fresh data key. Use each `put` once.
    pub async fn encrypt_as(
        &self,
        key: &ObjectKey,
        photo: Bytes,
        put: PutId,
    ) -> Result<EncryptedPhoto> {
        let (wrapping_key, aad) = (self.current_key.clone(), key.to_string());
        off_thread(photo.len(), move || {
            encrypt_photo(&wrapping_key, put, &aad, &photo)
        })
        .await
    }

    /// Decrypts a stored photo and verifies that it belongs to this key.
    pub async fn decrypt(&self, key: &ObjectKey, stored: Bytes) -> Result<Bytes> {
        let data_key = self.unwrap_data_key(MAGIC, &key.to_string(), &stored)?;
        let (size, key) = (stored.len(), key.clone());
        off_thread(size, move || {
            decrypt_photo(&data_key, &key, &stored).ok_or(ObjectError::Altered)
        })
        .await
    }

    fn unwrap_data_key(&self, magic: &[u8], aad: &str, head: &[u8]) -> Result<SecretKey> {
        let known = self.keys.read();
        unwrap_data_key(&known, magic, aad, head)
    }
}

fn encrypt_photo(
    wrapping_key: &KeyEncryptionKey,
    put: PutId,
    aad: &str,
    photo: &[u8],
) -> Result<EncryptedPhoto> {
    let header = new_header(MAGIC, wrapping_key, put.to_nonce(), aad);
    let (head, data_key) = header.map_err(no_randomness)?;
    let mut encrypted = Vec::with_capacity(HEADER_BYTES + photo.len() + TAG_BYTES);
    encrypted.extend_from_slice(&head);
    encrypted.extend_from_slice(photo);
    let tag = cipher::encrypt(&data_key, aad, &mut encrypted[HEADER_BYTES..]);
    encrypted.extend_from_slice(&tag);
    Ok(EncryptedPhoto(encrypted.into()))
}

fn no_randomness(error: getrandom::Error) -> ObjectError {
    ObjectError::Failed(format!("cannot get random bytes: {error}"))
}

/// Generates a data key and the header that holds it wrapped.
fn new_header(
    magic: &[u8],
    wrapping_key: &KeyEncryptionKey,
    nonce: [u8; NONCE_BYTES],
    aad: &str,
) -> Result<(Vec<u8>, SecretKey), getrandom::Error> {
    let data_key = cipher::generate_key()?;
    let wrapped = wrapping_key.wrap(&data_key, nonce, aad);
    let head = [magic, wrapping_key.id().as_bytes(), &wrapped].concat();
    Ok((head, data_key))
}

/// Decrypts the photo after a header. Returns `None` if it is not the photo of this key.
fn decrypt_photo(data_key: &SecretKey, key: &ObjectKey, stored: &[u8]) -> Option<Bytes> {
    let mut photo = stored.get(HEADER_BYTES..)?.to_vec();
    cipher::decrypt(data_key, &key.to_string(), &mut photo)?;
    let digest = Sha256::digest(&photo);
    let is_same = matches!(key, ObjectKey::Photo { sha256, .. } if digest.as_slice() == sha256);
    is_same.then(|| photo.into())
}

/// Runs `work` off the request threads if the photo is large.
async fn off_thread<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let cancelled = |_| Err(ObjectError::Failed("the encryption was cancelled".into()));
    run_blocking_if_large(size, work)
        .await
        .unwrap_or_else(cancelled)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use jiff::Timestamp;
    use jornada_domain::{CampaignId, RegistrationId};
    use jornada_photo::PhotoFormat;
    use jornada_runtime::blocking::LARGE_INPUT;
    use sha2::{Digest, Sha256};

    fn key(id: u8, photo: &[u8]) -> ObjectKey {
        ObjectKey::Photo {
            campaign: CampaignId::parse("vacunacion").unwrap(),
            id: RegistrationId::from_bytes([id; 16]),
            sha256: Sha256::digest(photo).into(),
            received_at: Timestamp::UNIX_EPOCH,
            format: PhotoFormat::Jpeg,
        }
    }

    pub(super) fn new_key(id: u8) -> KeyEncryptionKey {
        KeyEncryptionKey::generate(MasterKey::new(&[id; 32]).id()).unwrap()
    }

    fn photo() -> Bytes {
        Bytes::from(b"\xFF\xD8 the picture ".repeat(40))
    }

    #[tokio::test]
    async fn what_was_sealed_opens_and_shows_nothing() {
        let encryptor = Encryptor::new(new_key(1));
        let key = key(1, &photo());
        let encrypted = encryptor.encrypt(&key, photo()).await.unwrap();
        let again = encryptor.encrypt(&key, photo()).await.unwrap();
        assert_ne!(encrypted, again, "each has a data key of its own");
        for encrypted in [encrypted, again] {
            let stored = encrypted.bytes().clone();
            let shows = |part: &[u8]| photo().windows(4).any(|shown| shown == part);
            assert!(!stored.windows(4).any(shows));
            assert_eq!(encryptor.decrypt(&key, stored).await.unwrap(), photo());
        }
    }

    #[tokio::test]
    async fn a_large_one_opens_and_one_that_is_not_sealed_does_not() {
        let encryptor = Encryptor::new(new_key(1));
        let large = Bytes::from(vec![9; LARGE_INPUT * 3]);
        let key_of_large = key(1, &large);
        let encrypted = encryptor
            .encrypt(&key_of_large, large.clone())
            .await
            .unwrap();
        let decrypted = encryptor
            .decrypt(&key_of_large, encrypted.bytes().clone())
            .await;
        assert!(decrypted.unwrap() == large);
        let plain = encryptor.decrypt(&key(1, &photo()), photo()).await;
        assert!(matches!(plain, Err(ObjectError::Altered)));
        assert_eq!(EncryptedPhoto::from_stored(&photo()), None);
    }

    #[tokio::test]
    async fn altered_cut_or_exchanged_ones_are_refused() {
        let encryptor = Encryptor::new(new_key(1));
        let (mine, photo) = (key(1, &photo()), photo());
        let encrypted = encryptor.encrypt(&mine, photo.clone()).await.unwrap();
        let is_altered = async |key: &ObjectKey, stored: Vec<u8>| {
            let decrypted = encryptor.decrypt(key, stored.into()).await;
            matches!(decrypted, Err(ObjectError::Altered))
        };
        let whole = encrypted.bytes().to_vec();
        let after_id = MAGIC.len() + KeyId::BYTES;
        for place in (0..MAGIC.len()).chain(after_id..whole.len()) {
            let mut altered = whole.clone();
            altered[place] ^= 1;
            assert!(is_altered(&mine, altered).await, "byte {place}");
        }
        for length in [
            0,
            4,
            11,
            after_id,
            HEADER_BYTES,
            HEADER_BYTES + 15,
            whole.len() - 1,
        ] {
            assert!(
                is_altered(&mine, whole[..length].to_vec()).await,
                "{length}"
            );
        }
        assert!(is_altered(&mine, [&whole[..], b"!"].concat()).await);
        assert!(
            is_altered(&key(2, &photo), whole).await,
            "of another person"
        );
        let wrong = encryptor
            .encrypt(&mine, Bytes::from_static(b"another"))
            .await;
        let wrong = wrong.unwrap().bytes().to_vec();
        assert!(is_altered(&mine, wrong).await, "not of this digest");
    }

    #[tokio::test]
    async fn a_key_that_is_missing_is_told_from_an_altered_photo() {
        let key = key(1, &photo());
        let (one, two) = (new_key(1), new_key(2));
        let id = two.id();
        let encrypted = Encryptor::new(two.clone())
            .encrypt(&key, photo())
            .await
            .unwrap();
        let encryptor = Encryptor::new(one);
        let told = encryptor.decrypt(&key, encrypted.bytes().clone()).await;
        assert!(matches!(told, Err(ObjectError::UnknownKey(told)) if told == id));
        encryptor.clone().add_key(two);
        let decrypted = encryptor.decrypt(&key, encrypted.bytes().clone()).await;
        assert_eq!(decrypted.unwrap(), photo());
        // Another key with the same id.
        let other = Encryptor::new(new_key(2));
        let told = other.decrypt(&key, encrypted.bytes().clone()).await;
        assert!(matches!(told, Err(ObjectError::Altered)));
    }

    #[tokio::test]
    async fn the_head_alone_tells_under_which_key_a_photo_is() {
        let mine = key(1, &photo());
        let (one, two) = (new_key(1), new_key(2));
        let encrypted = Encryptor::new(one.clone())
            .encrypt(&mine, photo())
            .await
            .unwrap();
        let head = &encrypted.bytes()[..HEADER_BYTES];
        assert!(is_encrypted_under(&[two.clone(), one.clone()], &mine, head));
        assert!(!is_encrypted_under(&[two], &mine, head));
        assert!(!is_encrypted_under(&[new_key(1)], &mine, head), "of its id");
        let one = std::slice::from_ref(&one);
        assert!(!is_encrypted_under(one, &key(2, &photo()), head));
        for start in [&head[..HEADER_BYTES - 1], &photo()[..HEADER_BYTES], b""] {
            assert!(!is_encrypted_under(one, &mine, start));
        }
    }
}
