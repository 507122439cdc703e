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
//! Photos are encrypted with AES-256-GCM (hardware-accelerated) under a key that is used once. Keys are wrapped with
//! XChaCha20-Poly1305, which allows random nonces. The additional authenticated data of both is the photo's
//! [key](super::PhotoKey): campaign, registration, digest and format.

mod cipher;
mod file;
mod vault_key;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::task::spawn_blocking;

pub use file::{EncryptedFile, is_altered};
pub use vault_key::{KeyEncryptionKey, KeyId, MasterKey};

use super::{MAX_PHOTO_BYTES, ObjectError, PhotoKey};
use cipher::{SecretKey, TAG_BYTES, WRAPPED_BYTES};
pub(super) use file::CHUNK_BYTES;

const MAGIC: &[u8; 4] = b"JPS1";
/// Length of the header of a photo or file: magic, id of the key encryption key, wrapped data key.
pub(super) const HEADER_BYTES: usize = MAGIC.len() + KeyId::BYTES + WRAPPED_BYTES;
/// Maximum length of an encrypted photo.
pub(super) const MAX_ENCRYPTED_BYTES: usize = MAX_PHOTO_BYTES + HEADER_BYTES + TAG_BYTES;
/// Photos above this size, in bytes, are encrypted and decrypted off the request threads.
const LARGE_PHOTO: usize = 256 * 1024;

/// An encrypted photo.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedPhoto(Bytes);

impl EncryptedPhoto {
    /// Returns the encrypted bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Wraps stored bytes. Returns `None` if they do not start with the magic of an encrypted photo.
    #[must_use]
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
pub(super) fn is_encrypted_under(keys: &[KeyEncryptionKey], key: &PhotoKey, start: &[u8]) -> bool {
    let Some((id, rest)) = start.strip_prefix(MAGIC).and_then(KeyId::split_from) else {
        return false;
    };
    let (wrapped, aad) = (rest.get(..WRAPPED_BYTES), key.to_string());
    let unwraps = |wrapped| {
        let mut named = keys.iter().filter(|wrapping_key| wrapping_key.id() == id);
        named.any(|wrapping_key| wrapping_key.unwrap(wrapped, &aad).is_some())
    };
    wrapped.is_some_and(unwraps)
}

/// Encrypts and decrypts photos and files. Cheap to clone; all clones share their keys.
#[derive(Clone, Debug)]
pub struct Encryptor {
    current_key: Arc<KeyEncryptionKey>,
    keys: Arc<RwLock<Vec<Arc<KeyEncryptionKey>>>>,
}

impl Encryptor {
    /// Creates an encryptor that encrypts and decrypts under this key.
    #[must_use]
    pub fn new(key: KeyEncryptionKey) -> Self {
        let current_key = Arc::new(key);
        let keys = Arc::new(RwLock::new(vec![Arc::clone(&current_key)]));
        Self { current_key, keys }
    }

    /// Adds a key for decryption.
    pub fn add_key(&self, key: KeyEncryptionKey) {
        let mut known = self.keys.write();
        if known.iter().all(|other| other.id() != key.id()) {
            known.push(Arc::new(key));
        }
    }

    /// Returns the key encryption key named in a header after the magic, and the rest, which starts with the wrapped
    /// key.
    fn find_key<'a>(
        &self,
        after_magic: &'a [u8],
    ) -> Result<(Arc<KeyEncryptionKey>, &'a [u8]), ObjectError> {
        let (id, rest) = KeyId::split_from(after_magic).ok_or(ObjectError::Altered)?;
        let known = self.keys.read();
        let wrapping_key = known.iter().find(|key| key.id() == id);
        Ok((
            Arc::clone(wrapping_key.ok_or(ObjectError::UnknownKey(id))?),
            rest,
        ))
    }

    /// Encrypts a photo under a fresh data key.
    ///
    /// # Errors
    /// [`ObjectError::Failed`] if the system provides no random bytes.
    pub async fn encrypt(
        &self,
        key: &PhotoKey,
        photo: Bytes,
    ) -> Result<EncryptedPhoto, ObjectError> {
        let (wrapping_key, aad) = (Arc::clone(&self.current_key), key.to_string());
        blocking_if_large(photo.len(), move || {
            encrypt_photo(&wrapping_key, &aad, &photo)
        })
        .await
    }

    /// Decrypts a stored photo and verifies that it belongs to this key.
    ///
    /// # Errors
    /// [`ObjectError::Altered`] if it was altered, truncated or exchanged; [`ObjectError::UnknownKey`] if it is
    /// encrypted under an unknown key.
    pub async fn decrypt(&self, key: &PhotoKey, stored: Bytes) -> Result<Bytes, ObjectError> {
        let rest = stored.strip_prefix(MAGIC).ok_or(ObjectError::Altered)?;
        let (wrapping_key, _) = self.find_key(rest)?;
        let (size, key) = (stored.len(), key.clone());
        blocking_if_large(size, move || {
            let photo = decrypt_photo(&wrapping_key, &key.to_string(), &stored)
                .ok_or(ObjectError::Altered)?;
            key.verify(photo.into())
        })
        .await
    }
}

