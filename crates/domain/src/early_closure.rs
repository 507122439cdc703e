//! Early closure of a campaign by an administrator.

use jiff::Timestamp;

use super::moment::truncate_to_ms;
use super::reason;
use super::validation_error::ValidationError;

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
            at: truncate_to_ms(now),
            by: by.to_owned(),
            reason: reason::parse(reason)?,
        })
    }
}
