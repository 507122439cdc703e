//! What each role may do: one table, asked before anything is shown or changed.

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees totals and chart.
    Viewer,
    /// Finds, sees, corrects and reports registrations, of some places or of all.
    Clerk,
    /// Also accounts, deletion, audit and the end of a campaign.
    Admin,
}

/// One thing that somebody may or may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See totals and chart.
    Totals,
    /// Search registrations.
    Search,
    /// See one registration.
    See,
    /// See the photo of one registration; reports lead to it.
    Photo,
    /// Correct a registration.
    Correct,
    /// Get lists as files.
    Report,
    /// Delete a registration.
    Delete,
    /// Add, change and close accounts and tokens.
    Accounts,
    /// Read who looked at what.
    Audit,
    /// End a campaign.
    Close,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Clerk, Self::Admin];

    /// Reads its [`name`](Self::name).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// The word in commands, forms and the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Clerk => "clerk",
            Self::Admin => "admin",
        }
    }

    /// Whether somebody of this role may do that. The least role that may is the rule: each may all that a lesser may.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::Totals => Self::Viewer,
            Permission::Search
            | Permission::See
            | Permission::Photo
            | Permission::Correct
            | Permission::Report => Self::Clerk,
            Permission::Delete | Permission::Accounts | Permission::Audit | Permission::Close => {
                Self::Admin
            }
        };
        self >= least
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_design_says() {
        use Permission::{
            Accounts, Audit, Close, Correct, Delete, Photo, Report, Search, See, Totals,
        };
        let may = |role: Role| {
            let all = [
                Totals, Search, See, Photo, Correct, Report, Delete, Accounts, Audit, Close,
            ];
            all.into_iter()
                .filter(|permission| role.may(*permission))
                .collect::<Vec<_>>()
        };
        assert_eq!(may(Role::Viewer), [Totals]);
        assert_eq!(
            may(Role::Clerk),
            [Totals, Search, See, Photo, Correct, Report]
        );
        assert_eq!(may(Role::Admin).len(), 10);
    }

    #[test]
    fn a_role_is_read_by_its_name_alone() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
