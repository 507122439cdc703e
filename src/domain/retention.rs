//! Retention periods of answers and photos, in days after the end of the campaign.

use jiff::{SignedDuration, Timestamp};

use super::campaign::Campaign;

/// Maximum retention period in days: ten years.
pub const MAX_DAYS: usize = 3_653;

/// Retention periods in days after the end of a campaign. Without a number, data stay until somebody deletes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Retention of complete registrations.
    pub answers_days: Option<u16>,
    /// Retention of photos, never longer than that of the answers.
    pub photos_days: Option<u16>,
}

impl Campaign {
    /// Returns when all registrations expire.
    #[must_use]
    pub fn answers_end(&self) -> Option<Timestamp> {
        self.end_after(self.retention.answers_days)
    }

    /// Returns when all photos expire: at the latest with the answers. Applies also if the campaign no longer has a
    /// photo field.
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
