//! Key encryption keys of an installation, stored in the database, wrapped under the master keys of the settings. There
//! is one for each master key that was ever first. An instance with a new first master key creates one; if several do,
//! all use the one that was inserted. Rotating a master key rewraps these few rows; keys and photos do not change.

use std::sync::Arc;

use tracing::warn;

use crate::config::PhotoKeys;
use crate::photo::seal::{KeyId, MasterKey, Seal, VaultKey};
use crate::store::{Store, StoreError, WrappedKey};

/// Unwraps key encryption keys and holds the encryptor that uses them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    store: Store,
    /// The first wraps; all unwrap.
    masters: Arc<[MasterKey]>,
    seal: Seal,
}

/// Key encryption keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store failed.
    #[error("cannot access the keys in the store")]
    Store(#[from] StoreError),
    /// No master key matches: the settings have another installation's key, or a new one without the old.
    #[error(
        "photos are encrypted under master key {0}, which is not set: add that key after the first one"
    )]
    NotSet(KeyId),
    /// The master key matches, but the stored key does not authenticate.
    #[error("key {0} in the store was altered: restore it from a backup")]
    Altered(KeyId),
    /// The operating system has no randomness.
    #[error("cannot generate a key: no randomness: {0}")]
    NoRandomness(#[from] getrandom::Error),
}

impl Vault {
    /// Loads the stored keys. Creates one for the first master key if missing, but only if all others can be unwrapped:
    /// a wrong master key must not come into use by mistake.
    pub async fn open(store: Store, keys: &PhotoKeys) -> Result<Self, VaultError> {
        let masters: Arc<[MasterKey]> = keys.expose().map(MasterKey::new).collect();
        let first = &masters[0];
        let mut kept = store.vault_keys().await?;
        if !kept.iter().any(|kept| kept.id == *first.id().as_bytes()) {
            for kept in &kept {
                unwrap(&masters, kept)?;
            }
            let made = wrap(first, &VaultKey::generate(first.id())?)?;
            store.add_vault_key(&made).await?;
            kept = store.vault_keys().await?;
        }
        let sealing = kept.iter().find(|kept| kept.id == *first.id().as_bytes());
        let sealing = sealing.ok_or(VaultError::Altered(first.id()))?;
        let vault = Self {
            seal: Seal::new(unwrap(&masters, sealing)?),
            store,
            masters,
        };
        vault.learn_all(&kept);
        Ok(vault)
    }

    /// Returns the encryptor that uses these keys.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Loads keys that other instances created since.
    pub async fn look_again(&self) -> Result<(), StoreError> {
        self.learn_all(&self.store.vault_keys().await?);
        Ok(())
    }

    /// Reads the keys from the store and returns those that can be unwrapped. Ignores keys cached in memory, since the
    /// store may have been emptied.
    pub async fn in_store(&self) -> Result<Vec<VaultKey>, StoreError> {
        let kept = self.store.vault_keys().await?;
        let opened = kept
            .iter()
            .filter_map(|kept| unwrap(&self.masters, kept).ok());
        Ok(opened.collect())
    }

    fn learn_all(&self, kept: &[WrappedKey]) {
        for kept in kept {
            match unwrap(&self.masters, kept) {
                Ok(key) => self.seal.learn(key),
                Err(error) => warn!("JORNADA_PHOTO_KEY: some photos cannot be decrypted: {error}"),
            }
        }
    }

    /// Rewraps all keys under the first master key; returns how many changed. May be interrupted and repeated.
    pub async fn rewrap(&self) -> Result<usize, VaultError> {
        let first = &self.masters[0];
        let mut done = 0;
        for kept in self.store.vault_keys().await? {
            if kept.under == *first.id().as_bytes() {
                continue;
            }
            let new = wrap(first, &unwrap(&self.masters, &kept)?)?;
            // A concurrent run already rewrapped it: not counted here.
            done += usize::from(self.store.rewrap_vault_key(&kept, &new).await?);
        }
        Ok(done)
    }
}

fn wrap(master: &MasterKey, key: &VaultKey) -> Result<WrappedKey, VaultError> {
    Ok(WrappedKey {
        id: *key.id().as_bytes(),
        under: *master.id().as_bytes(),
        wrapped: master.wrap(key)?,
    })
}

fn unwrap(masters: &[MasterKey], kept: &WrappedKey) -> Result<VaultKey, VaultError> {
    let under = KeyId::from_bytes(kept.under);
    let master = masters.iter().find(|master| master.id() == under);
    let master = master.ok_or(VaultError::NotSet(under))?;
    let id = KeyId::from_bytes(kept.id);
    master
        .unwrap(id, &kept.wrapped)
        .ok_or(VaultError::Altered(id))
}
