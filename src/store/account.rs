//! Accounts of the staff. The store keeps what the rules of [`crate::domain::staff`] decided, and guards two things:
//! an address has one account, and a change is taken only by the state that it was decided on.

use uuid::Uuid;

use super::{Store, StoreError, ask};
use crate::domain::staff::{Account, Mail};

/// Most accounts of one list.
pub const MAX_ACCOUNTS: u32 = 1_000;

impl Store {
    /// Keeps a new account; false if its address has one already.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be kept.
    pub async fn add_account(&self, account: &Account) -> Result<bool, StoreError> {
        ask!("add_account", self.add_account(account))
    }

    /// Keeps a changed account, if nobody changed it since it was read: its `version` is the one that was read, the
    /// next one is kept. False if somebody did. Its address never changes.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be kept.
    pub async fn replace_account(&self, account: &Account) -> Result<bool, StoreError> {
        ask!("replace_account", self.replace_account(account))
    }

    /// The account of this id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn account(&self, id: Uuid) -> Result<Option<Account>, StoreError> {
        ask!("account", self.account(id))
    }

    /// The account of this address.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn account_of(&self, mail: &Mail) -> Result<Option<Account>, StoreError> {
        ask!("account_of", self.account_of(mail))
    }

    /// The account whose link has this SHA-256, used up or too old as it may be.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn account_by_link(&self, hash: &[u8; 32]) -> Result<Option<Account>, StoreError> {
        ask!("account_by_link", self.account_by_link(hash))
    }

    /// The first [`MAX_ACCOUNTS`] accounts, in the order of their addresses, closed ones too.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        ask!("accounts", self.accounts())
    }
}
