//! Signed time at which a form was shown. It is submitted with the form, to any instance, and shows how long filling it
//! in took.

use jiff::{SignedDuration, Timestamp};

use crate::key::{DerivedKey, InstallationSecret};
use jornada_domain::CampaignId;

/// Minimum time that a person needs to read the form, choose a photo and agree.
const MIN_AGE: SignedDuration = SignedDuration::from_secs(3);
/// Maximum age of a form.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);
/// Maximum difference between the clocks of two instances.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Signs and verifies form timestamps.
#[derive(Debug)]
pub struct FormTimestamps(DerivedKey);

/// Reason why a form timestamp is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampError {
    /// The form was shown less than three seconds ago. Contains the remaining time.
    TooFast(SignedDuration),
    /// The signature is wrong, the campaign is another one, or the form is older than a day.
    Invalid,
}

impl FormTimestamps {
    /// Derives the signing key from the secret of the installation.
    pub fn new(secret: &InstallationSecret) -> Self {
        Self(DerivedKey::derive(secret, "forms: when they were shown"))
    }

    /// Returns the timestamp of a form of this campaign: milliseconds since the epoch, a dot, the signature.
    pub fn sign(&self, campaign: &CampaignId, now: Timestamp) -> String {
        let millis = now.as_millisecond().to_string();
        let signature = self.0.sign(&[campaign.as_str(), &millis]);
        format!("{millis}.{signature}")
    }

    /// Verifies that a form with this timestamp may be sent at `now`.
    pub fn verify(
        &self,
        campaign: &CampaignId,
        timestamp: &str,
        now: Timestamp,
    ) -> Result<(), TimestampError> {
        let (millis, signature) = timestamp.split_once('.').ok_or(TimestampError::Invalid)?;
        if !self.0.verify(&[campaign.as_str(), millis], signature) {
            return Err(TimestampError::Invalid);
        }
        let shown_at = millis.parse().ok();
        let shown_at = shown_at.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let age = now.duration_since(shown_at.ok_or(TimestampError::Invalid)?);
        if age > MAX_AGE || age < -MAX_CLOCK_SKEW {
            Err(TimestampError::Invalid)
        } else if age < MIN_AGE {
            Err(TimestampError::TooFast(
                MIN_AGE - age.max(SignedDuration::ZERO),
            ))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TimestampError::{Invalid, TooFast};
    use super::*;
    use crate::key::tests::secret;

    #[test]
    fn a_form_is_accepted_from_three_seconds_to_a_day() {
        let (one, other) = (
            FormTimestamps::new(&secret(&"a".repeat(32))),
            FormTimestamps::new(&secret(&"b".repeat(32))),
        );
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let shown_at: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let timestamp = one.sign(&campaign, shown_at);
        let verify = |seconds| {
            let now = shown_at + SignedDuration::from_secs(seconds);
            one.verify(&campaign, &timestamp, now)
        };
        assert_eq!(verify(0), Err(TooFast(MIN_AGE)));
        assert_eq!(verify(2), Err(TooFast(SignedDuration::from_secs(1))));
        assert_eq!(verify(-30), Err(TooFast(MIN_AGE)), "another clock");
        assert_eq!((verify(3), verify(86_400)), (Ok(()), Ok(())));
        assert_eq!((verify(86_401), verify(-61)), (Err(Invalid), Err(Invalid)));
        let later = shown_at + MIN_AGE;
        let elsewhere = CampaignId::parse("otra").unwrap();
        assert_eq!(one.verify(&elsewhere, &timestamp, later), Err(Invalid));
        assert_eq!(other.verify(&campaign, &timestamp, later), Err(Invalid));
        for wrong in ["", ".", "1.2", &timestamp[1..], "x.é"] {
            let verified = one.verify(&campaign, wrong, later);
            assert_eq!(verified, Err(Invalid), "{wrong}");
        }
    }
}
