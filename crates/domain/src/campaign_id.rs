//! Ids of campaigns.

use derive_more::Display;
use serde::{Deserialize, Serialize};

/// Id of a campaign in URLs, keys and labels: `[a-z0-9-]`, 1 to 40 characters.
#[derive(Clone, Debug, Display, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CampaignId(String);

impl CampaignId {
    /// Parses an id. Returns `None` for any other format.
    pub fn parse(raw: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ((1..=40).contains(&raw.len()) && raw.bytes().all(known)).then(|| Self(raw.to_owned()))
    }

    /// Returns the id as text.
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
