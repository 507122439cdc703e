//! The vault keys of an installation: they lie in the store, wrapped under the master keys of the settings, one for
//! each master key that ever was the first. An instance whose first key is new makes one, and all then use the one that
//! the store kept. To take a master key out of use, what is wrapped under it is wrapped under the first: a handful of
//! rows, each exchanged whole, while the vault keys themselves and all photos under them stay as they are.

use std::sync::Arc;

use tracing::warn;

use crate::photo::PhotoKeys;
use crate::photo::seal::{KeyId, MasterKey, Seal, VaultKey};
use crate::store::{Store, StoreError, WrappedKey};

/// Opens vault keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    store: Store,
    /// The first is for wrapping.
    masters: Arc<[MasterKey]>,
    seal: Seal,
}

/// Why photos can be neither sealed nor opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store did not do it.
    #[error("cannot reach the keys in the store")]
    Store(#[from] StoreError),
    /// Another installation's key, or a new one without the old.
    #[error(
        "photos are sealed under key {0}, which is not among those that are set: expected that key too, after the first"
    )]
    NotSet(KeyId),
    /// The master key is right, what lies in the store is not.
    #[error("key {0} in the store was altered: expected it as it was; bring it back from a backup")]
    Altered(KeyId),
    /// Nothing can be made.
    #[error("no randomness: {0}")]
    NoRandomness(#[from] getrandom::Error),
}

impl Vault {
    /// Reads what is kept; makes the vault key of the first master key if there is none, unless something kept cannot be
    /// opened: a new key shall not be taken up by mistake.
    ///
    /// # Errors
    /// [`VaultError`].
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

    /// What seals and opens under these keys.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Looks for keys that others have made since.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn look_again(&self) -> Result<(), StoreError> {
        self.learn_all(&self.store.vault_keys().await?);
        Ok(())
    }

    /// The keys that lie in the store now and can be opened; not what was learnt of a store that was emptied since.
    ///
    /// # Errors
    /// When the store does not answer.
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
                Err(error) => warn!("some photos cannot be shown: JORNADA_PHOTO_KEY: {error}"),
            }
        }
    }

    /// Wraps under the first master key whatever is not; afterwards nothing is left under another. Ending half-way is no
    /// harm, and doing it again goes on.
    ///
    /// # Errors
    /// [`VaultError`]; what was wrapped until then stays so.
    pub async fn rewrap(&self) -> Result<usize, VaultError> {
        let first = &self.masters[0];
        let mut done = 0;
        for kept in self.store.vault_keys().await? {
            if kept.under == *first.id().as_bytes() {
                continue;
            }
            let new = wrap(first, &unwrap(&self.masters, &kept)?)?;
            // Whoever was there before did the same, under a key that is then first for all.
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
