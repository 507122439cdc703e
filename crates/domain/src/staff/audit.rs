//! Audit log of every access and every change: who, what, when, from where. Entries form a hash chain, so that none
//! can be changed, removed, inserted or moved unnoticed. Entries hold no personal data of registered people and no mail
//! address, only ids.

mod action;
mod event;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::CampaignId;
use crate::moment::truncate_to_ms;
use crate::registration::hex_bytes;

pub use action::AuditAction;
pub use event::{
    AuditEvent, account_subject, dead_letter_subject, registration_subject, role_assigned,
    token_created, token_subject,
};

/// An event with its actor, time and origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Time in the precision of the store (milliseconds): the hash must be reproducible from stored data.
    pub at: Timestamp,
    /// Actor: `account:ID`, `token:NAME`, or a name of [`SystemActor`].
    pub actor: String,
    /// Address of the client, if any.
    pub client_ip: Option<IpAddr>,
    /// Request id, as in the logs.
    pub request_id: Option<String>,
    /// Event.
    pub event: AuditEvent,
}

/// An actor without account or token. Its text is the name in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantArray)]
pub enum SystemActor {
    /// A client that is not logged in.
    #[strum(serialize = "nobody")]
    Anonymous,
    /// An operator who runs commands on the machine.
    #[strum(serialize = "command-line")]
    CommandLine,
    /// A background task.
    #[strum(serialize = "system")]
    System,
}

/// An entry of the hash chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEntry {
    /// Sequence number, from 1.
    pub seq: u64,
    /// Record.
    pub record: AuditRecord,
    /// Hash of the previous entry; zeroes in the first.
    pub previous_hash: [u8; 32],
    /// MAC over all other fields, under a key of the installation.
    pub hash: [u8; 32],
}

/// The last entry of a chain; zeroes if it is empty. Stored elsewhere, it later proves that the chain was not
/// truncated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainHead {
    /// Sequence number, also the number of entries.
    pub seq: u64,
    /// Hash of the entry.
    pub hash: [u8; 32],
}

impl AuditRecord {
    /// Creates a record of an event without a request.
    pub fn from_system(actor: SystemActor, event: AuditEvent, now: Timestamp) -> Self {
        Self {
            at: truncate_to_ms(now),
            actor: actor.to_string(),
            client_ip: None,
            request_id: None,
            event,
        }
    }
}

impl ChainEntry {
    /// Returns the bytes to hash: every field with its length, so that no two entries have the same bytes.
    pub fn content(&self) -> Vec<u8> {
        let (record, event) = (&self.record, &self.record.event);
        let from = record.client_ip.map(|from| from.to_string());
        let mut content = HashInput(Vec::with_capacity(256));
        content.push_number(self.seq);
        content.push_bytes(&self.previous_hash);
        content.push_bytes(&record.at.as_millisecond().to_be_bytes());
        content.push_bytes(record.actor.as_bytes());
        content.push_optional(from.as_deref());
        content.push_optional(record.request_id.as_deref());
        content.push_bytes(<&str>::from(event.action).as_bytes());
        content.push_optional(event.campaign.as_ref().map(CampaignId::as_str));
        content.push_number(event.subjects.len() as u64);
        for subject in &event.subjects {
            content.push_bytes(subject.as_bytes());
        }
        content.push_number(event.detail.len() as u64);
        for (name, text) in &event.detail {
            content.push_bytes(name.as_bytes());
            content.push_bytes(text.as_bytes());
        }
        content.0
    }

    /// Returns this entry as the head of a chain.
    pub fn head(&self) -> ChainHead {
        ChainHead {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

impl ChainHead {
    /// Parses `SEQ:HASH`, as displayed.
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.trim().split_once(':')?;
        Some(Self {
            seq: seq.parse().ok()?,
            hash: hex_bytes(hash)?,
        })
    }
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = data_encoding::HEXLOWER.encode(&self.hash);
        write!(f, "{}:{hash}", self.seq)
    }
}

struct HashInput(Vec<u8>);

impl HashInput {
    fn push_number(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        self.push_number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn push_optional(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        self.push_bytes(text.unwrap_or_default().as_bytes());
    }
}
