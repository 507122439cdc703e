//! When a campaign ends, and when what it asked for expires.

use jiff::{SignedDuration, Timestamp};

use super::{Campaign, Opening};
use crate::domain::closing::Closing;

impl Campaign {
    /// Returns the status at `now`. A closed campaign has ended on every instance, whatever its clock says.
    #[must_use]
    pub fn opening_under(&self, closing: Option<&Closing>, now: Timestamp) -> Opening {
        match closing {
            Some(_) => Opening::Over,
            None => self.opening(now),
        }
    }

    /// Returns the end of the registration period: the earlier of the closure and `closes_at`.
    #[must_use]
    pub fn end_under(&self, closing: Option<&Closing>) -> Timestamp {
        closing.map_or(self.closes_at, |closing| closing.at.min(self.closes_at))
    }

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
    use crate::domain::retention::Retention;

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
