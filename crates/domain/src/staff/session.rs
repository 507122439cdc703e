//! Lifetime of a login session: 30 minutes idle, 12 hours in total, and the epoch of the account.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Account;

/// Maximum time between two requests.
pub const IDLE_TIMEOUT: SignedDuration = SignedDuration::from_mins(30);
/// Maximum time after login.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(12);
/// Minimum interval between updates of the last-seen time: not every request writes to the store.
pub const TOUCH_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// A login session. Its token has 256 random bits; only the SHA-256 is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Id of the account.
    pub account: Uuid,
    /// Epoch of the account at login; another epoch ends the session.
    pub epoch: u64,
    /// Time of the login.
    pub created_at: Timestamp,
    /// Last-seen time.
    pub seen_at: Timestamp,
}

impl Session {
    /// Returns whether the session is valid for this account.
    pub fn is_live(&self, account: &Account, now: Timestamp) -> bool {
        self.account == account.id
            && self.epoch == account.epoch
            && account.is_open()
            && now.duration_since(self.seen_at) < IDLE_TIMEOUT
            && now.duration_since(self.created_at) < MAX_LIFETIME
    }

    /// Returns whether the last-seen time must be updated.
    pub fn needs_touch(&self, now: Timestamp) -> bool {
        now.duration_since(self.seen_at) >= TOUCH_INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::account::tests::account;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + minutes * 60).unwrap()
    }

    #[test]
    fn it_ends_by_idleness_age_epoch_and_closing() {
        let mut account = account();
        let mut session = Session {
            hash: [1; 32],
            account: account.id,
            epoch: account.epoch,
            created_at: at(0),
            seen_at: at(0),
        };
        assert!(session.is_live(&account, at(29)));
        assert!(!session.is_live(&account, at(30)), "idle");
        session.seen_at = at(715);
        assert!(session.is_live(&account, at(719)));
        assert!(!session.is_live(&account, at(720)), "too old, busy or not");
        account.epoch += 1;
        assert!(!session.is_live(&account, at(716)), "another epoch");
        account.epoch -= 1;
        account.close(at(1));
        session.epoch = account.epoch;
        assert!(!session.is_live(&account, at(716)), "closed");
    }

    #[test]
    fn not_every_request_is_noted() {
        let session = Session {
            hash: [1; 32],
            account: account().id,
            epoch: 0,
            created_at: at(0),
            seen_at: at(5),
        };
        assert!(!session.needs_touch(at(5)) && session.needs_touch(at(6)));
    }
}
