//! Early closure of a campaign by an administrator.

use jiff::{Timestamp, Unit};

use super::refusal::Refusal;
use super::text;

/// Minimum length of a reason, in characters.
const MIN_REASON: usize = 4;
/// Maximum length of a reason, in characters.
pub const MAX_REASON: usize = 300;

/// Early closure of a campaign, in force until the campaign is reopened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Time of the closure (millisecond precision).
    pub at: Timestamp,
    /// Actor, as named in the audit log.
    pub by: String,
    /// Reason, shown to the staff only.
    pub reason: String,
}

impl Closing {
    /// Closes a campaign at `now`. Fails if the reason is invalid.
    pub fn order(by: &str, reason: &str, now: Timestamp) -> Result<Self, Refusal> {
        Ok(Self {
            // Precision of every store.
            at: now.round(Unit::Millisecond).unwrap_or(now),
            by: by.to_owned(),
            reason: read_reason(reason)?,
        })
    }
}

/// Validates the reason for closing or reopening a campaign.
pub fn read_reason(typed: &str) -> Result<String, Refusal> {
    let reason = text::normalise(typed)?;
    match reason.chars().count() {
        0 => Err(Refusal::Missing),
        letters if letters < MIN_REASON => Err(Refusal::TooShort { min: MIN_REASON }),
        letters if letters > MAX_REASON => Err(Refusal::TooLong { max: MAX_REASON }),
        _ => Ok(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_a_reason_that_says_something() {
        for (reason, refusal) in [
            ("", Refusal::Missing),
            ("  ", Refusal::Missing),
            ("fin", Refusal::TooShort { min: 4 }),
            ("fin\u{7}al", Refusal::ControlCharacter),
        ] {
            assert_eq!(read_reason(reason), Err(refusal), "{reason:?}");
        }
        assert!(read_reason(&"á".repeat(300)).is_ok());
        assert!(read_reason(&"á".repeat(301)).is_err());
    }
}
