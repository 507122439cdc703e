//! A campaign: its questions and its period. Parsed from one TOML file, see [`file`].

mod file;
mod keep;
mod kind;
mod table;

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::answers::Answers;
use super::field::{Field, Kind};
use super::lang::Localized;
use super::registration::{IdempotencyKey, UniqueKey};
use super::retention::Retention;
use super::text;

pub use table::Mistake;

/// Id of a campaign in URLs, keys and labels: `[a-z0-9-]`, 1 to 40 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CampaignId(String);

impl CampaignId {
    /// Parses an id. Returns `None` for any other format.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ((1..=40).contains(&raw.len()) && raw.bytes().all(known)).then(|| Self(raw.to_owned()))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CampaignId {
    type Error = &'static str;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        Self::parse(&raw).ok_or("not the id of a campaign")
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A campaign: its questions and its period.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Unique id.
    pub id: CampaignId,
    /// Whether this is the campaign at `/`.
    pub is_default: bool,
    /// Title of the page.
    pub title: Localized,
    /// Text under the title.
    pub intro: Localized,
    /// Text of the consent, if the campaign requires one.
    pub consent: Option<Localized>,
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
}

/// Whether a campaign accepts registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Before the start.
    NotYet,
    /// Within the period.
    Open,
    /// After the end, or closed early.
    Over,
}

impl Campaign {
    /// Returns the status at `now` by the campaign file alone.
    #[must_use]
    pub fn opening(&self, now: Timestamp) -> Opening {
        if now < self.opens_at {
            Opening::NotYet
        } else if now < self.closes_at {
            Opening::Open
        } else {
            Opening::Over
        }
    }

    /// Returns the field with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the field by which totals are counted.
    ///
    /// # Panics
    /// Never: the parser rejects a campaign without one.
    #[must_use]
    pub fn tallied(&self) -> &Field {
        let tallied = self.fields.iter().find(|field| field.tally);
        tallied.expect("the parser rejects a campaign without a tally field")
    }

    /// Returns the photo field, if any.
    #[must_use]
    pub fn photo(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_photo())
    }

    /// Returns the value under which these answers are counted, empty if the tally field has no answer.
    #[must_use]
    pub fn value(&self, answers: &Answers) -> String {
        let place = self.fields.iter().position(|field| field.tally);
        place
            .and_then(|place| answers.get(place))
            .map(|answer| self.tallied().group(answer))
            .unwrap_or_default()
    }

    /// Returns the answer to the unique field, if given.
    #[must_use]
    pub fn unique_answer<'a>(&self, answers: &'a Answers) -> Option<&'a str> {
        let place = self.fields.iter().position(|field| field.unique)?;
        answers.get(place)
    }

    /// Returns the folded answer to the first personal text field, by which the staff search.
    #[must_use]
    pub fn searched_name(&self, answers: &Answers) -> Option<String> {
        let is_name = |field: &Field| field.personal && matches!(field.kind, Kind::Text { .. });
        let place = self.fields.iter().position(is_name)?;
        answers.get(place).map(text::fold)
    }

    /// Returns what identifies the registration: the unique answer if given, else the request's idempotency key.
    #[must_use]
    pub fn unique_key(&self, answers: &Answers, key: IdempotencyKey) -> UniqueKey {
        match self.unique_answer(answers) {
            Some(answer) => UniqueKey::Answer(answer.to_owned()),
            None => UniqueKey::Request(key),
        }
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
            campaign.opening(campaign.opens_at - millisecond),
            Opening::NotYet
        );
        assert_eq!(campaign.opening(campaign.opens_at), Opening::Open);
        assert_eq!(campaign.opening(campaign.closes_at), Opening::Over);
    }
}
