//! End of a campaign, and expiry of its data.

use jiff::{SignedDuration, Timestamp};

use super::{Campaign, CampaignStatus};
use crate::early_closure::EarlyClosure;

impl Campaign {
    /// Returns the status at `now`. A closed campaign has ended on every instance, whatever its clock says.
    pub fn status(&self, closure: Option<&EarlyClosure>, now: Timestamp) -> CampaignStatus {
        if closure.is_some() || now >= self.closes_at {
            CampaignStatus::Ended
        } else if now < self.opens_at {
            CampaignStatus::Scheduled
        } else {
            CampaignStatus::Open
        }
    }

    /// Returns the end of the registration period: the earlier of the closure and `closes_at`.
    pub fn effective_closes_at(&self, closure: Option<&EarlyClosure>) -> Timestamp {
        closure.map_or(self.closes_at, |closing| closing.at.min(self.closes_at))
    }

    /// Returns when all registrations expire.
    pub fn answers_expire_at(&self) -> Option<Timestamp> {
        self.expiry_after(self.retention.answers_days)
    }

    /// Returns when all photos expire: at the latest with the answers. Applies also if the campaign no longer has a
    /// photo field.
    pub fn photos_expire_at(&self) -> Option<Timestamp> {
        let photos = self.expiry_after(self.retention.photos_days);
        photos.or_else(|| self.answers_expire_at())
    }

    fn expiry_after(&self, days: Option<u16>) -> Option<Timestamp> {
        let period = SignedDuration::from_hours(24 * i64::from(days?));
        let expiry = self.closes_at.saturating_add(period);
        Some(expiry.unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Retention;
    use crate::campaign::tests::example;

    #[test]
    fn what_was_closed_is_over_and_says_since_when() {
        let campaign = example();
        let hour = jiff::SignedDuration::from_hours(1);
        let now = campaign.opens_at + hour;
        let closing = EarlyClosure::new("account:1", " Ya no  hay dosis ", now).unwrap();
        assert_eq!(closing.reason, "Ya no hay dosis");
        assert_eq!(campaign.status(None, now), CampaignStatus::Open);
        for at in [now - hour - hour, now - hour, now, campaign.closes_at] {
            assert_eq!(campaign.status(Some(&closing), at), CampaignStatus::Ended);
        }
        assert_eq!(campaign.effective_closes_at(Some(&closing)), now);
        assert_eq!(campaign.effective_closes_at(None), campaign.closes_at);
        let late = EarlyClosure::new("account:1", "tarde", campaign.closes_at + hour).unwrap();
        assert_eq!(
            campaign.effective_closes_at(Some(&late)),
            campaign.closes_at
        );
    }

    #[test]
    fn days_are_counted_from_the_end_of_the_campaign() {
        let mut campaign = example();
        assert_eq!(
            (campaign.answers_expire_at(), campaign.photos_expire_at()),
            (None, None)
        );
        campaign.retention = Retention {
            answers_days: Some(365),
            photos_days: Some(30),
        };
        let day = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(campaign.answers_expire_at(), day("2028-11-29T23:00:00Z"));
        assert_eq!(campaign.photos_expire_at(), day("2027-12-30T23:00:00Z"));
    }

    #[test]
    fn photos_end_too_when_they_are_no_longer_asked_for() {
        let mut campaign = example();
        campaign.fields.retain(|field| !field.is_photo());
        campaign.retention.photos_days = Some(30);
        let end = "2027-12-30T23:00:00Z".parse().unwrap();
        assert_eq!(campaign.photos_expire_at(), Some(end));
    }

    #[test]
    fn no_photo_outlives_its_registration() {
        let mut campaign = example();
        campaign.retention.answers_days = Some(1);
        assert_eq!(campaign.photos_expire_at(), campaign.answers_expire_at());
    }
}
