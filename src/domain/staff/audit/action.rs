//! What can be done, as a closed set: whatever is new needs a name and words here before it can be written down.

use crate::domain::Lang;

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Logged in.
    Login,
    /// Tried to, with a wrong address, password or code; or was wrong about their own password.
    LoginFailed,
    /// Tried so often that they must wait.
    LoginSlowed,
    /// Logged out.
    Logout,
    /// Set a password by a link.
    PasswordSet,
    /// Changed their own password.
    PasswordChanged,
    /// Switched their second factor on.
    SecondOn,
    /// Switched their second factor off.
    SecondOff,
    /// Ended one session.
    SessionEnded,
    /// Ended every session of an account.
    SessionsEnded,
    /// Added an account, or opened a closed one.
    AccountAdded,
    /// Changed role or places of an account.
    AccountChanged,
    /// Made a link to set a password.
    AccountLink,
    /// Closed an account.
    AccountClosed,
    /// Made a token for a program.
    TokenMade,
    /// Revoked one.
    TokenRevoked,
    /// Searched registrations.
    Search,
    /// Looked at one registration.
    Look,
    /// Looked at a photo.
    Photo,
    /// Printed one registration.
    Print,
    /// Corrected one.
    Correct,
    /// Deleted one.
    Delete,
    /// Asked for a list.
    Report,
    /// Got the file of a list.
    ReportFile,
    /// Closed a campaign.
    Close,
    /// Opened it again.
    Reopen,
    /// Read this record.
    AuditRead,
    /// Took it out as a file.
    AuditExport,
    /// Asked for what is not theirs to see.
    Refused,
    /// Took out all that is kept of one person.
    PersonExport,
    /// Erased photos whose time was over.
    PhotosErased,
    /// Swept away what was over.
    Sweep,
    /// Met a photo that is not the one that was kept.
    PhotoAltered,
    /// Met the file of a list that is not the one that was kept.
    ReportAltered,
    /// Cancelled a list that was being made.
    ReportCancelled,
}

impl Action {
    /// All of them, as lists offer them.
    pub const ALL: [Self; 35] = [
        Self::Login,
        Self::LoginFailed,
        Self::LoginSlowed,
        Self::Logout,
        Self::PasswordSet,
        Self::PasswordChanged,
        Self::SecondOn,
        Self::SecondOff,
        Self::SessionEnded,
        Self::SessionsEnded,
        Self::AccountAdded,
        Self::AccountChanged,
        Self::AccountLink,
        Self::AccountClosed,
        Self::TokenMade,
        Self::TokenRevoked,
        Self::Search,
        Self::Look,
        Self::Photo,
        Self::Print,
        Self::Correct,
        Self::Delete,
        Self::Report,
        Self::ReportFile,
        Self::Close,
        Self::Reopen,
        Self::AuditRead,
        Self::AuditExport,
        Self::Refused,
        Self::PersonExport,
        Self::PhotosErased,
        Self::Sweep,
        Self::PhotoAltered,
        Self::ReportAltered,
        Self::ReportCancelled,
    ];

    /// Reads its [`name`](Self::name).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The word in entries and files; it never changes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed => "login-failed",
            Self::LoginSlowed => "login-slowed",
            Self::Logout => "logout",
            Self::PasswordSet => "password-set",
            Self::PasswordChanged => "password-changed",
            Self::SecondOn => "second-on",
            Self::SecondOff => "second-off",
            Self::SessionEnded => "session-ended",
            Self::SessionsEnded => "sessions-ended",
            Self::AccountAdded => "account-added",
            Self::AccountChanged => "account-changed",
            Self::AccountLink => "account-link",
            Self::AccountClosed => "account-closed",
            Self::TokenMade => "token-made",
            Self::TokenRevoked => "token-revoked",
            Self::Search => "search",
            Self::Look => "look",
            Self::Photo => "photo",
            Self::Print => "print",
            Self::Correct => "correct",
            Self::Delete => "delete",
            Self::Report => "report",
            Self::ReportFile => "report-file",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::AuditRead => "audit-read",
            Self::AuditExport => "audit-export",
            Self::Refused => "refused",
            Self::PersonExport => "person-export",
            Self::PhotosErased => "photos-erased",
            Self::Sweep => "sweep",
            Self::PhotoAltered => "photo-altered",
            Self::ReportAltered => "report-altered",
            Self::ReportCancelled => "report-cancelled",
        }
    }

    /// The words on screens.
    #[must_use]
    pub fn words(self, lang: Lang) -> &'static str {
        let (es, en) = match self {
            Self::Login => ("Entró", "Logged in"),
            Self::LoginFailed => ("No pudo entrar", "Failed to log in"),
            Self::LoginSlowed => ("Debió esperar para entrar", "Had to wait to log in"),
            Self::Logout => ("Salió", "Logged out"),
            Self::PasswordSet => (
                "Puso una contraseña con un enlace",
                "Set a password by a link",
            ),
            Self::PasswordChanged => ("Cambió su contraseña", "Changed their password"),
            Self::SecondOn => ("Activó el segundo paso", "Switched the second step on"),
            Self::SecondOff => ("Desactivó el segundo paso", "Switched the second step off"),
            Self::SessionEnded => ("Cerró una sesión", "Ended a session"),
            Self::SessionsEnded => ("Cerró todas las sesiones", "Ended all sessions"),
            Self::AccountAdded => ("Agregó una cuenta", "Added an account"),
            Self::AccountChanged => ("Cambió una cuenta", "Changed an account"),
            Self::AccountLink => ("Creó un enlace de contraseña", "Made a password link"),
            Self::AccountClosed => ("Cerró una cuenta", "Closed an account"),
            Self::TokenMade => ("Creó una clave", "Made a token"),
            Self::TokenRevoked => ("Revocó una clave", "Revoked a token"),
            Self::Search => ("Buscó registros", "Searched registrations"),
            Self::Look => ("Vio un registro", "Looked at a registration"),
            Self::Photo => ("Vio una foto", "Looked at a photo"),
            Self::Print => ("Imprimió un registro", "Printed a registration"),
            Self::Correct => ("Corrigió un registro", "Corrected a registration"),
            Self::Delete => ("Borró un registro", "Deleted a registration"),
            Self::Report => ("Pidió una lista", "Asked for a list"),
            Self::ReportFile => ("Descargó una lista", "Downloaded a list"),
            Self::Close => ("Cerró una campaña", "Closed a campaign"),
            Self::Reopen => ("Reabrió una campaña", "Reopened a campaign"),
            Self::AuditRead => ("Leyó la auditoría", "Read the audit"),
            Self::AuditExport => ("Descargó la auditoría", "Downloaded the audit"),
            Self::Refused => (
                "Pidió algo que no le corresponde",
                "Asked for what is not theirs",
            ),
            Self::PersonExport => ("Sacó todo lo de una persona", "Took out all of one person"),
            Self::PhotosErased => ("Borró fotos vencidas", "Erased photos that were over"),
            Self::Sweep => ("Borró lo vencido", "Swept away what was over"),
            Self::PhotoAltered => ("Encontró una foto alterada", "Met an altered photo"),
            Self::ReportAltered => ("Encontró una lista alterada", "Met an altered list"),
            Self::ReportCancelled => ("Canceló una lista", "Cancelled a list"),
        };
        lang.pick(es, en)
    }
}
