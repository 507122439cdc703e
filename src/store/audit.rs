//! The record of every look. The store adds to its end alone, and guards one thing: a place in the chain has one entry.
//! Whoever loses the race for a place looks for the new end and tries again ([`crate::staff::audit`]).

use jiff::Timestamp;

use super::{Store, StoreError, ask};
use crate::domain::CampaignId;
use crate::domain::staff::audit::{Action, Entry, Head};

/// Which entries; nothing given means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this doer.
    pub who: Option<String>,
    /// Of this kind.
    pub action: Option<Action>,
    /// In this campaign.
    pub campaign: Option<CampaignId>,
    /// To this thing.
    pub subject: Option<String>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// An entry as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One that can be read; whether it was changed, its hash tells.
    Entry(Box<Entry>),
    /// Something at this place that this program did not write, or a later version of it did.
    Unreadable(u64),
}

impl Found {
    /// Its place.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Unreadable(seq) => *seq,
        }
    }
}

impl Store {
    /// Adds an entry; false if its place is taken. Once this answers true the entry survives the loss of any one process,
    /// and of any one node, with all before it.
    ///
    /// # Errors
    /// When the store does not answer: it may or may not be added.
    pub async fn append_audit(&self, entry: &Entry) -> Result<bool, StoreError> {
        ask!("append_audit", self.append_audit(entry))
    }

    /// The end of the chain; [`Head::NONE`] if there is no entry.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        ask!("audit_head", self.audit_head())
    }

    /// So many entries after a place, the oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn audit_after(&self, seq: u64, most: u16) -> Result<Vec<Found>, StoreError> {
        ask!("audit_after", self.audit_after(seq, most))
    }

    /// So many entries that a filter lets through, the newest first: those before a place, or all. What is added while
    /// somebody turns pages comes before the first of them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn audit_before(
        &self,
        filter: &Filter,
        seq: Option<u64>,
        most: u16,
    ) -> Result<Vec<Found>, StoreError> {
        ask!("audit_before", self.audit_before(filter, seq, most))
    }
}
