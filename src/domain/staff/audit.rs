//! Audit log of every access and every change: who, what, when, from where. Entries form a hash chain, so that none
//! can be changed, removed, inserted or moved unnoticed. Entries hold no personal data of registered people and no mail
//! address, only ids.

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

/// An event with its actor, time and origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Time in the precision of the store (milliseconds): the hash must be reproducible from stored data.
    pub at: Timestamp,
    /// Actor: `account:ID`, `token:NAME`, or a name of [`Doer`].
    pub who: String,
    /// Address of the client, if any.
    pub from: Option<IpAddr>,
    /// Request id, as in the logs.
    pub request_id: Option<String>,
    /// Event.
    pub deed: Deed,
}

/// An actor without account or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doer {
    /// A client that is not logged in.
    Nobody,
    /// An operator who runs commands on the machine.
    CommandLine,
    /// A background task.
    System,
}

/// An entry of the hash chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Sequence number, from 1.
    pub seq: u64,
    /// Record.
    pub note: Note,
    /// Hash of the previous entry; zeroes in the first.
    pub before: [u8; 32],
    /// MAC over all other fields, under a key of the installation.
    pub hash: [u8; 32],
}

/// The last entry of a chain. Stored elsewhere, it later proves that the chain was not truncated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Sequence number, also the number of entries.
    pub seq: u64,
    /// Hash of the entry.
    pub hash: [u8; 32],
}

impl Doer {
    /// All actors.
    pub const ALL: [Self; 3] = [Self::Nobody, Self::CommandLine, Self::System];

    /// Returns the name in entries.
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
    /// Creates a record of an event without a request.
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
    /// Returns the bytes to hash: every field with its length, so that no two entries have the same bytes.
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

    /// Returns this entry as the head of a chain.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

impl Head {
    /// The head of an empty chain.
    pub const NONE: Self = Self {
        seq: 0,
        hash: [0; 32],
    };

    /// Parses `SEQ:HASH`, as displayed.
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
