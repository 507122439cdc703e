//! Staff sessions. They are in the store because they must be valid on every instance, also without Redis. Each change
//! is one atomic step on one session: a late write cannot bring back a removed session.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, dispatch};
use jornada_domain::staff::Session;

/// Maximum number of sessions in a list.
pub const MAX_SESSIONS: u32 = 100;

impl Store {
    /// Inserts a session. Idempotent.
    pub async fn add_session(&self, session: &Session) -> Result<(), StoreError> {
        dispatch!("add_session", self.add_session(session))
    }

    /// Returns the session whose token has this SHA-256. [`Session::is_live`] returns whether it is valid.
    pub async fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        dispatch!("session", self.read_session(hash))
    }

    /// Updates when a session was last seen, if it exists. An earlier time has no effect.
    pub async fn touch_session(&self, hash: &[u8; 32], at: Timestamp) -> Result<(), StoreError> {
        dispatch!("note_session", self.touch_session(hash, at))
    }

    /// Removes a session of an account. Returns false if the account has no such session.
    pub async fn remove_session(&self, account: Uuid, hash: &[u8; 32]) -> Result<bool, StoreError> {
        dispatch!("remove_session", self.remove_session(account, hash))
    }

    /// Returns the latest [`MAX_SESSIONS`] sessions of an account, newest first, including expired ones.
    pub async fn sessions_of(&self, account: Uuid) -> Result<Vec<Session>, StoreError> {
        dispatch!("sessions_of", self.sessions_of(account))
    }

    /// Deletes all sessions last seen before this time. Returns their number.
    pub async fn delete_expired_sessions(&self, seen_before: Timestamp) -> Result<u64, StoreError> {
        dispatch!("sweep_sessions", self.delete_expired_sessions(seen_before))
    }
}
