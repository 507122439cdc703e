//! Verifies the chain of the audit log. Reads every entry once, in order, in bounded batches.

use std::fmt;

use super::Audit;
use crate::domain::staff::audit::{Entry, Head};
use crate::store::audit::Found;
use crate::store::{Store, StoreError};

/// Entries per batch.
const BATCH: u16 = 500;

/// Maximum number of reported faults. A rewritten chain has as many faults as entries.
const MOST_FAULTS: usize = 100;

/// A fault in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The entry was changed or moved, or was written without the key of this installation.
    Changed(u64),
    /// The entry cannot be decoded, or was written by a later version.
    Unreadable(u64),
    /// The entries from the first to the second sequence number are missing.
    Missing(u64, u64),
    /// The entry does not carry the hash of the previous entry.
    Parted(u64),
    /// The chain ends before the expected head.
    Cut(Head),
    /// The entry at the place of the expected head is another one.
    Replaced(Head),
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Entries read.
    pub entries: u64,
    /// Head of the chain as read.
    pub head: Head,
    /// The first 100 faults, in order.
    pub faults: Vec<Fault>,
    /// Number of further faults.
    pub more: u64,
}

impl Audit {
    /// Verifies the whole chain, and that it contains the head of an earlier verification, if one is given.
    pub async fn verify(&self, store: &Store, noted: Option<Head>) -> Result<Verdict, StoreError> {
        let mut reading = Reading::new(self, noted);
        loop {
            let batch = store.audit_after(reading.verdict.head.seq, BATCH).await?;
            if batch.is_empty() {
                return Ok(reading.end());
            }
            for found in &batch {
                reading.take(found);
            }
        }
    }
}

/// Verifies entries one after the other.
struct Reading<'a> {
    audit: &'a Audit,
    noted: Option<Head>,
    /// Whether the hash of the previous entry is known, so that the next one can be checked against it.
    is_linked: bool,
    verdict: Verdict,
}

impl<'a> Reading<'a> {
    fn new(audit: &'a Audit, noted: Option<Head>) -> Self {
        Self {
            audit,
            noted: noted.filter(|head| *head != Head::NONE),
            is_linked: true,
            verdict: Verdict {
                entries: 0,
                head: Head::NONE,
                faults: Vec::new(),
                more: 0,
            },
        }
    }

    fn take(&mut self, found: &Found) {
        let (seq, expected) = (found.seq(), self.verdict.head.seq + 1);
        if seq > expected {
            self.fault(Fault::Missing(expected, seq - 1));
            self.is_linked = false;
        }
        self.verdict.entries += 1;
        match found {
            Found::Entry(entry) => self.check(entry),
            Found::Unreadable(seq) => {
                self.fault(Fault::Unreadable(*seq));
                self.verdict.head = Head {
                    seq: *seq,
                    hash: [0; 32],
                };
                self.is_linked = false;
            }
        }
    }

    fn check(&mut self, entry: &Entry) {
        if self.audit.hash(entry) != entry.hash {
            self.fault(Fault::Changed(entry.seq));
        } else if self.is_linked && entry.before != self.verdict.head.hash {
            self.fault(Fault::Parted(entry.seq));
        }
        self.is_linked = true;
        self.verdict.head = entry.head();
        if let Some(noted) = self.noted.filter(|noted| noted.seq == entry.seq) {
            self.noted = None;
            if noted.hash != entry.hash {
                self.fault(Fault::Replaced(noted));
            }
        }
    }

    fn fault(&mut self, fault: Fault) {
        if self.verdict.faults.len() < MOST_FAULTS {
            self.verdict.faults.push(fault);
        } else {
            self.verdict.more += 1;
        }
    }

    fn end(mut self) -> Verdict {
        if let Some(noted) = self.noted {
            self.fault(Fault::Cut(noted));
        }
        self.verdict
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(seq) => write!(
                f,
                "entry {seq} was changed or moved, or was not written by this installation"
            ),
            Self::Unreadable(seq) => write!(f, "entry {seq} cannot be read"),
            Self::Missing(from, to) if from == to => write!(f, "entry {from} is missing"),
            Self::Missing(from, to) => write!(f, "the entries {from} to {to} are missing"),
            Self::Parted(seq) => write!(f, "entry {seq} does not follow the one before it"),
            Self::Cut(head) => write!(
                f,
                "the audit log ends before entry {}, the expected head",
                head.seq
            ),
            Self::Replaced(head) => write!(f, "entry {} is not the expected head", head.seq),
        }
    }
}
