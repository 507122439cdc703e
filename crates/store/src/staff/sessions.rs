//! Staff sessions. They are in the store because they must be valid on every instance, also without Redis. Each change
//! is one atomic step on one session: a late write cannot bring back a removed session.

use jiff::Timestamp;
use uuid::Uuid;

use crate::error::Result;
use crate::handle::Store;
use crate::records::{Condition, FieldChange, Fields, InsertableRecord, Query, Record, Table};
use jornada_domain::staff::Session;

const MAX_SESSIONS: u32 = 100;

impl Record for Session {
    const TABLE: Table = Table::new("sessions", "hash");

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            hash: fields.take("hash")?,
            account: fields.take("account")?,
            epoch: fields.take("epoch")?,
            created_at: fields.take("created_at")?,
            seen_at: fields.take("seen_at")?,
        })
    }
}

impl InsertableRecord for Session {
    fn to_fields(&self) -> Fields {
        Fields::from([
            ("hash", self.hash.into()),
            ("account", self.account.into()),
            ("epoch", self.epoch.into()),
            ("created_at", self.created_at.into()),
            ("seen_at", self.seen_at.into()),
        ])
    }
}

impl Store {
    /// Inserts a session. Idempotent.
    pub async fn add_session(&self, session: &Session) -> Result<()> {
        let insert = self.insert_record(session);
        self.time("add_session", insert).await.map(drop)
    }

    /// Returns the session whose token has this SHA-256. [`Session::is_live`] returns whether it is valid.
    pub async fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>> {
        let query = Query::new([Condition::is("hash", *hash)]);
        self.time("session", self.find_record(query)).await
    }

    /// Updates when a session was last seen, if it exists. An earlier time has no effect.
    pub async fn touch_session(&self, hash: &[u8; 32], at: Timestamp) -> Result<()> {
        let seen_before = [
            Condition::is("hash", *hash),
            Condition::below("seen_at", at),
        ];
        let touch = self.update_records::<Session>(seen_before, [FieldChange::set("seen_at", at)]);
        self.time("note_session", touch).await.map(drop)
    }

    /// Removes a session of an account. Returns false if the account has no such session.
    pub async fn remove_session(&self, account: Uuid, hash: &[u8; 32]) -> Result<bool> {
        let theirs = [
            Condition::is("hash", *hash),
            Condition::is("account", account),
        ];
        let delete = self.delete_records::<Session>(theirs);
        Ok(self.time("remove_session", delete).await? > 0)
    }

    /// Returns the latest 100 sessions of an account, newest first, including expired ones.
    pub async fn sessions_of(&self, account: Uuid) -> Result<Vec<Session>> {
        let query = Query::new([Condition::is("account", account)])
            .sort(&[("created_at", -1), ("hash", 1)])
            .limit(MAX_SESSIONS);
        self.time("sessions_of", self.find_records(query)).await
    }

    /// Deletes all sessions last seen before this time. Returns their number.
    pub async fn delete_expired_sessions(&self, seen_before: Timestamp) -> Result<u64> {
        let expired = [Condition::below("seen_at", seen_before)];
        self.time("sweep_sessions", self.delete_records::<Session>(expired))
            .await
    }
}
