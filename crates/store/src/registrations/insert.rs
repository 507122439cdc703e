//! Inserts batches of registrations, each in one transaction together with the deltas of its campaigns.

pub(crate) mod mongo;
pub(crate) mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::deltas::Delta;
use crate::error::Result;
use crate::handle::{Store, dispatch};
use jornada_domain::{Campaign, Registration};

/// Maximum number of registrations in a batch.
pub const MAX_BATCH_RECORDS: usize = 1_000;

/// Maximum size of a batch in bytes, by [`NewRegistration::size`]. A single larger registration is a batch, too.
pub const MAX_BATCH_BYTES: usize = 4 << 20;

/// Size of a stored registration without its answers, roughly.
const FIXED_SIZE: usize = 512;

/// A registration to insert.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// Its campaign.
    pub campaign: Arc<Campaign>,
    /// The registration.
    pub registration: Registration,
}

/// Outcome of inserting a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Inserted.
    Inserted,
    /// Stored before with the same digest, at this time. Nothing was written.
    SameAgain(Timestamp),
    /// The id exists with a different digest. Nothing was written.
    Conflict,
    /// The id is an alias of another registration, from a correction. Nothing was written.
    AliasTaken,
    /// The id is that of a deleted registration. Nothing was written.
    Deleted,
}

impl NewRegistration {
    /// Estimates the stored size in bytes.
    pub fn size(&self) -> usize {
        let answers = &self.registration.answers;
        let texts = (0..self.campaign.fields.len()).filter_map(|field| answers.get(field));
        FIXED_SIZE + texts.map(str::len).sum::<usize>()
    }
}

impl InsertOutcome {
    /// Compares a registration with the one stored under its id.
    fn from_digests(digest: &[u8], stored_digest: &[u8], stored_received_at: Timestamp) -> Self {
        if digest == stored_digest {
            Self::SameAgain(stored_received_at)
        } else {
            Self::Conflict
        }
    }
}

impl Store {
    /// Inserts each registration of a batch unless its id exists, and returns the outcomes in the same order. What is
    /// acknowledged survives the loss of any one process or node. An error concerns only its record: the others may
    /// be stored. Idempotent. The caller keeps to [`MAX_BATCH_RECORDS`] and [`MAX_BATCH_BYTES`].
    pub async fn insert(&self, batch: Vec<NewRegistration>) -> Vec<Result<InsertOutcome>> {
        let insert = async {
            let outcomes = dispatch!(self.insert(batch));
            if outcomes.iter().any(Result::is_err) {
                return Err(outcomes);
            }
            Ok(outcomes)
        };
        let outcomes = self.time("keep", insert).await;
        outcomes.unwrap_or_else(|outcomes| outcomes)
    }
}

/// Returns what these registrations add to the counts, by campaign.
fn sum_deltas<'a>(inserted: impl IntoIterator<Item = &'a NewRegistration>) -> Vec<Delta> {
    let mut deltas = BTreeMap::new();
    for NewRegistration {
        campaign,
        registration,
    } in inserted
    {
        let delta = deltas.entry(&campaign.id);
        let delta = delta.or_insert_with(|| Delta::new(campaign));
        delta.add(campaign, &registration.answers, 1);
    }
    deltas.into_values().collect()
}
