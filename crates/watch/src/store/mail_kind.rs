//! Kind of a mail.

/// Kind of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// Targets are down.
    Raised,
    /// Targets are still down.
    Reminder,
    /// Targets are back.
    Resolved,
}

impl MailKind {
    /// Returns the name in the store and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        match text {
            "raised" => Self::Raised,
            "reminder" => Self::Reminder,
            _ => Self::Resolved,
        }
    }
}
