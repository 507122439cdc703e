//! Verifies the chain of the audit log. Reads every entry once, in order, in bounded batches.

use super::AuditLog;
use jornada_domain::staff::audit::{ChainEntry, ChainHead};
use jornada_store::audit::StoredEntry;
use jornada_store::{Store, StoreError};

/// Entries per batch.
const BATCH: u16 = 500;

/// Maximum number of reported faults. A rewritten chain has as many faults as entries.
const MAX_FAULTS: usize = 100;

/// A fault in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// The entry was changed or moved, or was written without the key of this installation.
    #[error("entry {0} was changed or moved, or was not written by this installation")]
    Changed(u64),
    /// The entry cannot be decoded, or was written by a later version.
    #[error("entry {0} cannot be read")]
    Unreadable(u64),
    /// The entries from the first to the second sequence number are missing.
    #[error("{}", missing_text(*.0, *.1))]
    Missing(u64, u64),
    /// The entry does not carry the hash of the previous entry.
    #[error("entry {0} does not follow the one before it")]
    Unlinked(u64),
    /// The chain ends before the expected head.
    #[error("the audit log ends before entry {}, the expected head", .0.seq)]
    Truncated(ChainHead),
    /// The entry at the place of the expected head is another one.
    #[error("entry {} is not the expected head", .0.seq)]
    Replaced(ChainHead),
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// Entries read.
    pub entries: u64,
    /// Head of the chain as read.
    pub head: ChainHead,
    /// The first 100 faults, in order.
    pub faults: Vec<ChainFault>,
    /// Number of further faults.
    pub more_faults: u64,
}

impl AuditLog {
    /// Verifies the whole chain, and that it contains the head of an earlier verification, if one is given.
    pub async fn verify(
        &self,
        store: &Store,
        expected_head: Option<ChainHead>,
    ) -> Result<ChainReport, StoreError> {
        let mut verifier = ChainVerifier::new(self, expected_head);
        loop {
            let batch = store.audit_after(verifier.report.head.seq, BATCH).await?;
            if batch.is_empty() {
                return Ok(verifier.finish());
            }
            for found in &batch {
                verifier.check_next(found);
            }
        }
    }
}

/// Verifies entries one after the other.
struct ChainVerifier<'a> {
    audit: &'a AuditLog,
    expected_head: Option<ChainHead>,
    /// Whether the hash of the previous entry is known, so that the next one can be checked against it.
    is_linked: bool,
    report: ChainReport,
}

impl<'a> ChainVerifier<'a> {
    fn new(audit: &'a AuditLog, expected_head: Option<ChainHead>) -> Self {
        Self {
            audit,
            expected_head: expected_head.filter(|head| *head != ChainHead::default()),
            is_linked: true,
            report: ChainReport::default(),
        }
    }

    fn check_next(&mut self, found: &StoredEntry) {
        let (seq, expected) = (found.seq(), self.report.head.seq + 1);
        if seq > expected {
            self.add_fault(ChainFault::Missing(expected, seq - 1));
            self.is_linked = false;
        }
        self.report.entries += 1;
        match found {
            StoredEntry::Entry(entry) => self.check_entry(entry),
            StoredEntry::Unreadable(seq) => {
                self.add_fault(ChainFault::Unreadable(*seq));
                self.report.head = ChainHead {
                    seq: *seq,
                    hash: [0; 32],
                };
                self.is_linked = false;
            }
        }
    }

    fn check_entry(&mut self, entry: &ChainEntry) {
        if self.audit.hash(entry) != entry.hash {
            self.add_fault(ChainFault::Changed(entry.seq));
        } else if self.is_linked && entry.previous_hash != self.report.head.hash {
            self.add_fault(ChainFault::Unlinked(entry.seq));
        }
        self.is_linked = true;
        self.report.head = entry.head();
        if let Some(noted) = self.expected_head.filter(|noted| noted.seq == entry.seq) {
            self.expected_head = None;
            if noted.hash != entry.hash {
                self.add_fault(ChainFault::Replaced(noted));
            }
        }
    }

    fn add_fault(&mut self, fault: ChainFault) {
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(fault);
        } else {
            self.report.more_faults += 1;
        }
    }

    fn finish(mut self) -> ChainReport {
        if let Some(noted) = self.expected_head {
            self.add_fault(ChainFault::Truncated(noted));
        }
        self.report
    }
}

fn missing_text(first: u64, last: u64) -> String {
    if first == last {
        format!("entry {first} is missing")
    } else {
        format!("the entries {first} to {last} are missing")
    }
}
