//! When a form was shown, signed: it comes back with the form, on whichever instance, and tells how long somebody took.

use jiff::{SignedDuration, Timestamp};

use crate::domain::CampaignId;
use crate::key::{Key, Secret};

/// Nobody reads a form, chooses a photo and agrees in less.
const LEAST: SignedDuration = SignedDuration::from_secs(3);
/// A form may lie open for a day.
const MOST: SignedDuration = SignedDuration::from_hours(24);
/// How far the clocks of two instances may lie apart.
const APART: SignedDuration = SignedDuration::from_secs(60);

/// Writes and reads the moments.
#[derive(Debug)]
pub struct Stamps(Key);

/// What is wrong with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Not long enough yet: how long still.
    Early(SignedDuration),
    /// Not one of ours, of another campaign, or too old.
    Strange,
}

impl Stamps {
    /// With the key of this installation.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self(Key::of(secret, "forms: when they were shown"))
    }

    /// The moment for a form of this campaign.
    #[must_use]
    pub fn write(&self, campaign: &CampaignId, now: Timestamp) -> String {
        let moment = now.as_millisecond().to_string();
        let signature = self.0.sign(&[campaign.as_str(), &moment]);
        format!("{moment}.{signature}")
    }

    /// Whether a form with this moment may be sent at `now`.
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn judge(&self, campaign: &CampaignId, stamp: &str, now: Timestamp) -> Result<(), Wrong> {
        let (moment, signature) = stamp.split_once('.').ok_or(Wrong::Strange)?;
        if !self.0.signed(&[campaign.as_str(), moment], signature) {
            return Err(Wrong::Strange);
        }
        let shown = moment.parse().ok();
        let shown = shown.and_then(|moment| Timestamp::from_millisecond(moment).ok());
        let age = now.duration_since(shown.ok_or(Wrong::Strange)?);
        if age > MOST || age < -APART {
            Err(Wrong::Strange)
        } else if age < LEAST {
            Err(Wrong::Early(LEAST - age.max(SignedDuration::ZERO)))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::secret;

    #[test]
    fn it_is_good_from_three_seconds_to_a_day() {
        let (one, other) = (
            Stamps::of(&secret(&"a".repeat(32))),
            Stamps::of(&secret(&"b".repeat(32))),
        );
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let shown: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let stamp = one.write(&campaign, shown);
        let judge = |seconds| {
            one.judge(
                &campaign,
                &stamp,
                shown + SignedDuration::from_secs(seconds),
            )
        };
        assert_eq!(judge(0), Err(Wrong::Early(LEAST)));
        assert_eq!(judge(2), Err(Wrong::Early(SignedDuration::from_secs(1))));
        assert_eq!(judge(-30), Err(Wrong::Early(LEAST)), "another clock");
        assert_eq!((judge(3), judge(86_400)), (Ok(()), Ok(())));
        assert_eq!(
            (judge(86_401), judge(-61)),
            (Err(Wrong::Strange), Err(Wrong::Strange))
        );
        let later = shown + LEAST;
        let elsewhere = CampaignId::parse("otra").unwrap();
        assert_eq!(one.judge(&elsewhere, &stamp, later), Err(Wrong::Strange));
        assert_eq!(other.judge(&campaign, &stamp, later), Err(Wrong::Strange));
        for wrong in ["", ".", "1.2", &stamp[1..], "x.é"] {
            assert_eq!(
                one.judge(&campaign, wrong, later),
                Err(Wrong::Strange),
                "{wrong}"
            );
        }
    }
}
