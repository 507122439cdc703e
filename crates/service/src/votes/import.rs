//! Imports published results: stores single votes for the counts of a file. Each vote has a key made of the file's digest, its
//! line and column, and a number, so that an import can be stopped at any point and repeated.

pub mod layout;
mod lines;
pub mod results;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::{CastError, CastStatus, SentVote, VoteKey, Votes};
use jornada_domain::{Campaign, Door, IdempotencyKey, RegistrationId};
use jornada_store::{MAX_BATCH_RECORDS, Store, StoreError, VoteQuery};
use results::CountedVote;

/// Seconds before votes are sent again that are not known to be stored.
const RETRY_DELAYS: [u64; 8] = [1, 1, 2, 2, 5, 5, 10, 10];

/// Votes that are stored at a time.
const CHUNK: usize = 2 * MAX_BATCH_RECORDS;

/// Latest votes among which those of earlier imports are looked for.
const MAX_EXAMINED: u32 = 1_000_000;

/// Votes of an import by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Stored now.
    pub stored: u64,
    /// Stored by an earlier import of the same file.
    pub already_stored: u64,
}

/// Why an import ends before the end of its file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The judge of votes refuses one: the campaign is not open, the vote is invalid, or its id belongs to another vote.
    #[error("line {line}: {error}")]
    Refused {
        /// Line of the file.
        line: u64,
        /// Why.
        error: CastError,
    },
    /// The store is not available, or failed.
    #[error("the store does not take votes")]
    Store(#[source] CastError),
    /// The digest is not visible ASCII, or too long.
    #[error("the digest of the file cannot be part of a key")]
    BadDigest,
}

/// Stores the votes of one file.
#[derive(Debug)]
pub struct VoteImport {
    votes: Votes,
    campaign: Arc<Campaign>,
    digest: String,
    /// Votes to be stored with the next request, with their lines.
    pending: Vec<(u64, SentVote)>,
    counts: ImportCounts,
}

impl VoteImport {
    /// Creates an import of a file with this digest.
    pub fn new(votes: Votes, campaign: Arc<Campaign>, digest: String) -> Self {
        Self {
            votes,
            campaign,
            digest,
            pending: Vec::new(),
            counts: ImportCounts::default(),
        }
    }

    /// Adds single votes for a count. Stores them, and calls `progress`, for each chunk.
    pub async fn add(
        &mut self,
        counted: &CountedVote,
        progress: &mut impl FnMut(ImportCounts),
    ) -> Result<(), ImportError> {
        let key = self.key(counted)?;
        let votes = usize::try_from(counted.votes).unwrap_or(usize::MAX);
        for number in 0..votes {
            let vote = SentVote {
                answers: counted.answers.clone(),
                key: Some(VoteKey::of_item(&key, number)),
            };
            self.pending.push((counted.line, vote));
            if self.pending.len() >= CHUNK {
                self.store().await?;
                progress(self.counts);
            }
        }
        Ok(())
    }

    /// Returns whether the campaign has imported votes, but not the first one of this file: they are of another file, which may
    /// have the same results.
    pub async fn is_after_another(
        &self,
        store: &Store,
        first: &CountedVote,
    ) -> Result<bool, ImportError> {
        let unavailable = |error| ImportError::Store(CastError::Store(error));
        let VoteKey(key) = VoteKey::of_item(&self.key(first)?, 0);
        let secret = self.votes.secret.expose();
        let id = RegistrationId::derive_for_vote(secret, &self.campaign.id, &key);
        let own = store.stored_vote(&self.campaign, id).await;
        if own.map_err(unavailable)?.is_some() {
            return Ok(false);
        }
        let mut imported = VoteQuery::newest(1, None);
        imported.filter.door = Some(Door::Import);
        imported.max_examined = MAX_EXAMINED;
        let imported = store.list_votes(&self.campaign, &imported).await;
        Ok(!imported.map_err(unavailable)?.votes.is_empty())
    }

    fn key(&self, counted: &CountedVote) -> Result<IdempotencyKey, ImportError> {
        let key = format!("import-{}-{}-{}", self.digest, counted.line, counted.column);
        IdempotencyKey::parse(&key).ok_or(ImportError::BadDigest)
    }

    /// Stores the rest, and returns what became of all.
    pub async fn finish(mut self) -> Result<ImportCounts, ImportError> {
        self.store().await?;
        Ok(self.counts)
    }

    /// Stores what is pending. Tries those again that are not known to be stored.
    async fn store(&mut self) -> Result<(), ImportError> {
        let mut delays = RETRY_DELAYS.into_iter();
        while !self.pending.is_empty() {
            let sent = std::mem::take(&mut self.pending);
            let votes = sent.iter().map(|(_, vote)| Ok(vote.clone())).collect();
            let cast = self
                .votes
                .cast_all(&self.campaign, Door::Import, votes, Timestamp::now());
            let mut failed = None;
            for ((line, vote), cast) in sent.into_iter().zip(cast.await) {
                match cast.map(|cast| cast.status) {
                    Ok(CastStatus::Stored | CastStatus::Queued) => self.counts.stored += 1,
                    Ok(CastStatus::AlreadyStored) => self.counts.already_stored += 1,
                    Err(
                        error @ (CastError::Busy | CastError::Store(StoreError::Unavailable(_))),
                    ) => {
                        failed = Some(error);
                        self.pending.push((line, vote));
                    }
                    Err(error @ CastError::Store(_)) => return Err(ImportError::Store(error)),
                    Err(error) => return Err(ImportError::Refused { line, error }),
                }
            }
            if let Some(error) = failed {
                let delay = delays.next().ok_or(ImportError::Store(error))?;
                sleep(Duration::from_secs(delay)).await;
            }
        }
        Ok(())
    }
}
