//! Staff accounts. The store enforces two rules: an address has one account, and a change applies only to the version
//! that it is based on.

use jiff::Timestamp;
use uuid::Uuid;

use crate::error::Result;
use crate::handle::Store;
use crate::records::{
    Condition, FieldChange, Fields, InsertableRecord, Query, Record, Table, Value,
};
use jornada_domain::staff::{Account, EmailAddress, PasswordLink, PlaceScope, SecondFactor};

const MAX_ACCOUNTS: u32 = 1_000;

impl Record for Account {
    const TABLE: Table = Table::new("accounts", "id");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        let secret: Option<Vec<u8>> = fields.take("totp")?;
        let step: Option<u64> = fields.take("totp_step")?;
        let link: Option<[u8; 32]> = fields.take("link")?;
        let expires_at: Option<Timestamp> = fields.take("link_expires_at")?;
        Ok(Self {
            id: fields.take("id")?,
            email: fields.parse("mail", EmailAddress::parse)?,
            role: fields.parse("role", |name| name.parse().ok())?,
            place_scope: PlaceScope::new(fields.take("places")?),
            password: fields.take("password")?,
            second_factor: secret.zip(step).map(|(encrypted_secret, last_used_step)| {
                SecondFactor {
                    encrypted_secret,
                    last_used_step,
                }
            }),
            password_link: link
                .zip(expires_at)
                .map(|(hash, expires_at)| PasswordLink { hash, expires_at }),
            epoch: fields.take("epoch")?,
            closed_at: fields.take("closed_at")?,
            created_at: fields.take("created_at")?,
            version: fields.take("version")?,
        })
    }
}

impl InsertableRecord for Account {
    fn to_fields(&self) -> Fields {
        let (second, link) = (self.second_factor.as_ref(), self.password_link.as_ref());
        Fields::from([
            ("id", self.id.into()),
            ("mail", self.email.as_str().into()),
            ("role", <&str>::from(self.role).into()),
            ("places", self.place_scope.places().into()),
            ("password", self.password.as_ref().into()),
            ("totp", second.map(|second| &second.encrypted_secret).into()),
            (
                "totp_step",
                second.map(|second| second.last_used_step).into(),
            ),
            ("link", link.map(|link| link.hash).into()),
            ("link_expires_at", link.map(|link| link.expires_at).into()),
            ("epoch", self.epoch.into()),
            ("closed_at", self.closed_at.into()),
            ("created_at", self.created_at.into()),
            ("version", self.version.into()),
        ])
    }
}

impl Store {
    /// Inserts an account. Returns false if its address has one already.
    pub async fn add_account(&self, account: &Account) -> Result<bool> {
        self.time("add_account", self.insert_record(account)).await
    }

    /// Replaces an account whose stored version is still `account.version`, and increases the version. Returns false
    /// for any other version. The address does not change.
    pub async fn replace_account(&self, account: &Account) -> Result<bool> {
        let unchanged = [
            Condition::is("id", account.id),
            Condition::is("mail", account.email.as_str()),
            Condition::is("version", account.version),
        ];
        let mut fields = account.to_fields().0;
        fields.retain(|name, _| !matches!(name.as_str(), "id" | "mail" | "version"));
        let set = fields
            .into_iter()
            .map(|(name, value)| FieldChange::Set(name, value));
        let changes: Vec<_> = set.chain([FieldChange::Increment("version")]).collect();
        let replace = self.update_records::<Account>(unchanged, changes);
        Ok(self.time("replace_account", replace).await? > 0)
    }

    /// Returns the account with this id.
    pub async fn account(&self, id: Uuid) -> Result<Option<Account>> {
        let query = Query::new([Condition::is("id", id)]);
        self.time("account", self.find_record(query)).await
    }

    /// Returns the account with this address.
    pub async fn account_by_email(&self, mail: &EmailAddress) -> Result<Option<Account>> {
        let query = Query::new([Condition::is("mail", mail.as_str())]);
        self.time("account_of", self.find_record(query)).await
    }

    /// Returns the account whose password link has this SHA-256, even if the link has expired.
    pub async fn account_by_link(&self, hash: &[u8; 32]) -> Result<Option<Account>> {
        let query = Query::new([Condition::is("link", *hash)]);
        self.time("account_by_link", self.find_record(query)).await
    }

    /// Returns the first 1,000 accounts by address, including closed ones.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        let all = Query::new([]).sort(&[("mail", 1)]).limit(MAX_ACCOUNTS);
        self.time("accounts", self.find_records(all)).await
    }

    /// Deletes password links that expired at `now` or earlier. Returns their number.
    pub async fn delete_expired_links(&self, now: Timestamp) -> Result<u64> {
        let changes = [
            FieldChange::set("link", Value::Null),
            FieldChange::set("link_expires_at", Value::Null),
            FieldChange::Increment("version"),
        ];
        let delete =
            self.update_records::<Account>([Condition::at_most("link_expires_at", now)], changes);
        self.time("sweep_links", delete).await
    }
}
