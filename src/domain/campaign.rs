//! A campaign: what is asked, from when to when. Read from one TOML file, see [`file`].

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

/// The name of a campaign in addresses, keys and labels: `[a-z0-9-]`, 1 to 40 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CampaignId(String);

impl CampaignId {
    /// Reads an id; `None` when it has another shape.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ((1..=40).contains(&raw.len()) && raw.bytes().all(known)).then(|| Self(raw.to_owned()))
    }

    /// As text.
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

/// What is asked, from when to when.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Whether it is the one at `/`.
    pub is_default: bool,
    /// Its title.
    pub title: Localized,
    /// What stands under the title.
    pub intro: Localized,
    /// What the person agrees to, if anything.
    pub consent: Option<Localized>,
    /// From when registrations are taken.
    pub opens_at: Timestamp,
    /// Until when, exclusive.
    pub closes_at: Timestamp,
    /// The time zone in which people see times.
    pub time_zone: TimeZone,
    /// How long what was registered is kept.
    pub retention: Retention,
    /// Where every registration needs a proof of work: the highest number that may have to be tried.
    pub proof_of_work: Option<u32>,
    /// The questions in their order.
    pub fields: Vec<Field>,
}

/// Whether a campaign takes registrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Not yet.
    NotYet,
    /// Now.
    Open,
    /// No more.
    Over,
}

impl Campaign {
    /// Whether registrations are taken at `now`.
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

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field by which totals are made.
    ///
    /// # Panics
    /// Never: a campaign without one is not read.
    #[must_use]
    pub fn tallied(&self) -> &Field {
        let tallied = self.fields.iter().find(|field| field.tally);
        tallied.expect("a campaign file without a tallied field is refused")
    }

    /// The photo field, if there is one.
    #[must_use]
    pub fn photo(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_photo())
    }

    /// The value under which answers are counted; empty when the tallied field was left out.
    #[must_use]
    pub fn value(&self, answers: &Answers) -> String {
        let place = self.fields.iter().position(|field| field.tally);
        place
            .and_then(|place| answers.get(place))
            .map(|answer| self.tallied().group(answer))
            .unwrap_or_default()
    }

    /// The answer that no two registrations may share, if it was given.
    #[must_use]
    pub fn unique_answer<'a>(&self, answers: &'a Answers) -> Option<&'a str> {
        let place = self.fields.iter().position(|field| field.unique)?;
        answers.get(place)
    }

    /// The name by which the staff find a registration: its answer to the first personal line of text, folded.
    #[must_use]
    pub fn searched_name(&self, answers: &Answers) -> Option<String> {
        let is_name = |field: &Field| field.personal && matches!(field.kind, Kind::Text { .. });
        let place = self.fields.iter().position(is_name)?;
        answers.get(place).map(text::fold)
    }

    /// What makes these answers the same registration: the unique field if answered, else the request's key.
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
