//! The record of every look and every change: who, what, when, from where. Entries form a chain: each holds the hash of
//! the one before it, so that none can be changed, taken out, put in or moved without a trace. Nothing personal of those
//! who registered stands in an entry, and no mail address: ids alone.

mod action;
mod deed;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::domain::CampaignId;
use crate::domain::moment::to_the_millisecond;

pub use action::Action;
pub use deed::{Deed, account, assigned, registration, token, token_made};

/// What is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// When, to the millisecond: a hash over more could not be made again from what is kept.
    pub at: Timestamp,
    /// Who: `account:ID`, `token:NAME`, or one of the names of [`Doer`].
    pub who: String,
    /// From where, where there is a client.
    pub from: Option<IpAddr>,
    /// The request, as log lines name it.
    pub request_id: Option<String>,
    /// What.
    pub deed: Deed,
}

/// Who does something without an account or a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doer {
    /// Somebody who is not logged in.
    Nobody,
    /// Whoever may run commands on the machine.
    CommandLine,
    /// The system by itself.
    System,
}

/// One entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 1 on.
    pub seq: u64,
    /// What it says.
    pub note: Note,
    /// The hash of the entry before it; zeroes in the first.
    pub before: [u8; 32],
    /// A MAC over all of this, under a key of the installation.
    pub hash: [u8; 32],
}

/// The last entry of a chain: noted elsewhere, it shows later that nothing was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its place; also how many entries there are.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Doer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nobody, Self::CommandLine, Self::System];

    /// The word in entries.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::CommandLine => "command-line",
            Self::System => "system",
        }
    }
}

impl Note {
    /// A note of something that happens without a request.
    #[must_use]
    pub fn by(doer: Doer, deed: Deed, now: Timestamp) -> Self {
        Self {
            at: to_the_millisecond(now),
            who: doer.name().to_owned(),
            from: None,
            request_id: None,
            deed,
        }
    }
}

impl Entry {
    /// What the hash is made of: every part, each behind its length, so that no two entries read the same.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        let Note {
            at,
            who,
            from,
            request_id,
            deed,
        } = &self.note;
        let from = from.map(|from| from.to_string());
        let mut content = Content(Vec::with_capacity(256));
        content.number(self.seq);
        content.bytes(&self.before);
        content.bytes(&at.as_millisecond().to_be_bytes());
        content.bytes(who.as_bytes());
        content.optional(from.as_deref());
        content.optional(request_id.as_deref());
        content.bytes(deed.action.name().as_bytes());
        content.optional(deed.campaign.as_ref().map(CampaignId::as_str));
        content.number(deed.subjects.len() as u64);
        for subject in &deed.subjects {
            content.bytes(subject.as_bytes());
        }
        content.number(deed.detail.len() as u64);
        for (name, text) in &deed.detail {
            content.bytes(name.as_bytes());
            content.bytes(text.as_bytes());
        }
        content.0
    }

    /// This entry as the end of a chain.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

impl Head {
    /// The head of a chain without entries.
    pub const NONE: Self = Self {
        seq: 0,
        hash: [0; 32],
    };

    /// Reads `SEQ:HASH`, as it is shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.trim().split_once(':')?;
        let hash = data_encoding::HEXLOWER_PERMISSIVE
            .decode(hash.as_bytes())
            .ok()?;
        Some(Self {
            seq: seq.parse().ok()?,
            hash: hash.try_into().ok()?,
        })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = data_encoding::HEXLOWER.encode(&self.hash);
        write!(f, "{}:{hash}", self.seq)
    }
}

struct Content(Vec<u8>);

impl Content {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        self.bytes(text.unwrap_or_default().as_bytes());
    }
}