fn encrypt_photo(
    wrapping_key: &KeyEncryptionKey,
    aad: &str,
    photo: &[u8],
) -> Result<EncryptedPhoto, ObjectError> {
    let no_randomness = |error| ObjectError::Failed(format!("cannot get random bytes: {error}"));
    let (head, data_key) = new_header(MAGIC, wrapping_key, aad).map_err(no_randomness)?;
    let mut encrypted = Vec::with_capacity(HEADER_BYTES + photo.len() + TAG_BYTES);
    encrypted.extend_from_slice(&head);
    encrypted.extend_from_slice(photo);
    let tag = cipher::encrypt(&data_key, aad, &mut encrypted[HEADER_BYTES..]);
    encrypted.extend_from_slice(&tag);
    Ok(EncryptedPhoto(encrypted.into()))
}

/// Generates a data key and the header that holds it wrapped.
fn new_header(
    magic: &[u8],
    wrapping_key: &KeyEncryptionKey,
    aad: &str,
) -> Result<(Vec<u8>, SecretKey), getrandom::Error> {
    let data_key = cipher::generate_key()?;
    let wrapped = wrapping_key.wrap(&data_key, aad)?;
    let head = [magic, wrapping_key.id().as_bytes(), &wrapped].concat();
    Ok((head, data_key))
}

fn decrypt_photo(wrapping_key: &KeyEncryptionKey, aad: &str, stored: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = stored.split_first_chunk::<HEADER_BYTES>()?;
    let (photo, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
    let data_key = wrapping_key.unwrap(&head[MAGIC.len() + KeyId::BYTES..], aad)?;
    let mut photo = photo.to_vec();
    cipher::decrypt(&data_key, aad, &mut photo, tag)?;
    Some(photo)
}

async fn blocking_if_large<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T, ObjectError> + Send + 'static,
) -> Result<T, ObjectError> {
    if size <= LARGE_PHOTO {
        return work();
    }
    let cancelled = |_| Err(ObjectError::Failed("the encryption was cancelled".into()));
    spawn_blocking(work).await.unwrap_or_else(cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::registration::PhotoRef;
    use crate::domain::{CampaignId, RegistrationId};
    use crate::photo::PhotoFormat;
    use sha2::{Digest, Sha256};

    fn key(id: u8, photo: &[u8]) -> PhotoKey {
        let photo = PhotoRef {
            sha256: Sha256::digest(photo).into(),
            format: PhotoFormat::Jpeg,
            bytes: photo.len() as u64,
        };
        let campaign = CampaignId::parse("vacunacion").unwrap();
        PhotoKey::for_photo(&campaign, RegistrationId::from_bytes([id; 16]), &photo)
    }

    fn vault_key(id: u8) -> KeyEncryptionKey {
        KeyEncryptionKey::generate(MasterKey::new(&[id; 32]).id()).unwrap()
    }

    fn photo() -> Bytes {
        Bytes::from(b"\xFF\xD8 the picture ".repeat(40))
    }

    #[tokio::test]
    async fn what_was_sealed_opens_and_shows_nothing() {
        let encryptor = Encryptor::new(vault_key(1));
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
        let encryptor = Encryptor::new(vault_key(1));
        let large = Bytes::from(vec![9; LARGE_PHOTO * 3]);
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
        let encryptor = Encryptor::new(vault_key(1));
        let (mine, photo) = (key(1, &photo()), photo());
        let encrypted = encryptor.encrypt(&mine, photo.clone()).await.unwrap();
        let is_altered = async |key: &PhotoKey, stored: Vec<u8>| {
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
        let (one, two) = (vault_key(1), vault_key(2));
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
        let other = Encryptor::new(vault_key(2));
        let told = other.decrypt(&key, encrypted.bytes().clone()).await;
        assert!(matches!(told, Err(ObjectError::Altered)));
    }

    #[tokio::test]
    async fn the_head_alone_tells_under_which_key_a_photo_is() {
        let mine = key(1, &photo());
        let (one, two) = (vault_key(1), vault_key(2));
        let encrypted = Encryptor::new(one.clone())
            .encrypt(&mine, photo())
            .await
            .unwrap();
        let head = &encrypted.bytes()[..HEADER_BYTES];
        assert!(is_encrypted_under(&[two.clone(), one.clone()], &mine, head));
        assert!(!is_encrypted_under(&[two], &mine, head));
        assert!(
            !is_encrypted_under(&[vault_key(1)], &mine, head),
            "of its id"
        );
        let one = std::slice::from_ref(&one);
        assert!(!is_encrypted_under(one, &key(2, &photo()), head));
        for start in [&head[..HEADER_BYTES - 1], &photo()[..HEADER_BYTES], b""] {
            assert!(!is_encrypted_under(one, &mine, start));
        }
    }
}
