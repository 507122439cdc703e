//! How long answers and photos are kept: so many days after the campaign ends, the photos no longer than the answers.

use jiff::{SignedDuration, Timestamp};

use super::campaign::Campaign;

/// Most days that a campaign file may say: ten years.
pub const MAX_DAYS: usize = 3_653;

/// Days after the end of a campaign; without a number, until somebody erases it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Of whole registrations.
    pub answers_days: Option<u16>,
    /// Of their photos.
    pub photos_days: Option<u16>,
}

impl Campaign {
    /// From when on no registration is kept any more.
    #[must_use]
    pub fn answers_end(&self) -> Option<Timestamp> {
        self.end_after(self.retention.answers_days)
    }

    /// From when on no photo is kept any more: with the answers at the latest. Also of those that the campaign asked for
    /// once, and does no longer.
    #[must_use]
    pub fn photos_end(&self) -> Option<Timestamp> {
        let photos = self.end_after(self.retention.photos_days);
        photos.or_else(|| self.answers_end())
    }

    fn end_after(&self, days: Option<u16>) -> Option<Timestamp> {
        let kept = SignedDuration::from_hours(24 * i64::from(days?));
        Some(
            self.closes_at
                .saturating_add(kept)
                .unwrap_or(Timestamp::MAX),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::tests::example;

    #[test]
    fn days_are_counted_from_the_end_of_the_campaign() {
        let mut campaign = example();
        assert_eq!(
            (campaign.answers_end(), campaign.photos_end()),
            (None, None)
        );
        campaign.retention = Retention {
            answers_days: Some(365),
            photos_days: Some(30),
        };
        let day = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(campaign.answers_end(), day("2028-11-29T23:00:00Z"));
        assert_eq!(campaign.photos_end(), day("2027-12-30T23:00:00Z"));
    }

    #[test]
    fn photos_end_too_when_they_are_no_longer_asked_for() {
        let mut campaign = example();
        campaign.fields.retain(|field| !field.is_photo());
        campaign.retention.photos_days = Some(30);
        let end = "2027-12-30T23:00:00Z".parse().unwrap();
        assert_eq!(campaign.photos_end(), Some(end));
    }

    #[test]
    fn no_photo_outlives_its_registration() {
        let mut campaign = example();
        campaign.retention.answers_days = Some(1);
        assert_eq!(campaign.photos_end(), campaign.answers_end());
    }
}
