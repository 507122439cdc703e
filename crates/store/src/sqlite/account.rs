//! Staff accounts in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};
use uuid::Uuid;

use super::SqliteStore;
use super::row::time;
use crate::StoreError;
use crate::account::MAX_ACCOUNTS;
use jornada_domain::staff::{Account, EmailAddress, PasswordLink, PlaceScope, Role, SecondFactor};

const COLUMNS: &str = "id, mail, role, places, password, totp, totp_step, link, link_expires_at, epoch, closed_at, \
    created_at, version";

const INSERT: &str = "INSERT INTO accounts (id, mail, role, places, password, totp, totp_step, link, \
    link_expires_at, epoch, closed_at, created_at, version) VALUES (:id, :mail, :role, :places, :password, :totp, \
    :totp_step, :link, :link_expires_at, :epoch, :closed_at, :created_at, :version) ON CONFLICT DO NOTHING";

/// `:version` is the version that was read; the next one is stored.
const REPLACE: &str = "UPDATE accounts SET role = :role, places = :places, password = :password, totp = :totp, \
    totp_step = :totp_step, link = :link, link_expires_at = :link_expires_at, epoch = :epoch, \
    closed_at = :closed_at, created_at = :created_at, version = :version + 1 \
    WHERE id = :id AND mail = :mail AND version = :version";

impl SqliteStore {
    pub(crate) async fn add_account(&self, account: &Account) -> Result<bool, StoreError> {
        let account = account.clone();
        let add = move |connection: &Connection| Ok(execute(connection, INSERT, &account)? > 0);
        self.writer.write(add).await
    }

    pub(crate) async fn replace_account(&self, account: &Account) -> Result<bool, StoreError> {
        let account = account.clone();
        let replace =
            move |connection: &Connection| Ok(execute(connection, REPLACE, &account)? > 0);
        self.writer.write(replace).await
    }

    pub(crate) async fn read_account(&self, id: Uuid) -> Result<Option<Account>, StoreError> {
        self.account_where("id = ?1", id.into_bytes()).await
    }

    pub(crate) async fn account_by_email(
        &self,
        mail: &EmailAddress,
    ) -> Result<Option<Account>, StoreError> {
        self.account_where("mail = ?1", mail.as_str().to_owned())
            .await
    }

    pub(crate) async fn account_by_link(
        &self,
        hash: &[u8; 32],
    ) -> Result<Option<Account>, StoreError> {
        self.account_where("link = ?1", *hash).await
    }

    async fn account_where(
        &self,
        filter: &'static str,
        value: impl ToSql + Send + 'static,
    ) -> Result<Option<Account>, StoreError> {
        let read = move |connection: &mut Connection| {
            let sql = format!("SELECT {COLUMNS} FROM accounts WHERE {filter}");
            let mut statement = connection.prepare_cached(&sql)?;
            let found = statement.query_row([value], |row| Ok(account(row)));
            found.optional()?.transpose()
        };
        self.readers.read(read).await
    }

    pub(crate) async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let read = |connection: &mut Connection| {
            let sql = format!("SELECT {COLUMNS} FROM accounts ORDER BY mail LIMIT ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([MAX_ACCOUNTS], |row| Ok(account(row)))?;
            rows.map(|row| row?).collect()
        };
        self.readers.read(read).await
    }
}

fn execute(connection: &Connection, sql: &str, account: &Account) -> rusqlite::Result<usize> {
    let (second, link) = (
        account.second_factor.as_ref(),
        account.password_link.as_ref(),
    );
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": account.id.as_bytes(),
        ":mail": account.email.as_str(),
        ":role": account.role.name(),
        ":places": places(&account.place_scope),
        ":password": account.password,
        ":totp": second.map(|second| &second.encrypted_secret),
        ":totp_step": second.map(|second| number(second.last_used_step)),
        ":link": link.map(|link| link.hash),
        ":link_expires_at": link.map(|link| link.expires_at.as_millisecond()),
        ":epoch": number(account.epoch),
        ":closed_at": account.closed_at.map(jiff::Timestamp::as_millisecond),
        ":created_at": account.created_at.as_millisecond(),
        ":version": number(account.version),
    })
}

/// Reads [`COLUMNS`].
fn account(row: &Row<'_>) -> Result<Account, StoreError> {
    let malformed = StoreError::malformed;
    let (mail, role): (String, String) = (row.get(1)?, row.get(2)?);
    let sealed: Option<Vec<u8>> = row.get(5)?;
    let step: Option<i64> = row.get(6)?;
    let link: Option<[u8; 32]> = row.get(7)?;
    let expires_at = row.get::<_, Option<i64>>(8)?.map(time).transpose()?;
    Ok(Account {
        id: Uuid::from_bytes(row.get(0)?),
        email: EmailAddress::parse(&mail).ok_or_else(|| malformed("mail"))?,
        role: Role::parse(&role).ok_or_else(|| malformed("role"))?,
        place_scope: reach(&row.get::<_, String>(3)?)?,
        password: row.get(4)?,
        second_factor: sealed.zip(step).map(|(sealed, step)| SecondFactor {
            encrypted_secret: sealed,
            last_used_step: step.unsigned_abs(),
        }),
        password_link: link
            .zip(expires_at)
            .map(|(hash, expires_at)| PasswordLink { hash, expires_at }),
        epoch: row.get::<_, i64>(9)?.unsigned_abs(),
        closed_at: row.get::<_, Option<i64>>(10)?.map(time).transpose()?,
        created_at: time(row.get(11)?)?,
        version: row.get::<_, i64>(12)?.unsigned_abs(),
    })
}

/// Serialises places to JSON.
pub(super) fn places(reach: &PlaceScope) -> String {
    serde_json::to_string(reach.places()).expect("a list of texts is always JSON")
}

/// Parses the output of [`places`].
pub(super) fn reach(places: &str) -> Result<PlaceScope, StoreError> {
    let places = serde_json::from_str(places).map_err(|_| StoreError::malformed("places"))?;
    Ok(PlaceScope::new(places))
}

/// Converts a counter: SQLite has no unsigned integers, and no counter exceeds the signed ones.
pub(super) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
