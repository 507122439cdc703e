//! Staff accounts. The store enforces two rules: an address has one account, and a change applies only to the version
//! that it is based on.

use uuid::Uuid;

use super::{Store, StoreError, dispatch};
use jornada_domain::staff::{Account, EmailAddress};

/// Maximum number of accounts in a list.
pub const MAX_ACCOUNTS: u32 = 1_000;

impl Store {
    /// Inserts an account. Returns false if its address has one already.
    pub async fn add_account(&self, account: &Account) -> Result<bool, StoreError> {
        dispatch!("add_account", self.add_account(account))
    }

    /// Replaces an account whose stored version is still `account.version`, and increases the version. Returns false
    /// for any other version. The address does not change.
    pub async fn replace_account(&self, account: &Account) -> Result<bool, StoreError> {
        dispatch!("replace_account", self.replace_account(account))
    }

    /// Returns the account with this id.
    pub async fn account(&self, id: Uuid) -> Result<Option<Account>, StoreError> {
        dispatch!("account", self.read_account(id))
    }

    /// Returns the account with this address.
    pub async fn account_by_email(
        &self,
        mail: &EmailAddress,
    ) -> Result<Option<Account>, StoreError> {
        dispatch!("account_of", self.account_by_email(mail))
    }

    /// Returns the account whose password link has this SHA-256, even if the link has expired.
    pub async fn account_by_link(&self, hash: &[u8; 32]) -> Result<Option<Account>, StoreError> {
        dispatch!("account_by_link", self.account_by_link(hash))
    }

    /// Returns the first [`MAX_ACCOUNTS`] accounts by address, including closed ones.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        dispatch!("accounts", self.accounts())
    }
}
