//! The closed set of audited actions. A new action needs a permanent name and a text.

/// An audited action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuditAction {
    /// Logged in.
    Login,
    /// Failed to log in or to confirm their own password: wrong address, password or code.
    LoginFailed,
    /// Exceeded the rate limit of login attempts.
    LoginRateLimited,
    /// Logged out.
    Logout,
    /// Set a password by a link.
    PasswordSet,
    /// Changed their own password.
    PasswordChanged,
    /// Enabled their second factor.
    SecondFactorEnabled,
    /// Disabled their second factor.
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
    ViewRegistration,
    /// Viewed a photo.
    ViewPhoto,
    /// Printed a registration.
    Print,
    /// Corrected a registration.
    Correct,
    /// Deleted a registration.
    Delete,
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
}

impl AuditAction {
    /// All actions, in display order.
    pub const ALL: [Self; 35] = [
        Self::Login,
        Self::LoginFailed,
        Self::LoginRateLimited,
        Self::Logout,
        Self::PasswordSet,
        Self::PasswordChanged,
        Self::SecondFactorEnabled,
        Self::SecondFactorDisabled,
        Self::SessionEnded,
        Self::SessionsEnded,
        Self::AccountAdded,
        Self::AccountChanged,
        Self::AccountLink,
        Self::AccountClosed,
        Self::TokenMade,
        Self::TokenRevoked,
        Self::Search,
        Self::ViewRegistration,
        Self::ViewPhoto,
        Self::Print,
        Self::Correct,
        Self::Delete,
        Self::Report,
        Self::ReportFile,
        Self::Close,
        Self::Reopen,
        Self::AuditRead,
        Self::AuditExport,
        Self::AccessDenied,
        Self::PersonExport,
        Self::PhotosErased,
        Self::Sweep,
        Self::PhotoAltered,
        Self::ReportAltered,
        Self::ReportCancelled,
    ];

    /// Parses a [`name`](Self::name).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Returns the permanent name in entries and exports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed => "login-failed",
            Self::LoginRateLimited => "login-slowed",
            Self::Logout => "logout",
            Self::PasswordSet => "password-set",
            Self::PasswordChanged => "password-changed",
            Self::SecondFactorEnabled => "second-on",
            Self::SecondFactorDisabled => "second-off",
            Self::SessionEnded => "session-ended",
            Self::SessionsEnded => "sessions-ended",
            Self::AccountAdded => "account-added",
            Self::AccountChanged => "account-changed",
            Self::AccountLink => "account-link",
            Self::AccountClosed => "account-closed",
            Self::TokenMade => "token-made",
            Self::TokenRevoked => "token-revoked",
            Self::Search => "search",
            Self::ViewRegistration => "look",
            Self::ViewPhoto => "photo",
            Self::Print => "print",
            Self::Correct => "correct",
            Self::Delete => "delete",
            Self::Report => "report",
            Self::ReportFile => "report-file",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::AuditRead => "audit-read",
            Self::AuditExport => "audit-export",
            Self::AccessDenied => "refused",
            Self::PersonExport => "person-export",
            Self::PhotosErased => "photos-erased",
            Self::Sweep => "sweep",
            Self::PhotoAltered => "photo-altered",
            Self::ReportAltered => "report-altered",
            Self::ReportCancelled => "report-cancelled",
        }
    }
}
