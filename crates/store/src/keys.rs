//! Keys that encrypt the data keys of photos. They are stored encrypted with a master key that is in no store. A
//! change of the master key re-encrypts these few keys and no photo.

use super::error::Result;
use super::handle::Store;
use super::records::{
    Condition, FieldChange, Fields, InsertableRecord, Query, ReadMode, Record, Table,
};

/// A key encrypted with a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Id by which photos refer to it.
    pub id: [u8; 8],
    /// Id of the master key.
    pub master_key_id: [u8; 8],
    /// Nonce, encrypted key and tag.
    pub wrapped: Vec<u8>,
}

impl Record for WrappedKey {
    const TABLE: Table = Table::new("vault_keys", "id");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            id: fields.take("id")?,
            master_key_id: fields.take("under")?,
            wrapped: fields.take("wrapped")?,
        })
    }
}

impl InsertableRecord for WrappedKey {
    fn to_fields(&self) -> Fields {
        Fields::from([
            ("id", self.id.into()),
            ("under", self.master_key_id.into()),
            ("wrapped", (&self.wrapped).into()),
        ])
    }
}

impl Store {
    /// Inserts a key unless its id exists: of several instances that create it at once, all use the first one's.
    /// Idempotent.
    pub async fn add_wrapped_key(&self, key: &WrappedKey) -> Result<()> {
        let insert = self.insert_record(key);
        self.time("add_vault_key", insert).await.map(drop)
    }

    /// Returns all keys in order of their ids: one for each master key that was ever the first in the settings.
    pub async fn wrapped_keys(&self) -> Result<Vec<WrappedKey>> {
        // An instance that has just created a key, or lost the race to create it, must see the stored one.
        let all = Query::new([]).sort(&[("id", 1)]).read(ReadMode::Primary);
        self.time("vault_keys", self.find_records(all)).await
    }

    /// Replaces `old` with the same key encrypted anew. Returns false if `old` is no longer stored. May be repeated.
    pub async fn replace_wrapped_key(&self, old: &WrappedKey, new: &WrappedKey) -> Result<bool> {
        let unchanged = [
            Condition::is("id", old.id),
            Condition::is("wrapped", &old.wrapped),
        ];
        let changes = [
            FieldChange::set("under", new.master_key_id),
            FieldChange::set("wrapped", &new.wrapped),
        ];
        let replace = self.update_records::<WrappedKey>(unchanged, changes);
        Ok(self.time("rewrap_vault_key", replace).await? > 0)
    }
}
