//! The end of a campaign before its time, as an administrator ordered it.

use jiff::{Timestamp, Unit};

use super::campaign::{Campaign, Opening};
use super::refusal::Refusal;
use super::text;

/// Least letters of a reason.
const MIN_REASON: usize = 4;
/// Most letters of a reason.
pub const MAX_REASON: usize = 300;

/// That a campaign was closed, until it is opened again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// By whom, as entries of the audit name them.
    pub by: String,
    /// Why; for the staff.
    pub reason: String,
}

impl Closing {
    /// Closes now, for a reason.
    ///
    /// # Errors
    /// What is wrong with the reason.
    pub fn order(by: &str, reason: &str, now: Timestamp) -> Result<Self, Refusal> {
        Ok(Self {
            // What every store can keep.
            at: now.round(Unit::Millisecond).unwrap_or(now),
            by: by.to_owned(),
            reason: read_reason(reason)?,
        })
    }
}

/// Reads why a campaign is closed or opened again.
///
/// # Errors
/// What is wrong with it.
pub fn read_reason(typed: &str) -> Result<String, Refusal> {
    let reason = text::normalise(typed)?;
    match reason.chars().count() {
        0 => Err(Refusal::Missing),
        letters if letters < MIN_REASON => Err(Refusal::TooShort { min: MIN_REASON }),
        letters if letters > MAX_REASON => Err(Refusal::TooLong { max: MAX_REASON }),
        _ => Ok(reason),
    }
}

impl Campaign {
    /// Whether registrations are taken at `now`. What was closed is over on every instance, whatever its clock says.
    #[must_use]
    pub fn opening_under(&self, closing: Option<&Closing>, now: Timestamp) -> Opening {
        match closing {
            Some(_) => Opening::Over,
            None => self.opening(now),
        }
    }

    /// Until when registrations are taken: never later than the campaign file says.
    #[must_use]
    pub fn end_under(&self, closing: Option<&Closing>) -> Timestamp {
        closing.map_or(self.closes_at, |closing| closing.at.min(self.closes_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::tests::example;

    #[test]
    fn what_was_closed_is_over_and_says_since_when() {
        let campaign = example();
        let hour = jiff::SignedDuration::from_hours(1);
        let now = campaign.opens_at + hour;
        let closing = Closing::order("account:1", " Ya no  hay dosis ", now).unwrap();
        assert_eq!(closing.reason, "Ya no hay dosis");
        assert_eq!(campaign.opening_under(None, now), Opening::Open);
        for at in [now - hour - hour, now - hour, now, campaign.closes_at] {
            assert_eq!(campaign.opening_under(Some(&closing), at), Opening::Over);
        }
        assert_eq!(campaign.end_under(Some(&closing)), now);
        assert_eq!(campaign.end_under(None), campaign.closes_at);
        let late = Closing::order("account:1", "tarde", campaign.closes_at + hour).unwrap();
        assert_eq!(campaign.end_under(Some(&late)), campaign.closes_at);
    }

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
