//! Kind of a mail.

use strum::{AsRefStr, EnumString};

/// Kind of a mail. Its name in lower case is stored and logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr, EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum MailKind {
    /// Targets are down.
    Raised,
    /// Targets are still down.
    Reminder,
    /// Targets are back.
    Resolved,
    /// The mail server refuses a recipient; for the others.
    Refused,
}
