//! One person of the staff. Every change is a pure step from one state to the next; the store takes it only if nobody
//! else changed the account meanwhile (`version`), so that a link or a code can never be used twice.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Mail, Permission, Reach, Role};

/// How long a link to set a password is good.
pub const LINK_LIFE: SignedDuration = SignedDuration::from_hours(48);

/// An account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Never changes; what logs may name.
    pub id: Uuid,
    /// Unique among all accounts.
    pub mail: Mail,
    /// What it may do.
    pub role: Role,
    /// Whose registrations a clerk sees.
    pub reach: Reach,
    /// Argon2id as a PHC string; none until the first link was used.
    pub password: Option<String>,
    /// The second factor, if it is on.
    pub second: Option<SecondFactor>,
    /// The one link that may set a password.
    pub link: Option<Link>,
    /// Sessions of another epoch are over.
    pub epoch: u64,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Counts the changes; the store's guard against two at once.
    pub version: u64,
}

/// A TOTP secret, and the last code that was used.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// Encrypted under the installation's secret: whoever reads the store alone has no codes.
    pub sealed: Vec<u8>,
    /// Number of the 30-second step whose code was used last; only later ones are taken (RFC 6238, 5.2).
    pub used_step: u64,
}

/// A link to set a password, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// SHA-256 of the token in the link.
    pub hash: [u8; 32],
    /// From when on it is no good.
    pub expires_at: Timestamp,
}

impl Account {
    /// A new account that can log in once its link was used.
    #[must_use]
    pub fn new(id: Uuid, mail: Mail, now: Timestamp) -> Self {
        Self {
            id,
            mail,
            role: Role::Viewer,
            reach: Reach::all(),
            password: None,
            second: None,
            link: None,
            epoch: 0,
            closed_at: None,
            created_at: now,
            version: 0,
        }
    }

    /// Whether it may be used.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Whether it may do that.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.is_open() && self.role.may(permission)
    }

    /// Gives it a role. Places limit clerks alone: the others either see no registration, or all.
    pub fn assign(&mut self, role: Role, reach: Reach) {
        self.role = role;
        self.reach = match role {
            Role::Clerk => reach,
            Role::Viewer | Role::Admin => Reach::all(),
        };
    }

    /// Gives it a new link; the one before is no good any more. The password stays until the link is used.
    pub fn invite(&mut self, hash: [u8; 32], now: Timestamp) {
        let expires_at = now + LINK_LIFE;
        self.link = Some(Link { hash, expires_at });
    }

    /// Whether the link of this hash may set its password now.
    #[must_use]
    pub fn takes_link(&self, hash: &[u8; 32], now: Timestamp) -> bool {
        let is_good = |link: &Link| link.hash == *hash && now < link.expires_at;
        self.is_open() && self.link.as_ref().is_some_and(is_good)
    }

    /// Sets a password: every session and every link is over.
    pub fn set_password(&mut self, phc: String) {
        self.password = Some(phc);
        self.link = None;
        self.end_sessions();
    }

    /// Uses a code up; false if it, or a later one, was used before.
    #[must_use]
    pub fn use_step(&mut self, step: u64) -> bool {
        match &mut self.second {
            Some(second) if step > second.used_step => {
                second.used_step = step;
                true
            }
            _ => false,
        }
    }

    /// Whether it is still what somebody was let in with: open, without a new password, reset or end of sessions since.
    #[must_use]
    pub fn is_still(&self, let_in: &Self) -> bool {
        self.is_open() && self.epoch == let_in.epoch
    }

    /// Ends every session, on every instance.
    pub fn end_sessions(&mut self) {
        self.epoch += 1;
    }

    /// Closes it: no login, no session, no link.
    pub fn close(&mut self, now: Timestamp) {
        self.closed_at = Some(now);
        self.link = None;
        self.end_sessions();
    }

    /// Opens a closed one as if it were new: without password and second factor.
    pub fn reopen(&mut self) {
        self.closed_at = None;
        self.password = None;
        self.second = None;
        self.end_sessions();
    }
}

/// Without address, password and secret.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("role", &self.role)
            .field("epoch", &self.epoch)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn account() -> Account {
        let mail = Mail::parse("ana@example.org").unwrap();
        Account::new(Uuid::from_u128(7), mail, at(0))
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + hours * 3600).unwrap()
    }

    #[test]
    fn a_link_is_good_once_and_for_two_days() {
        let mut account = account();
        account.invite([1; 32], at(0));
        assert!(account.takes_link(&[1; 32], at(47)));
        assert!(!account.takes_link(&[1; 32], at(48)), "too late");
        assert!(!account.takes_link(&[2; 32], at(1)), "another one");
        account.invite([3; 32], at(1));
        assert!(!account.takes_link(&[1; 32], at(2)), "replaced");
        account.set_password("$argon2id$".into());
        assert!(!account.takes_link(&[3; 32], at(2)), "used");
    }

    #[test]
    fn a_closed_account_takes_no_link() {
        let mut account = account();
        account.close(at(0));
        account.invite([1; 32], at(0));
        assert!(!account.takes_link(&[1; 32], at(1)));
    }

    #[test]
    fn a_code_is_used_once_and_none_before_it() {
        let mut account = account();
        assert!(!account.use_step(5), "the factor is off");
        account.second = Some(SecondFactor {
            sealed: vec![],
            used_step: 5,
        });
        assert!(!account.use_step(4) && !account.use_step(5));
        assert!(account.use_step(6) && !account.use_step(6));
    }

    #[test]
    fn password_closing_and_reopening_end_every_session() {
        let mut account = account();
        let mut epochs = vec![account.epoch];
        account.set_password("$argon2id$".into());
        epochs.push(account.epoch);
        account.close(at(1));
        epochs.push(account.epoch);
        account.reopen();
        epochs.push(account.epoch);
        assert_eq!(epochs, [0, 1, 2, 3]);
        assert_eq!(account.password, None);
    }

    #[test]
    fn only_clerks_are_limited_to_places() {
        let mut account = account();
        let cali = Reach::of(vec!["Cali".into()]);
        account.assign(Role::Clerk, cali.clone());
        assert!(!account.reach.sees("Bogotá"));
        account.assign(Role::Admin, cali);
        assert!(account.reach.is_all());
    }

    #[test]
    fn nothing_personal_or_secret_shows_in_debug() {
        let mut account = account();
        account.set_password("$argon2id$v=19$secret".into());
        let shown = format!("{account:?}");
        assert!(
            !shown.contains("ana") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
