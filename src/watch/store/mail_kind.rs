//! Kind of a mail.

use strum::{EnumString, IntoStaticStr};

/// Kind of a mail. Its text is the name in the store and in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum MailKind {
    /// Targets are down.
    Raised,
    /// Targets are still down.
    Reminder,
    /// Targets are back.
    Resolved,
}
