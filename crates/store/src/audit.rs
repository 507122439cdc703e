//! Audit log, append-only. The store enforces one rule: a sequence number has one entry. A writer that loses the race
//! for a number reads the new head and retries ([`jornada_service::staff::audit`]).

use jiff::Timestamp;

use super::{Store, StoreError, dispatch};
use jornada_domain::CampaignId;
use jornada_domain::staff::audit::{AuditAction, ChainEntry, ChainHead};

/// Filter for entries; an absent field matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Actor.
    pub actor: Option<String>,
    /// Kind of event.
    pub action: Option<AuditAction>,
    /// Campaign.
    pub campaign: Option<CampaignId>,
    /// One of the subjects.
    pub subject: Option<String>,
    /// Earliest time, inclusive.
    pub from: Option<Timestamp>,
    /// Latest time, exclusive.
    pub until: Option<Timestamp>,
}

/// An entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredEntry {
    /// Readable. Only its hash shows whether it was changed.
    Entry(Box<ChainEntry>),
    /// Sequence number of data that this version of the program did not write.
    Unreadable(u64),
}

impl StoredEntry {
    /// Returns the sequence number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Unreadable(seq) => *seq,
        }
    }
}

impl Store {
    /// Appends an entry. Returns false if its sequence number exists. After true, the entry and all before it survive
    /// the loss of any one process or node.
    pub async fn append_audit(&self, entry: &ChainEntry) -> Result<bool, StoreError> {
        dispatch!("append_audit", self.append_audit(entry))
    }

    /// Returns the head of the chain; [`ChainHead::EMPTY`] if there is no entry.
    pub async fn audit_head(&self) -> Result<ChainHead, StoreError> {
        dispatch!("audit_head", self.audit_head())
    }

    /// Returns up to `limit` entries after `seq`, oldest first.
    pub async fn audit_after(&self, seq: u64, limit: u16) -> Result<Vec<StoredEntry>, StoreError> {
        dispatch!("audit_after", self.audit_after(seq, limit))
    }

    /// Returns up to `limit` matching entries before `seq`, or from the end, newest first. Entries appended meanwhile
    /// do not shift the following pages.
    pub async fn audit_before(
        &self,
        filter: &AuditFilter,
        seq: Option<u64>,
        limit: u16,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        dispatch!("audit_before", self.audit_before(filter, seq, limit))
    }
}
