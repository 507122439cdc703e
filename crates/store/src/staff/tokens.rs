//! API tokens, stored as SHA-256. A token is 256 random bits, so no salt is needed.

use jiff::Timestamp;

use crate::error::Result;
use crate::handle::Store;
use crate::records::{
    Condition, FieldChange, Fields, InsertableRecord, Query, Record, Table, Value,
};
use jornada_domain::staff::{ApiToken, PlaceScope, Scopes};

const MAX_TOKENS: u32 = 1_000;

impl Record for ApiToken {
    const TABLE: Table = Table::new("tokens", "hash");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            hash: fields.take("hash")?,
            name: fields.take("name")?,
            scopes: Scopes::parse(&fields.take::<String>("scopes")?),
            place_scope: PlaceScope::new(fields.take("places")?),
            created_at: fields.take("created_at")?,
            expires_at: fields.take("expires_at")?,
            revoked_at: fields.take("revoked_at")?,
        })
    }
}

impl InsertableRecord for ApiToken {
    fn to_fields(&self) -> Fields {
        Fields::from([
            ("hash", self.hash.into()),
            ("name", (&self.name).into()),
            ("scopes", self.scopes.to_text().into()),
            ("places", self.place_scope.places().into()),
            ("created_at", self.created_at.into()),
            ("expires_at", self.expires_at.into()),
            ("revoked_at", self.revoked_at.into()),
        ])
    }
}

impl Store {
    /// Inserts a token. Idempotent.
    pub async fn add_token(&self, token: &ApiToken) -> Result<()> {
        let insert = self.insert_record(token);
        self.time("add_token", insert).await.map(drop)
    }

    /// Returns the token with this SHA-256, valid or not.
    pub async fn token(&self, hash: &[u8; 32]) -> Result<Option<ApiToken>> {
        let query = Query::new([Condition::is("hash", *hash)]);
        self.time("token", self.find_record(query)).await
    }

    /// Returns the first 1,000 tokens by name, including revoked ones.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>> {
        let order = &[("name", 1), ("hash", 1)];
        let all = Query::new([]).sort(order).limit(MAX_TOKENS);
        self.time("tokens", self.find_records(all)).await
    }

    /// Revokes a token. Returns false if there is none or it was revoked before.
    pub async fn revoke_token(&self, hash: &[u8; 32], at: Timestamp) -> Result<bool> {
        let valid = [
            Condition::is("hash", *hash),
            Condition::is("revoked_at", Value::Null),
        ];
        let revoke = self.update_records::<ApiToken>(valid, [FieldChange::set("revoked_at", at)]);
        Ok(self.time("revoke_token", revoke).await? > 0)
    }
}
