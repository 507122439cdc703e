//! Encryption of photos and finished reports at rest: the bucket, the folder or a backup reveal nothing without the
//! keys. Photos are described here; [files](SealedFile) differ in their format, see the module `file`.
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
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use tokio::task::spawn_blocking;

pub use file::{SealedFile, is_altered};
pub use vault_key::{KeyId, MasterKey, VaultKey};

use super::{MAX_PHOTO_BYTES, PhotoKey, PhotosError};
use cipher::{Key, TAG_BYTES, WRAPPED_BYTES};
pub(super) use file::CHUNK_BYTES;

const MAGIC: &[u8; 4] = b"JPS1";
/// Length of the header of a photo or file: magic, id of the key encryption key, wrapped data key.
pub(super) const HEAD_BYTES: usize = MAGIC.len() + KeyId::BYTES + WRAPPED_BYTES;
/// Maximum length of an encrypted photo.
pub(super) const MAX_SEALED_BYTES: usize = MAX_PHOTO_BYTES + HEAD_BYTES + TAG_BYTES;
/// Photos above this size, in bytes, are encrypted and decrypted off the request threads.
const LARGE_PHOTO: usize = 256 * 1024;

/// An encrypted photo.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Bytes);

impl Sealed {
    /// Returns the encrypted bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Reads stored bytes; `None` if they do not begin as a sealed photo does.
    #[must_use]
    pub fn recognise(kept: &Bytes) -> Option<Self> {
        kept.starts_with(MAGIC).then(|| Self(kept.clone()))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedPhoto({} bytes)", self.0.len())
    }
}

/// Returns whether a header was written for this key under one of these key encryption keys. The data key must
/// unwrap: the id alone derives from the master key, which another store may use too.
pub(super) fn is_sealed_under(keys: &[VaultKey], key: &PhotoKey, start: &[u8]) -> bool {
    let Some((id, rest)) = start.strip_prefix(MAGIC).and_then(KeyId::split) else {
        return false;
    };
    let (wrapped, bound) = (rest.get(..WRAPPED_BYTES), key.to_string());
    let unwraps = |wrapped| {
        let mut named = keys.iter().filter(|vault| vault.id() == id);
        named.any(|vault| vault.unwrap(wrapped, &bound).is_some())
    };
    wrapped.is_some_and(unwraps)
}

/// Encrypts and decrypts photos and files. Cheap to clone; all clones share their keys.
#[derive(Clone, Debug)]
pub struct Seal {
    sealing: Arc<VaultKey>,
    known: Arc<RwLock<Vec<Arc<VaultKey>>>>,
}

impl Seal {
    /// Creates an encryptor that encrypts and decrypts under this key.
    #[must_use]
    pub fn new(sealing: VaultKey) -> Self {
        let sealing = Arc::new(sealing);
        let known = Arc::new(RwLock::new(vec![Arc::clone(&sealing)]));
        Self { sealing, known }
    }

    /// Adds a key for decryption.
    pub fn learn(&self, key: VaultKey) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.iter().all(|other| other.id() != key.id()) {
            known.push(Arc::new(key));
        }
    }

    /// Returns the key encryption key named in a header after the magic, and the rest, which starts with the wrapped
    /// key.
    fn vault<'a>(&self, behind: &'a [u8]) -> Result<(Arc<VaultKey>, &'a [u8]), PhotosError> {
        let (id, rest) = KeyId::split(behind).ok_or(PhotosError::Altered)?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let vault = known.iter().find(|key| key.id() == id);
        Ok((Arc::clone(vault.ok_or(PhotosError::UnknownKey(id))?), rest))
    }

    /// Encrypts a photo under a fresh data key.
    ///
    /// # Errors
    /// [`PhotosError::Failed`] if the system provides no random bytes.
    pub async fn seal(&self, key: &PhotoKey, photo: Bytes) -> Result<Sealed, PhotosError> {
        let (vault, bound) = (Arc::clone(&self.sealing), key.to_string());
        off_thread_if_large(photo.len(), move || seal(&vault, &bound, &photo)).await
    }

    /// Decrypts a stored photo and verifies that it is that of this key.
    ///
    /// # Errors
    /// [`PhotosError::Altered`] if it was altered, truncated or exchanged; [`PhotosError::UnknownKey`] if it is
    /// encrypted under an unknown key.
    pub async fn open(&self, key: &PhotoKey, kept: Bytes) -> Result<Bytes, PhotosError> {
        let rest = kept.strip_prefix(MAGIC).ok_or(PhotosError::Altered)?;
        let (vault, _) = self.vault(rest)?;
        let (size, key) = (kept.len(), key.clone());
        off_thread_if_large(size, move || {
            let photo = open(&vault, &key.to_string(), &kept).ok_or(PhotosError::Altered)?;
            key.checked(photo.into())
        })
        .await
    }
}

fn seal(vault: &VaultKey, bound: &str, photo: &[u8]) -> Result<Sealed, PhotosError> {
    let no_randomness = |error| PhotosError::Failed(format!("cannot get random bytes: {error}"));
    let (head, data_key) = head(MAGIC, vault, bound).map_err(no_randomness)?;
    let mut sealed = Vec::with_capacity(HEAD_BYTES + photo.len() + TAG_BYTES);
    sealed.extend_from_slice(&head);
    sealed.extend_from_slice(photo);
    let tag = cipher::encrypt(&data_key, bound, &mut sealed[HEAD_BYTES..]);
    sealed.extend_from_slice(&tag);
    Ok(Sealed(sealed.into()))
}

