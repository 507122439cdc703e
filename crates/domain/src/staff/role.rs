//! Permissions of each role.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// Role of an account, in ascending order. Its text is the name in commands, forms and the store.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum Role {
    /// Sees totals and chart.
    #[strum(serialize = "viewer")]
    Viewer,
    /// Also searches, views, corrects and reports registrations, and reads single votes, of some places or all.
    #[strum(serialize = "clerk")]
    Clerk,
    /// Also deletes registrations, manages accounts and dead letters, reads the audit log and closes campaigns.
    #[strum(serialize = "admin")]
    Admin,
}

/// One permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See totals and chart.
    Totals,
    /// Search registrations.
    Search,
    /// View one registration.
    See,
    /// View the photo of one registration, also by the links in reports.
    Photo,
    /// Correct a registration.
    Correct,
    /// Request and download reports.
    Report,
    /// Delete a registration.
    Delete,
    /// Create, change and close accounts and tokens.
    Accounts,
    /// Read the audit log.
    Audit,
    /// Close and reopen campaigns.
    Close,
    /// Read single votes, and export them.
    ReadVotes,
    /// List, replay and drop dead letters.
    DeadLetters,
    /// Send votes as a program. No role has it.
    Vote,
}

impl Role {
    /// Returns whether the role has the permission. Each role includes the permissions of the lower ones.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        let minimum = match permission {
            Permission::Totals => Self::Viewer,
            Permission::Search
            | Permission::See
            | Permission::Photo
            | Permission::Correct
            | Permission::Report
            | Permission::ReadVotes => Self::Clerk,
            Permission::Delete
            | Permission::Accounts
            | Permission::Audit
            | Permission::Close
            | Permission::DeadLetters => Self::Admin,
            Permission::Vote => return false,
        };
        self >= minimum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_design_says() {
        use Permission::{
            Accounts, Audit, Close, Correct, DeadLetters, Delete, Photo, ReadVotes, Report, Search,
            See, Totals,
        };
        let may = |role: Role| {
            let all = [
                Totals,
                Search,
                See,
                Photo,
                Correct,
                Report,
                ReadVotes,
                Delete,
                Accounts,
                Audit,
                Close,
                DeadLetters,
            ];
            all.into_iter()
                .filter(|permission| role.may(*permission))
                .collect::<Vec<_>>()
        };
        assert_eq!(may(Role::Viewer), [Totals]);
        assert_eq!(
            may(Role::Clerk),
            [Totals, Search, See, Photo, Correct, Report, ReadVotes]
        );
        assert_eq!(may(Role::Admin).len(), 12);
    }

    #[test]
    fn a_role_is_read_by_its_name_alone() {
        for role in Role::VARIANTS {
            assert_eq!(role.to_string().parse(), Ok(*role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
