//! Sessions of the staff, in the store because they must hold on every instance, without Redis too. Each change is one
//! step on one session: none that was removed can come back by a late write.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Store, StoreError, ask};
use crate::domain::staff::Session;

/// Most sessions of one list.
pub const MAX_SESSIONS: u32 = 100;

impl Store {
    /// Keeps a new session.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn add_session(&self, session: &Session) -> Result<(), StoreError> {
        ask!("add_session", self.add_session(session))
    }

    /// The session whose token has this SHA-256; whether it is still good is for
    /// [`Session::is_live`] to say.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        ask!("session", self.session(hash))
    }

    /// Notes a request of a session, if the session is still there.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_session(&self, hash: &[u8; 32], at: Timestamp) -> Result<(), StoreError> {
        ask!("note_session", self.note_session(hash, at))
    }

    /// Removes a session of an account; false if it has no such session.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be removed.
    pub async fn remove_session(&self, account: Uuid, hash: &[u8; 32]) -> Result<bool, StoreError> {
        ask!("remove_session", self.remove_session(account, hash))
    }

    /// The latest [`MAX_SESSIONS`] sessions of an account, the latest first; some may be over.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sessions_of(&self, account: Uuid) -> Result<Vec<Session>, StoreError> {
        ask!("sessions_of", self.sessions_of(account))
    }

    /// Removes every session last seen before this moment; answers how many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sweep_sessions(&self, seen_before: Timestamp) -> Result<u64, StoreError> {
        ask!("sweep_sessions", self.sweep_sessions(seen_before))
    }
}
