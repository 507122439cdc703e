//! Key encryption keys of an installation, stored in the database, wrapped under the master keys of the settings. There
//! is one for each master key that was ever first. An instance with a new first master key creates one; if several do,
//! all use the one that was inserted. Rotating a master key rewraps these few rows; keys and photos do not change.

use std::sync::Arc;

use tracing::warn;

use jornada_objects::KeyId;
use jornada_objects::MasterKeys;
use jornada_objects::encryption::{Encryptor, KeyEncryptionKey, MasterKey};
use jornada_store::{Store, StoreError, WrappedKey};

/// Unwraps key encryption keys and holds the encryptor that uses them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeyRing {
    store: Store,
    /// The first wraps; all unwrap.
    master_keys: Arc<[MasterKey]>,
    encryptor: Encryptor,
}

/// Key encryption keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The store failed.
    #[error("cannot access the keys in the store")]
    Store(#[from] StoreError),
    /// No master key matches: the settings have another installation's key, or a new one without the old.
    #[error(
        "photos are encrypted under master key {0}, which is not set: add that key after the first one"
    )]
    MasterKeyMissing(KeyId),
    /// The master key matches, but the stored key does not authenticate.
    #[error("key {0} in the store was altered: restore it from a backup")]
    Altered(KeyId),
    /// The operating system provided no random bytes.
    #[error("cannot generate a key: no randomness")]
    NoRandomness(#[from] getrandom::Error),
}

impl KeyRing {
    /// Loads the stored keys. Creates one for the first master key if missing, but only if all others can be unwrapped:
    /// a wrong master key must not come into use by mistake.
    pub async fn open(store: Store, keys: &MasterKeys) -> Result<Self, KeyRingError> {
        let masters: Arc<[MasterKey]> = keys.expose().map(MasterKey::new).collect();
        let first = &masters[0];
        let mut stored = store.wrapped_keys().await?;
        if !stored
            .iter()
            .any(|stored| stored.id == *first.id().as_bytes())
        {
            for stored in &stored {
                unwrap(&masters, stored)?;
            }
            let made = wrap(first, &KeyEncryptionKey::generate(first.id())?)?;
            store.add_wrapped_key(&made).await?;
            stored = store.wrapped_keys().await?;
        }
        let active = stored
            .iter()
            .find(|stored| stored.id == *first.id().as_bytes());
        let active = active.ok_or(KeyRingError::Altered(first.id()))?;
        let key_ring = Self {
            encryptor: Encryptor::new(unwrap(&masters, active)?),
            store,
            master_keys: masters,
        };
        key_ring.add_keys(&stored);
        Ok(key_ring)
    }

    /// Returns the encryptor that uses these keys.
    pub fn encryptor(&self) -> &Encryptor {
        &self.encryptor
    }

    /// Loads keys that other instances created since.
    pub async fn reload(&self) -> Result<(), StoreError> {
        self.add_keys(&self.store.wrapped_keys().await?);
        Ok(())
    }

    /// Reads the keys from the store and returns those that can be unwrapped. Ignores keys cached in memory, since the
    /// store may have been emptied.
    pub async fn stored_keys(&self) -> Result<Vec<KeyEncryptionKey>, StoreError> {
        let stored = self.store.wrapped_keys().await?;
        let unwrapped = stored
            .iter()
            .filter_map(|stored| unwrap(&self.master_keys, stored).ok());
        Ok(unwrapped.collect())
    }

    fn add_keys(&self, stored: &[WrappedKey]) {
        for stored in stored {
            match unwrap(&self.master_keys, stored) {
                Ok(key) => self.encryptor.add_key(key),
                Err(error) => warn!("JORNADA_PHOTO_KEY: some photos cannot be decrypted: {error}"),
            }
        }
    }

    /// Rewraps all keys under the first master key; returns how many changed. May be interrupted and repeated.
    pub async fn rewrap(&self) -> Result<usize, KeyRingError> {
        let first = &self.master_keys[0];
        let mut done = 0;
        for stored in self.store.wrapped_keys().await? {
            if stored.master_key_id == *first.id().as_bytes() {
                continue;
            }
            let new = wrap(first, &unwrap(&self.master_keys, &stored)?)?;
            // A concurrent run already rewrapped it: not counted here.
            done += usize::from(self.store.replace_wrapped_key(&stored, &new).await?);
        }
        Ok(done)
    }
}

/// Returns an encryptor for the keys of a backup. Fails if one cannot be unwrapped.
pub fn encryptor_of(
    keys: &MasterKeys,
    stored: &[WrappedKey],
) -> Result<Option<Encryptor>, KeyRingError> {
    let masters: Vec<_> = keys.expose().map(MasterKey::new).collect();
    let mut unwrapped = stored.iter().map(|stored| unwrap(&masters, stored));
    let Some(first) = unwrapped.next() else {
        return Ok(None);
    };
    let encryptor = Encryptor::new(first?);
    for key in unwrapped {
        encryptor.add_key(key?);
    }
    Ok(Some(encryptor))
}

fn wrap(master: &MasterKey, key: &KeyEncryptionKey) -> Result<WrappedKey, KeyRingError> {
    Ok(WrappedKey {
        id: *key.id().as_bytes(),
        master_key_id: *master.id().as_bytes(),
        wrapped: master.wrap(key)?,
    })
}

fn unwrap(masters: &[MasterKey], stored: &WrappedKey) -> Result<KeyEncryptionKey, KeyRingError> {
    let under = KeyId::from_bytes(stored.master_key_id);
    let master = masters.iter().find(|master| master.id() == under);
    let master = master.ok_or(KeyRingError::MasterKeyMissing(under))?;
    let id = KeyId::from_bytes(stored.id);
    master
        .unwrap(id, &stored.wrapped)
        .ok_or(KeyRingError::Altered(id))
}
