//! Early closure of a campaign by an administrator.

use jiff::{Timestamp, Unit};

use super::text;
use super::validation_error::ValidationError;

/// Minimum length of a reason, in characters.
const MIN_REASON: usize = 4;
/// Maximum length of a reason, in characters.
pub const MAX_REASON: usize = 300;

/// Early closure of a campaign, in force until the campaign is reopened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyClosure {
    /// Time of the closure (millisecond precision).
    pub at: Timestamp,
    /// Actor, as named in the audit log.
    pub by: String,
    /// Reason, shown to the staff only.
    pub reason: String,
}

impl EarlyClosure {
    /// Closes a campaign at `now`. Fails if the reason is invalid.
    pub fn new(by: &str, reason: &str, now: Timestamp) -> Result<Self, ValidationError> {
        Ok(Self {
            // Precision of every store.
            at: now.round(Unit::Millisecond).unwrap_or(now),
            by: by.to_owned(),
            reason: parse_reason(reason)?,
        })
    }
}

/// Validates the reason for closing or reopening a campaign.
pub fn parse_reason(typed: &str) -> Result<String, ValidationError> {
    let reason = text::normalise(typed)?;
    match reason.chars().count() {
        0 => Err(ValidationError::Missing),
        letters if letters < MIN_REASON => Err(ValidationError::TooShort { min: MIN_REASON }),
        letters if letters > MAX_REASON => Err(ValidationError::TooLong { max: MAX_REASON }),
        _ => Ok(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_a_reason_that_says_something() {
        for (reason, refusal) in [
            ("", ValidationError::Missing),
            ("  ", ValidationError::Missing),
            ("fin", ValidationError::TooShort { min: 4 }),
            ("fin\u{7}al", ValidationError::ControlCharacter),
        ] {
            assert_eq!(parse_reason(reason), Err(refusal), "{reason:?}");
        }
        assert!(parse_reason(&"á".repeat(300)).is_ok());
        assert!(parse_reason(&"á".repeat(301)).is_err());
    }
}
