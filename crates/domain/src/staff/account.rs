//! A staff account. Every change is a pure step from one state to the next; the store applies it only if the account
//! has not changed meanwhile (`version`), so that no link or code can be used twice.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{EmailAddress, Permission, PlaceScope, Role};

/// Lifetime of a password link.
pub const PASSWORD_LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(48);

/// A staff account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Permanent id; may appear in logs.
    pub id: Uuid,
    /// Address, unique among all accounts.
    pub email: EmailAddress,
    /// Role.
    pub role: Role,
    /// Places whose registrations a clerk may see.
    pub place_scope: PlaceScope,
    /// Argon2id hash in PHC format; `None` until the first link is used.
    pub password: Option<String>,
    /// Second factor, if enabled.
    pub second_factor: Option<SecondFactor>,
    /// Current link to set a password.
    pub password_link: Option<PasswordLink>,
    /// Session epoch. Sessions of another epoch are invalid.
    pub epoch: u64,
    /// Time of closing.
    pub closed_at: Option<Timestamp>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Number of changes, for optimistic locking in the store.
    pub version: u64,
}

/// A TOTP secret and the last used code.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// TOTP secret, encrypted under the installation's secret.
    pub encrypted_secret: Vec<u8>,
    /// Time step (30 s) of the last used code; only later ones are accepted (RFC 6238, 5.2).
    pub last_used_step: u64,
}

/// One-time link to set a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordLink {
    /// SHA-256 of the token in the link.
    pub hash: [u8; 32],
    /// Time of expiry.
    pub expires_at: Timestamp,
}

impl Account {
    /// Creates an account without a password; it needs a link to set one.
    pub fn new(id: Uuid, email: EmailAddress, now: Timestamp) -> Self {
        Self {
            id,
            email,
            role: Role::Viewer,
            place_scope: PlaceScope::all(),
            password: None,
            second_factor: None,
            password_link: None,
            epoch: 0,
            closed_at: None,
            created_at: now,
            version: 0,
        }
    }

    /// Returns whether the account is open.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Returns whether the account is open and its role has the permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.is_open() && self.role.may(permission)
    }

    /// Sets role and place scope. Only clerks can be limited to places.
    pub fn assign_role(&mut self, role: Role, place_scope: PlaceScope) {
        self.role = role;
        self.place_scope = match role {
            Role::Clerk => place_scope,
            Role::Viewer | Role::Admin => PlaceScope::all(),
        };
    }

    /// Sets a new link, which replaces the previous one. The password stays valid until the link is used.
    pub fn set_password_link(&mut self, hash: [u8; 32], now: Timestamp) {
        let expires_at = now + PASSWORD_LINK_LIFETIME;
        self.password_link = Some(PasswordLink { hash, expires_at });
    }

    /// Returns whether the link with this hash may set the password now.
    #[must_use]
    pub fn accepts_link(&self, hash: &[u8; 32], now: Timestamp) -> bool {
        let is_good = |link: &PasswordLink| link.hash == *hash && now < link.expires_at;
        self.is_open() && self.password_link.as_ref().is_some_and(is_good)
    }

    /// Sets a password; invalidates every session and the link.
    pub fn set_password(&mut self, phc: String) {
        self.password = Some(phc);
        self.password_link = None;
        self.end_sessions();
    }

    /// Marks the time step of a code as used. Returns false if it, or a later one, was used before.
    #[must_use]
    pub fn consume_step(&mut self, step: u64) -> bool {
        match &mut self.second_factor {
            Some(second) if step > second.last_used_step => {
                second.last_used_step = step;
                true
            }
            _ => false,
        }
    }

    /// Returns whether the account is open and its sessions are those of `at_login`, not ended since then.
    pub fn is_unchanged_since(&self, at_login: &Self) -> bool {
        self.is_open() && self.epoch == at_login.epoch
    }

    /// Ends every session, on every instance.
    pub fn end_sessions(&mut self) {
        self.epoch += 1;
    }

    /// Closes the account; invalidates every session and the link.
    pub fn close(&mut self, now: Timestamp) {
        self.closed_at = Some(now);
        self.password_link = None;
        self.end_sessions();
    }

    /// Reopens a closed account without password and second factor.
    pub fn reopen(&mut self) {
        self.closed_at = None;
        self.password = None;
        self.second_factor = None;
        self.end_sessions();
    }
}

/// Omits address, password and secret.
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
        let mail = EmailAddress::parse("ana@example.org").unwrap();
        Account::new(Uuid::from_u128(7), mail, at(0))
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + hours * 3600).unwrap()
    }

    #[test]
    fn a_link_is_good_once_and_for_two_days() {
        let mut account = account();
        account.set_password_link([1; 32], at(0));
        assert!(account.accepts_link(&[1; 32], at(47)));
        assert!(!account.accepts_link(&[1; 32], at(48)), "too late");
        assert!(!account.accepts_link(&[2; 32], at(1)), "another one");
        account.set_password_link([3; 32], at(1));
        assert!(!account.accepts_link(&[1; 32], at(2)), "replaced");
        account.set_password("$argon2id$".into());
        assert!(!account.accepts_link(&[3; 32], at(2)), "used");
    }

    #[test]
    fn a_closed_account_takes_no_link() {
        let mut account = account();
        account.close(at(0));
        account.set_password_link([1; 32], at(0));
        assert!(!account.accepts_link(&[1; 32], at(1)));
    }

    #[test]
    fn a_code_is_used_once_and_none_before_it() {
        let mut account = account();
        assert!(!account.consume_step(5), "the factor is off");
        account.second_factor = Some(SecondFactor {
            encrypted_secret: vec![],
            last_used_step: 5,
        });
        assert!(!account.consume_step(4) && !account.consume_step(5));
        assert!(account.consume_step(6) && !account.consume_step(6));
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
        let cali = PlaceScope::new(vec!["Cali".into()]);
        account.assign_role(Role::Clerk, cali.clone());
        assert!(!account.place_scope.includes("Bogotá"));
        account.assign_role(Role::Admin, cali);
        assert!(account.place_scope.is_all());
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