/// Generates a data key and the header that holds it wrapped.
fn head(magic: &[u8], vault: &VaultKey, bound: &str) -> Result<(Vec<u8>, Key), getrandom::Error> {
    let data_key = cipher::random()?;
    let wrapped = vault.wrap(&data_key, bound)?;
    let head = [magic, vault.id().as_bytes(), &wrapped].concat();
    Ok((head, data_key))
}

fn open(vault: &VaultKey, bound: &str, kept: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = kept.split_first_chunk::<HEAD_BYTES>()?;
    let (photo, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
    let data_key = vault.unwrap(&head[MAGIC.len() + KeyId::BYTES..], bound)?;
    let mut photo = photo.to_vec();
    cipher::decrypt(&data_key, bound, &mut photo, tag)?;
    Some(photo)
}

async fn off_thread_if_large<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T, PhotosError> + Send + 'static,
) -> Result<T, PhotosError> {
    if size <= LARGE_PHOTO {
        return work();
    }
    let cancelled = |_| Err(PhotosError::Failed("the encryption was cancelled".into()));
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
        PhotoKey::of(&campaign, RegistrationId::from_bytes([id; 16]), &photo)
    }

    fn vault_key(id: u8) -> VaultKey {
        VaultKey::generate(MasterKey::new(&[id; 32]).id()).unwrap()
    }

    fn photo() -> Bytes {
        Bytes::from(b"\xFF\xD8 the picture ".repeat(40))
    }

    #[tokio::test]
    async fn what_was_sealed_opens_and_shows_nothing() {
        let seal = Seal::new(vault_key(1));
        let key = key(1, &photo());
        let sealed = seal.seal(&key, photo()).await.unwrap();
        let again = seal.seal(&key, photo()).await.unwrap();
        assert_ne!(sealed, again, "each has a data key of its own");
        for sealed in [sealed, again] {
            let kept = sealed.bytes().clone();
            let shows = |part: &[u8]| photo().windows(4).any(|shown| shown == part);
            assert!(!kept.windows(4).any(shows));
            assert_eq!(seal.open(&key, kept).await.unwrap(), photo());
        }
    }

    #[tokio::test]
    async fn a_large_one_opens_and_one_that_is_not_sealed_does_not() {
        let seal = Seal::new(vault_key(1));
        let large = Bytes::from(vec![9; LARGE_PHOTO * 3]);
        let key_of_large = key(1, &large);
        let sealed = seal.seal(&key_of_large, large.clone()).await.unwrap();
        let opened = seal.open(&key_of_large, sealed.bytes().clone()).await;
        assert!(opened.unwrap() == large);
        let plain = seal.open(&key(1, &photo()), photo()).await;
        assert!(matches!(plain, Err(PhotosError::Altered)));
        assert_eq!(Sealed::recognise(&photo()), None);
    }

    #[tokio::test]
    async fn altered_cut_or_exchanged_ones_are_refused() {
        let seal = Seal::new(vault_key(1));
        let (mine, photo) = (key(1, &photo()), photo());
        let sealed = seal.seal(&mine, photo.clone()).await.unwrap();
        let is_altered = async |key: &PhotoKey, kept: Vec<u8>| {
            let opened = seal.open(key, kept.into()).await;
            matches!(opened, Err(PhotosError::Altered))
        };
        let whole = sealed.bytes().to_vec();
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
            HEAD_BYTES,
            HEAD_BYTES + 15,
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
        let wrong = seal.seal(&mine, Bytes::from_static(b"another")).await;
        let wrong = wrong.unwrap().bytes().to_vec();
        assert!(is_altered(&mine, wrong).await, "not of this digest");
    }

    #[tokio::test]
    async fn a_key_that_is_missing_is_told_from_an_altered_photo() {
        let key = key(1, &photo());
        let (one, two) = (vault_key(1), vault_key(2));
        let id = two.id();
        let sealed = Seal::new(two.clone()).seal(&key, photo()).await.unwrap();
        let seal = Seal::new(one);
        let told = seal.open(&key, sealed.bytes().clone()).await;
        assert!(matches!(told, Err(PhotosError::UnknownKey(told)) if told == id));
        seal.clone().learn(two);
        let opened = seal.open(&key, sealed.bytes().clone()).await;
        assert_eq!(opened.unwrap(), photo());
        // Another key with the same id.
        let other = Seal::new(vault_key(2));
        let told = other.open(&key, sealed.bytes().clone()).await;
        assert!(matches!(told, Err(PhotosError::Altered)));
    }

    #[tokio::test]
    async fn the_head_alone_tells_under_which_key_a_photo_is() {
        let mine = key(1, &photo());
        let (one, two) = (vault_key(1), vault_key(2));
        let sealed = Seal::new(one.clone()).seal(&mine, photo()).await.unwrap();
        let head = &sealed.bytes()[..HEAD_BYTES];
        assert!(is_sealed_under(&[two.clone(), one.clone()], &mine, head));
        assert!(!is_sealed_under(&[two], &mine, head));
        assert!(!is_sealed_under(&[vault_key(1)], &mine, head), "of its id");
        let one = std::slice::from_ref(&one);
        assert!(!is_sealed_under(one, &key(2, &photo()), head));
        for start in [&head[..HEAD_BYTES - 1], &photo()[..HEAD_BYTES], b""] {
            assert!(!is_sealed_under(one, &mine, start));
        }
    }
}
