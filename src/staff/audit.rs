//! Writing the record of every look: before anything is shown or changed, and nothing is if it cannot be written. Each
//! entry is sealed with the hash of the one before it, under a key that is not in the store: who has the store alone can
//! neither write entries nor change them unseen.

pub mod export;
pub mod sparse;
pub mod verify;

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use self::sparse::Sparse;
use crate::domain::staff::audit::{Entry, Head, Note};
use crate::key::{Key, Secret};
use crate::store::audit::Found;
use crate::store::{Store, StoreError, WAIT};

/// Between two attempts while the store is away.
const PAUSE: Duration = Duration::from_millis(100);

/// The record, as one process writes it: one entry after the other, so that its own do not race each other.
#[derive(Debug)]
pub struct Audit {
    key: Key,
    /// Attempts to log in that were slowed.
    pub slowed: Sparse,
    /// The end of the chain as this process knows it; others may have gone on.
    end: Mutex<Option<Head>>,
}

/// Why an entry was not written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The store did not take it.
    #[error("cannot write the record of who looks at what")]
    Store(#[from] StoreError),
    /// Too much is being written.
    #[error("the record of who looks at what was not written in time")]
    Late,
}

impl Audit {
    /// The record of the installation with this secret.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        Self {
            key: Key::of(secret, "staff: record of looks"),
            slowed: Sparse::default(),
            end: Mutex::default(),
        }
    }

    /// Writes an entry at the end of the chain. Once this is answered it is kept.
    ///
    /// # Errors
    /// [`AuditError`]: it may or may not be kept, so that it says what was tried, not what was done.
    pub async fn write(&self, store: &Store, note: Note) -> Result<Entry, AuditError> {
        let written = timeout(WAIT, self.append(store, note)).await;
        written.map_err(|_| AuditError::Late)?
    }

    /// Repeats without end while others are quicker or the store may come back: the caller sets the bound.
    async fn append(&self, store: &Store, note: Note) -> Result<Entry, AuditError> {
        let mut end = self.end.lock().await;
        let mut is_unsure = false;
        let mut known = end.take();
        loop {
            let head = match known.take() {
                Some(head) => head,
                None => store.audit_head().await?,
            };
            let entry = self.seal(head, note.clone());
            match store.append_audit(&entry).await {
                Ok(true) => {
                    *end = Some(entry.head());
                    return Ok(entry);
                }
                // An attempt before this one may have been kept although its answer did not come.
                Ok(false) if is_unsure && is_kept(store, &entry).await? => return Ok(entry),
                Ok(false) => {}
                Err(StoreError::Unavailable(_)) => {
                    is_unsure = true;
                    known = Some(head);
                    sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Makes a note the entry after this one.
    fn seal(&self, head: Head, note: Note) -> Entry {
        let mut entry = Entry {
            seq: head.seq + 1,
            note,
            before: head.hash,
            hash: [0; 32],
        };
        entry.hash = self.hash(&entry);
        entry
    }

    /// What the hash of an entry must be.
    fn hash(&self, entry: &Entry) -> [u8; 32] {
        self.key.hash(&entry.content())
    }
}

async fn is_kept(store: &Store, entry: &Entry) -> Result<bool, StoreError> {
    let found = store.audit_after(entry.seq - 1, 1).await?;
    let same = |found: &Found| matches!(found, Found::Entry(kept) if **kept == *entry);
    Ok(found.first().is_some_and(same))
}
