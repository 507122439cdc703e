//! API tokens of programs: named, limited to scopes and places, with optional expiry, revocable.

use jiff::Timestamp;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Permission, PlaceScope};

/// Use of a token. Its text is the name in commands, forms and the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Scope {
    /// Reports, and the photos that they link to.
    Report,
    /// Totals and chart.
    Chart,
    /// Sending votes.
    Votes,
    /// Reading single votes.
    #[strum(serialize = "votes:read")]
    ReadVotes,
}

/// Set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a scope of its own")]
pub struct Scopes {
    /// [`Scope::Report`].
    pub report: bool,
    /// [`Scope::Chart`].
    pub chart: bool,
    /// [`Scope::Votes`].
    pub votes: bool,
    /// [`Scope::ReadVotes`].
    pub read_votes: bool,
}

/// A stored API token, without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Name of the program or purpose.
    pub name: String,
    /// Scopes.
    pub scopes: Scopes,
    /// Places whose registrations it may read.
    pub place_scope: PlaceScope,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of expiry.
    pub expires_at: Option<Timestamp>,
    /// Time of revocation.
    pub revoked_at: Option<Timestamp>,
}

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self {
        report: true,
        chart: true,
        votes: true,
        read_votes: true,
    };

    /// Creates a set of these scopes.
    pub fn new(scopes: &[Scope]) -> Self {
        Self {
            report: scopes.contains(&Scope::Report),
            chart: scopes.contains(&Scope::Chart),
            votes: scopes.contains(&Scope::Votes),
            read_votes: scopes.contains(&Scope::ReadVotes),
        }
    }

    /// Parses the output of [`Self::to_text`]; ignores unknown names.
    pub fn parse(words: &str) -> Self {
        let scopes: Vec<_> = words.split(',').flat_map(str::parse).collect();
        Self::new(&scopes)
    }

    /// Returns the names separated by commas, as stored.
    pub fn to_text(self) -> String {
        let held = Scope::VARIANTS.iter().filter(|scope| self.has(**scope));
        held.map(<&str>::from).collect::<Vec<_>>().join(",")
    }

    fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Report => self.report,
            Scope::Chart => self.chart,
            Scope::Votes => self.votes,
            Scope::ReadVotes => self.read_votes,
        }
    }

    /// Returns whether one of the scopes has the permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::Totals => self.chart,
            Permission::Report | Permission::Photo => self.report,
            Permission::Vote => self.votes,
            Permission::ReadVotes => self.read_votes,
            Permission::Search
            | Permission::See
            | Permission::Correct
            | Permission::Delete
            | Permission::DeadLetters
            | Permission::Accounts
            | Permission::Audit
            | Permission::Close => false,
        }
    }
}

impl ApiToken {
    /// Returns whether the token is neither expired nor revoked.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_and_read_back() {
        for scopes in [
            Scopes::ALL,
            Scopes::new(&[Scope::Chart]),
            Scopes::new(&[Scope::Report]),
            Scopes::new(&[Scope::ReadVotes]),
            Scopes::new(&[]),
        ] {
            assert_eq!(Scopes::parse(&scopes.to_text()), scopes);
        }
        assert_eq!(Scopes::ALL.to_text(), "report,chart,votes,votes:read");
    }

    #[test]
    fn a_scope_allows_what_it_is_for_alone() {
        let chart = Scopes::new(&[Scope::Chart]);
        assert!(chart.may(Permission::Totals) && !chart.may(Permission::Report));
        let votes = Scopes::new(&[Scope::Votes]);
        assert!(votes.may(Permission::Vote) && !votes.may(Permission::ReadVotes));
        assert!(!Scopes::ALL.may(Permission::See) && !Scopes::ALL.may(Permission::Accounts));
    }

    #[test]
    fn it_ends_when_it_expires_or_is_revoked() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut token = ApiToken {
            hash: [1; 32],
            name: "tablero".into(),
            scopes: Scopes::ALL,
            place_scope: PlaceScope::all(),
            created_at: at(0),
            expires_at: Some(at(10)),
            revoked_at: None,
        };
        assert!(token.is_live(at(9)) && !token.is_live(at(10)));
        token.expires_at = None;
        assert!(token.is_live(at(10)));
        token.revoked_at = Some(at(11));
        assert!(!token.is_live(at(12)));
    }
}
