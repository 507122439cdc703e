//! The closed set of audited actions. A new action needs a permanent name and a text.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// An audited action. Displayed in the order of the variants; its text is the permanent name in entries and exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum AuditAction {
    /// Logged in.
    Login,
    /// Failed to log in or to confirm their own password: wrong address, password or code.
    LoginFailed,
    /// Exceeded the rate limit of login attempts.
    #[strum(serialize = "login-slowed")]
    LoginRateLimited,
    /// Logged out.
    Logout,
    /// Set a password by a link.
    PasswordSet,
    /// Changed their own password.
    PasswordChanged,
    /// Enabled their second factor.
    #[strum(serialize = "second-on")]
    SecondFactorEnabled,
    /// Disabled their second factor.
    #[strum(serialize = "second-off")]
    SecondFactorDisabled,
    /// Ended one session.
    SessionEnded,
    /// Ended all sessions of an account.
    SessionsEnded,
    /// Created an account, or reopened a closed one.
    AccountAdded,
    /// Changed role or places of an account.
    AccountChanged,
    /// Created a link to set a password.
    AccountLink,
    /// Closed an account.
    AccountClosed,
    /// Created an API token.
    TokenMade,
    /// Revoked an API token.
    TokenRevoked,
    /// Searched registrations.
    Search,
    /// Viewed a registration.
    #[strum(serialize = "look")]
    ViewRegistration,
    /// Viewed a photo.
    #[strum(serialize = "photo")]
    ViewPhoto,
    /// Printed a registration.
    Print,
    /// Corrected a registration.
    Correct,
    /// Deleted a registration.
    Delete,
    /// Freed the number of a deleted registration.
    Lift,
    /// Listed submissions that wait for a review.
    ReviewList,
    /// Compared a disputed submission with the registration that has its number.
    ReviewLook,
    /// Decided which of both is kept.
    ReviewDecided,
    /// Requested a report.
    Report,
    /// Downloaded the file of a report.
    ReportFile,
    /// Closed a campaign.
    Close,
    /// Reopened a campaign.
    Reopen,
    /// Read the audit log.
    AuditRead,
    /// Exported the audit log.
    AuditExport,
    /// Requested something without permission.
    #[strum(serialize = "refused")]
    AccessDenied,
    /// Exported the data of one person.
    PersonExport,
    /// Erased expired photos.
    PhotosErased,
    /// Deleted expired data.
    Sweep,
    /// Found an altered photo.
    PhotoAltered,
    /// Found an altered report file.
    ReportAltered,
    /// Cancelled a report.
    ReportCancelled,
    /// Exported all votes of a campaign.
    VotesExported,
    /// Imported votes from a file of results.
    VotesImported,
    /// Erased all votes of a campaign.
    VotesErased,
    /// Read single votes.
    VotesRead,
    /// Read dead letters.
    DeadLettersRead,
    /// Replayed dead letters.
    DeadLettersReplayed,
    /// Dropped dead letters.
    DeadLettersDropped,
    /// Copied all data into a backup.
    Backup,
    /// Replaced all data by a backup.
    Restore,
}
