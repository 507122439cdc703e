//! Writes the audit log. An entry is stored before data is shown or changed; if it cannot be stored, the request fails.
//!
//! Each entry carries a MAC over its content and the MAC of the previous entry. The key is not in the store, so that
//! someone who controls only the store can neither add nor change entries undetected.

pub mod export;
pub mod sampler;
pub mod verify;

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use self::sampler::EventSampler;
use crate::key::{DerivedKey, InstallationSecret};
use jornada_domain::staff::audit::{AuditRecord, ChainEntry, ChainHead};
use jornada_store::audit::StoredEntry;
use jornada_store::{OPERATION_TIMEOUT, Store, StoreError};

/// Delay between attempts while the store is unavailable.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The audit log, as one process writes it. Entries of one process are written one at a time, so that they do not
/// compete for a place in the chain.
#[derive(Debug)]
pub struct AuditLog {
    key: DerivedKey,
    /// Limits the entries for rate-limited login attempts.
    pub rate_limited_logins: EventSampler,
    /// Last known end of the chain. Other processes may have appended entries since.
    end: Mutex<Option<ChainHead>>,
}

/// Why an audit entry was not written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store failed.
    #[error("cannot write to the audit log")]
    Store(#[from] StoreError),
    /// The entry was not stored within [`OPERATION_TIMEOUT`].
    #[error("cannot write to the audit log: timed out")]
    TimedOut,
}

impl AuditLog {
    /// Creates the audit log of the installation with this secret.
    pub fn new(secret: &InstallationSecret) -> Self {
        Self {
            key: DerivedKey::derive(secret, "staff: record of looks"),
            rate_limited_logins: EventSampler::default(),
            end: Mutex::default(),
        }
    }

    /// Appends an entry to the chain. When this returns `Ok`, the entry is stored. After an error it may
    /// be stored all the same: it documents an attempt, not a result.
    pub async fn write(
        &self,
        store: &Store,
        record: AuditRecord,
    ) -> Result<ChainEntry, AuditError> {
        let written = timeout(OPERATION_TIMEOUT, self.append(store, record)).await;
        written.map_err(|_| AuditError::TimedOut)?
    }

    /// Retries without limit while other processes win the race or the store is unavailable. The caller sets the
    /// timeout.
    async fn append(&self, store: &Store, record: AuditRecord) -> Result<ChainEntry, AuditError> {
        let mut end = self.end.lock().await;
        let mut is_unsure = false;
        let mut known = end.take();
        loop {
            let head = match known.take() {
                Some(head) => head,
                None => store.audit_head().await?,
            };
            let entry = self.chain(head, record.clone());
            match store.append_audit(&entry).await {
                Ok(true) => {
                    *end = Some(entry.head());
                    return Ok(entry);
                }
                // An earlier attempt may have been stored although its reply was lost.
                Ok(false) if is_unsure && is_stored(store, &entry).await? => return Ok(entry),
                Ok(false) => {}
                Err(StoreError::Unavailable(_)) => {
                    is_unsure = true;
                    known = Some(head);
                    sleep(RETRY_DELAY).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Builds the entry that follows `head`.
    fn chain(&self, head: ChainHead, record: AuditRecord) -> ChainEntry {
        let mut entry = ChainEntry {
            seq: head.seq + 1,
            record,
            previous_hash: head.hash,
            hash: [0; 32],
        };
        entry.hash = self.hash(&entry);
        entry
    }

    /// Computes the MAC of an entry.
    fn hash(&self, entry: &ChainEntry) -> [u8; 32] {
        self.key.hash(&entry.content())
    }
}

async fn is_stored(store: &Store, entry: &ChainEntry) -> Result<bool, StoreError> {
    let found = store.audit_after(entry.seq - 1, 1).await?;
    let same =
        |found: &StoredEntry| matches!(found, StoredEntry::Entry(stored) if **stored == *entry);
    Ok(found.first().is_some_and(same))
}
