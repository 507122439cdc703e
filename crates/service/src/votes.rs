//! Takes in votes: validates answers, queues them or stores them in batches, returns an outcome for each. All doors call this
//! module. An acknowledged vote survives the loss of this process.

pub mod consumer;
pub mod dead_letter_gate;
pub mod dead_letter_text;
pub mod dead_letters;
pub mod export;
mod fresh_ids;
pub mod import;
pub mod latest;
pub mod metrics;
pub mod queued;
pub mod tokens;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::yield_now;

use crate::batcher::{BatchError, Batcher};
use crate::key::InstallationSecret;
use crate::registrations::closure_cache::ClosureCache;
use fresh_ids::FreshIds;
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::{Campaign, Door, FieldError, FormData, IdempotencyKey, RegistrationId, Vote};
use jornada_queue::{OutgoingRecord, Producer};
use jornada_store::{InsertOutcome, NewVote, StoreError};
use metrics::VoteMetrics;

/// Maximum number of votes in one request.
pub const MAX_VOTES: usize = 10_000;

/// Maximum size of the votes of one request in bytes.
pub const MAX_VOTES_BYTES: usize = 4 << 20;

/// Number of votes that are validated before other tasks run.
const YIELD_INTERVAL: usize = 64;

/// A vote as it was sent.
#[derive(Clone, Debug)]
pub struct SentVote {
    /// The values by field name.
    pub answers: FormData,
    /// Marks retries of this vote; without a key it cannot be repeated.
    pub key: Option<VoteKey>,
}

/// A vote as it was sent, or why it could not be read.
pub type ReceivedVote = Result<SentVote, Vec<FieldError>>;

/// Key by which retries of a vote are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteKey(String);

/// A vote that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CastVote {
    /// Id of the vote, the same for every retry.
    pub id: RegistrationId,
    /// Where it is.
    pub status: CastStatus,
}

/// Where a vote is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastStatus {
    /// In the store.
    Stored,
    /// In the store, by an earlier try.
    AlreadyStored,
    /// In the queue.
    Queued,
}

/// A vote that is not known to be durable.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// The campaign does not take in votes now.
    #[error("the campaign is not open")]
    NotOpen {
        /// When it closes or closed.
        closes_at: Timestamp,
    },
    /// Invalid answers.
    #[error("invalid answers: {}", .0.len())]
    Invalid(Vec<FieldError>),
    /// The key was used for another vote.
    #[error("the key was used for another vote")]
    Conflict,
    /// Too many votes wait for the store. The vote is not stored.
    #[error("too many votes wait for the store")]
    Busy,
    /// The store failed. The vote may or may not be stored.
    #[error("cannot store the vote")]
    Store(#[from] StoreError),
}

/// The use case "vote": one per process, shared by all doors.
#[derive(Clone, Debug)]
pub struct Votes {
    /// Takes votes before the store does. Without it they are inserted directly.
    pub queue: Option<Producer>,
    /// Inserts votes.
    pub batcher: Batcher<NewVote>,
    /// Campaigns that staff closed early.
    pub closures: ClosureCache,
    /// Key from which ids are derived.
    pub secret: InstallationSecret,
    /// Name of this instance, which its votes keep.
    pub instance: Option<Arc<str>>,
    /// Counters by door and outcome.
    pub metrics: VoteMetrics,
}

impl VoteKey {
    /// Returns the key of vote number `index` in a request with this key.
    pub fn of_item(request: &IdempotencyKey, index: usize) -> Self {
        Self(format!("{}/{index}", request.as_str()))
    }
}

impl From<IdempotencyKey> for VoteKey {
    fn from(key: IdempotencyKey) -> Self {
        Self(key.as_str().to_owned())
    }
}

impl Votes {
    /// Validates one vote, and stores or queues it.
    pub async fn cast(
        &self,
        campaign: &Arc<Campaign>,
        door: Door,
        vote: ReceivedVote,
        now: Timestamp,
    ) -> Result<CastVote, CastError> {
        let mut ids = FreshIds::new(1);
        let cast = match self.validate(campaign, door, vote, &mut ids, now) {
            Ok(vote) => {
                let accepted = self.accept(vec![vote], door).await;
                accepted.into_iter().next().unwrap_or_else(no_outcome)
            }
            Err(error) => Err(error),
        };
        self.count(campaign, door, &cast);
        cast
    }

    /// Validates votes, and stores or queues each on its own. Returns an outcome for each in the same order. The caller keeps
    /// to [`MAX_VOTES`] and [`MAX_VOTES_BYTES`].
    pub async fn cast_all(
        &self,
        campaign: &Arc<Campaign>,
        door: Door,
        votes: Vec<ReceivedVote>,
        now: Timestamp,
    ) -> Vec<Result<CastVote, CastError>> {
        let mut ids = FreshIds::new(votes.len());
        let mut valid = Vec::with_capacity(votes.len());
        let mut validated = Vec::with_capacity(votes.len());
        for (index, vote) in votes.into_iter().enumerate() {
            // Other requests are not to wait for a whole batch.
            if index % YIELD_INTERVAL == YIELD_INTERVAL - 1 {
                yield_now().await;
            }
            let vote = self.validate(campaign, door, vote, &mut ids, now);
            validated.push(vote.map(|vote| valid.push(vote)));
        }
        let mut accepted = self.accept(valid, door).await.into_iter();
        let cast = validated.into_iter().map(|vote| {
            vote?;
            accepted.next().unwrap_or_else(no_outcome)
        });
        let cast: Vec<_> = cast.collect();
        for cast in &cast {
            self.count(campaign, door, cast);
        }
        cast
    }

