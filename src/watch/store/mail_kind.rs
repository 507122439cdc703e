//! What a mail tells.

/// What a mail tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// Something is down.
    Raised,
    /// It is still down.
    Reminder,
    /// It is back.
    Resolved,
}

impl MailKind {
    /// As the ledger and metrics write it.
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
