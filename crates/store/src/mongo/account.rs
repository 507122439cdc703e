//! Staff accounts in MongoDB.

use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::IndexModel;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::error::Result as Driven;
use mongodb::options::IndexOptions;
use tokio::time::timeout;
use uuid::Uuid;

use super::{MongoStore, binary, driver_error, with_timeout};
use crate::account::MAX_ACCOUNTS;
use crate::{OPERATION_TIMEOUT, StoreError};
use jornada_domain::staff::{Account, EmailAddress, PasswordLink, PlaceScope, Role, SecondFactor};

/// Makes addresses and password links unique.
pub(super) async fn make_indexes(store: &MongoStore) -> Driven<()> {
    let unique = || IndexOptions::builder().unique(true);
    let by_mail = IndexModel::builder()
        .keys(doc! { "mail": 1 })
        .options(unique().build())
        .build();
    let some = doc! { "link": { "$exists": true } };
    let by_link = IndexModel::builder()
        .keys(doc! { "link": 1 })
        .options(unique().partial_filter_expression(some).build())
        .build();
    store
        .accounts
        .create_indexes([by_mail, by_link])
        .await
        .map(drop)
}

impl MongoStore {
    pub(crate) async fn add_account(&self, account: &Account) -> Result<bool, StoreError> {
        let document = to_document(account, account.version);
        let added = timeout(OPERATION_TIMEOUT, async {
            self.accounts.insert_one(document).await
        })
        .await;
        match added.map_err(|_| StoreError::timed_out())? {
            Ok(_) => Ok(true),
            Err(error) if driver_error::is_duplicate(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn replace_account(&self, account: &Account) -> Result<bool, StoreError> {
        let read = doc! {
            "_id": binary(account.id.as_bytes()),
            "mail": account.email.as_str(),
            "version": number(account.version),
        };
        let changed = to_document(account, account.version + 1);
        let replaced =
            with_timeout(OPERATION_TIMEOUT, self.accounts.replace_one(read, changed)).await?;
        Ok(replaced.matched_count > 0)
    }

    pub(crate) async fn read_account(&self, id: Uuid) -> Result<Option<Account>, StoreError> {
        self.account_where(doc! { "_id": binary(id.as_bytes()) })
            .await
    }

    pub(crate) async fn account_by_email(
        &self,
        mail: &EmailAddress,
    ) -> Result<Option<Account>, StoreError> {
        self.account_where(doc! { "mail": mail.as_str() }).await
    }

    pub(crate) async fn account_by_link(
        &self,
        hash: &[u8; 32],
    ) -> Result<Option<Account>, StoreError> {
        self.account_where(doc! { "link": binary(hash) }).await
    }

    async fn account_where(&self, filter: Document) -> Result<Option<Account>, StoreError> {
        let found = with_timeout(OPERATION_TIMEOUT, self.accounts.find_one(filter)).await?;
        found.as_ref().map(account).transpose()
    }

    pub(crate) async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let find = self
            .accounts
            .find(doc! {})
            .sort(doc! { "mail": 1 })
            .limit(MAX_ACCOUNTS.into());
        let found = with_timeout(OPERATION_TIMEOUT, async {
            find.await?.try_collect::<Vec<_>>().await
        })
        .await?;
        found.iter().map(account).collect()
    }
}

fn to_document(account: &Account, version: u64) -> Document {
    let mut document = doc! {
        "_id": binary(account.id.as_bytes()),
        "mail": account.email.as_str(),
        "role": account.role.name(),
        "places": account.place_scope.places(),
        "epoch": number(account.epoch),
        "created_at": moment(account.created_at),
        "version": number(version),
    };
    if let Some(password) = &account.password {
        document.insert("password", password);
    }
    if let Some(second) = &account.second_factor {
        document.insert("totp", binary(&second.encrypted_secret));
        document.insert("totp_step", number(second.last_used_step));
    }
    if let Some(link) = &account.password_link {
        document.insert("link", binary(&link.hash));
        document.insert("link_expires_at", moment(link.expires_at));
    }
    if let Some(closed_at) = account.closed_at {
        document.insert("closed_at", moment(closed_at));
    }
    document
}

fn account(document: &Document) -> Result<Account, StoreError> {
    let malformed = StoreError::malformed;
    let mail = document.get_str("mail").ok().and_then(EmailAddress::parse);
    let role = document.get_str("role").ok().and_then(Role::parse);
    let second = |sealed: &Vec<u8>| {
        Ok::<_, StoreError>(SecondFactor {
            encrypted_secret: sealed.clone(),
            last_used_step: count(document, "totp_step")?,
        })
    };
    let expires_at = time(document, "link_expires_at")?;
    Ok(Account {
        id: Uuid::from_bytes(bytes(document, "_id")?.ok_or_else(|| malformed("_id"))?),
        email: mail.ok_or_else(|| malformed("mail"))?,
        role: role.ok_or_else(|| malformed("role"))?,
        place_scope: reach(document)?,
        password: document.get_str("password").ok().map(str::to_owned),
        second_factor: document
            .get_binary_generic("totp")
            .ok()
            .map(second)
            .transpose()?,
        password_link: bytes(document, "link")?
            .zip(expires_at)
            .map(|(hash, expires_at)| PasswordLink { hash, expires_at }),
        epoch: count(document, "epoch")?,
        closed_at: time(document, "closed_at")?,
        created_at: time(document, "created_at")?.ok_or_else(|| malformed("created_at"))?,
        version: count(document, "version")?,
    })
}

/// Reads the places of an account or token.
pub(super) fn reach(document: &Document) -> Result<PlaceScope, StoreError> {
    let malformed = || StoreError::malformed("places");
    let places = document.get_array("places").map_err(|_| malformed())?;
    let text = |place: &Bson| place.as_str().map(str::to_owned).ok_or_else(malformed);
    places
        .iter()
        .map(text)
        .collect::<Result<_, _>>()
        .map(PlaceScope::new)
}

pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn count(document: &Document, name: &'static str) -> Result<u64, StoreError> {
    let count = document.get_i64(name);
    count
        .map(i64::unsigned_abs)
        .map_err(|_| StoreError::malformed(name))
}

pub(super) fn moment(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}

/// Reads a time; `None` if the field is missing.
pub(super) fn time(
    document: &Document,
    name: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    let read = |value: &Bson| {
        let millisecond = value.as_datetime()?.timestamp_millis();
        Timestamp::from_millisecond(millisecond).ok()
    };
    let Some(value) = document.get(name) else {
        return Ok(None);
    };
    read(value)
        .map(Some)
        .ok_or_else(|| StoreError::malformed(name))
}

/// Reads exactly `N` bytes; `None` if the field is missing.
pub(super) fn bytes<const N: usize>(
    document: &Document,
    name: &'static str,
) -> Result<Option<[u8; N]>, StoreError> {
    let Ok(found) = document.get_binary_generic(name) else {
        return Ok(None);
    };
    let bytes = found.as_slice().try_into();
    bytes.map(Some).map_err(|_| StoreError::malformed(name))
}
