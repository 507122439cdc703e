//! A campaign: its questions and its period. Parsed from one TOML file, see [`file`].

mod answers;
mod ends;
mod file;
mod kind;
mod retention;
mod table;
mod tallies;
mod votes;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::campaign_id::CampaignId;
use super::consent;
use super::field::Field;
use super::lang::LocalizedText;
use super::tally::Tally;

pub use retention::Retention;
pub use table::CampaignFileError;
pub use votes::{Alias, CampaignKind};

/// A campaign: its questions and its period.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Unique id.
    pub id: CampaignId,
    /// Kind of records that it takes in.
    pub kind: CampaignKind,
    /// Whether this is the campaign at `/`.
    pub is_default: bool,
    /// Whether the start page leaves it out.
    pub is_unlisted: bool,
    /// Title of the page.
    pub title: LocalizedText,
    /// Text under the title.
    pub intro: LocalizedText,
    /// Text of the consent, if the campaign requires one.
    pub consent: Option<LocalizedText>,
    /// Start of the registration period.
    pub opens_at: Timestamp,
    /// End of the registration period, exclusive.
    pub closes_at: Timestamp,
    /// Time zone of the times shown to people.
    pub time_zone: TimeZone,
    /// Retention of answers and photos.
    pub retention: Retention,
    /// Highest number that a client may have to try, if the campaign requires a proof of work.
    pub proof_of_work: Option<u32>,
    /// Questions in order.
    pub fields: Vec<Field>,
    /// Counts of the answers; the first is the public chart.
    pub tallies: Vec<Tally>,
    /// Whether only programs with a token of the scope `votes` may vote.
    pub requires_token: bool,
    /// Paths of existing programs that send votes.
    pub aliases: Vec<Alias>,
}

/// Whether a campaign accepts registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignStatus {
    /// Before the start.
    Scheduled,
    /// Within the period.
    Open,
    /// After the end, or closed early.
    Ended,
}

impl Campaign {
    /// Returns whether it takes in votes.
    pub fn is_vote(&self) -> bool {
        self.kind == CampaignKind::Vote
    }

    /// Returns the field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the name of the time zone in the IANA database.
    pub fn zone_name(&self) -> &str {
        self.time_zone.iana_name().unwrap_or("UTC")
    }

    /// Returns the field of lists, reports and places of staff.
    ///
    /// # Panics
    /// Never: the parser rejects a campaign without one.
    pub fn tally_field(&self) -> &Field {
        let tallied = self.fields.iter().find(|field| field.tally);
        tallied.expect("the parser rejects a campaign without a tally field")
    }

    /// Returns the photo field, if any.
    pub fn photo_field(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_photo())
    }

    /// Returns the version of the current consent text, if consent is required. Derived from the text, so the two
    /// cannot diverge.
    pub fn consent_version(&self) -> Option<String> {
        self.consent.as_ref().map(consent::version)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const EXAMPLE: &str = include_str!("campaign/example.toml");

    pub(crate) fn example() -> Campaign {
        let list = |_: &str| Ok("name,region\nBogotá,Bogotá D.C.\nMedellín,Antioquia\n".to_owned());
        Campaign::parse(EXAMPLE, list).unwrap()
    }

    #[test]
    fn it_opens_and_closes() {
        let campaign = example();
        let millisecond = jiff::SignedDuration::from_millis(1);
        assert_eq!(
            campaign.status(None, campaign.opens_at - millisecond),
            CampaignStatus::Scheduled
        );
        assert_eq!(
            campaign.status(None, campaign.opens_at),
            CampaignStatus::Open
        );
        assert_eq!(
            campaign.status(None, campaign.closes_at),
            CampaignStatus::Ended
        );
    }
}