    /// Queues votes. Inserts those that the queue does not confirm: one that it took all the same has the same id and is found to
    /// be stored. Votes of the form are inserted in any case, because its receipt is shown at once.
    async fn accept(&self, votes: Vec<NewVote>, door: Door) -> Vec<Result<CastVote, CastError>> {
        let queue = self.queue.as_ref().filter(|_| door != Door::Form);
        let Some(queue) = queue else {
            return insert(&self.batcher, votes).await;
        };
        let records = votes.iter().map(|vote| {
            let (key, value) = queued::encode(vote);
            OutgoingRecord { key, value }
        });
        let records: Vec<_> = records.collect();
        let unconfirmed = queue.send(&records).await;
        drop(records);
        let queued = |vote: &NewVote| {
            Ok(CastVote {
                id: vote.vote.id,
                status: CastStatus::Queued,
            })
        };
        let mut accepted: Vec<_> = votes.iter().map(queued).collect();
        if unconfirmed.is_empty() {
            return accepted;
        }
        let mut is_unconfirmed = vec![false; votes.len()];
        for index in &unconfirmed {
            is_unconfirmed[*index] = true;
        }
        let direct = votes.into_iter().zip(is_unconfirmed);
        let direct = direct.filter_map(|(vote, is_unconfirmed)| is_unconfirmed.then_some(vote));
        let inserted = insert(&self.batcher, direct.collect()).await;
        for (index, outcome) in unconfirmed.into_iter().zip(inserted) {
            accepted[index] = outcome.map_err(|error| match error {
                // It may be in the queue.
                CastError::Busy => unavailable("the queue is down and too many votes wait"),
                error => error,
            });
        }
        accepted
    }

    fn count(&self, campaign: &Campaign, door: Door, cast: &Result<CastVote, CastError>) {
        let campaign = campaign.id.as_str();
        let labels = [campaign, door.into(), outcome_label(cast)];
        self.metrics.votes.with_label_values(&labels).inc();
        if let Err(CastError::Invalid(errors)) = cast {
            for error in errors {
                let labels = [campaign, error.error.reason().into()];
                self.metrics.rejections.with_label_values(&labels).inc();
            }
        }
    }

    fn validate(
        &self,
        campaign: &Arc<Campaign>,
        door: Door,
        vote: ReceivedVote,
        ids: &mut FreshIds,
        now: Timestamp,
    ) -> Result<NewVote, CastError> {
        if self.closures.status(campaign, now) != CampaignStatus::Open {
            let closes_at = self.closures.closes_at(campaign);
            return Err(CastError::NotOpen { closes_at });
        }
        let vote = vote.map_err(CastError::Invalid)?;
        let answers = campaign
            .validate(&vote.answers)
            .map_err(CastError::Invalid)?;
        let id = match &vote.key {
            Some(VoteKey(key)) => {
                RegistrationId::derive_for_vote(self.secret.expose(), &campaign.id, key)
            }
            None => ids.next(now)?,
        };
        Ok(NewVote {
            campaign: Arc::clone(campaign),
            vote: Vote {
                id,
                campaign: campaign.id.clone(),
                answers,
                received_at: truncate_to_ms(now),
                door,
                instance: self.instance.clone(),
            },
            queue_place: None,
        })
    }
}

/// Inserts votes directly.
async fn insert(
    batcher: &Batcher<NewVote>,
    votes: Vec<NewVote>,
) -> Vec<Result<CastVote, CastError>> {
    let ids: Vec<_> = votes.iter().map(|vote| vote.vote.id).collect();
    let inserted = batcher.insert_all(votes).await;
    let ids = ids.into_iter().zip(inserted);
    ids.map(|(id, inserted)| resolve(id, inserted)).collect()
}

fn resolve(
    id: RegistrationId,
    inserted: Result<InsertOutcome, BatchError>,
) -> Result<CastVote, CastError> {
    let status = match inserted {
        Ok(InsertOutcome::Inserted) => CastStatus::Stored,
        Ok(InsertOutcome::SameAgain(_)) => CastStatus::AlreadyStored,
        Ok(
            InsertOutcome::Conflict
            | InsertOutcome::AliasTaken
            | InsertOutcome::Deleted
            | InsertOutcome::Vacated,
        ) => {
            return Err(CastError::Conflict);
        }
        Err(BatchError::Busy) => return Err(CastError::Busy),
        Err(BatchError::Store(error)) => return Err(error.into()),
    };
    Ok(CastVote { id, status })
}

fn no_outcome() -> Result<CastVote, CastError> {
    Err(unavailable("no outcome"))
}

fn unavailable(reason: &'static str) -> CastError {
    StoreError::Unavailable(reason.into()).into()
}

fn outcome_label(cast: &Result<CastVote, CastError>) -> &'static str {
    match cast {
        Ok(vote) => match vote.status {
            CastStatus::Stored => "stored",
            CastStatus::AlreadyStored => "repeated",
            CastStatus::Queued => "queued",
        },
        Err(CastError::Conflict) => "conflict",
        Err(CastError::Invalid(_)) => "invalid",
        Err(CastError::NotOpen { .. }) => "closed",
        Err(CastError::Busy) => "busy",
        Err(CastError::Store(_)) => "failed",
    }
}
