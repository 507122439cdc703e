//! Stores registrations, votes and related data in MongoDB or SQLite. Both back ends fulfil one contract, which `tests/store`
//! checks: an id is registered once, and an acknowledged registration is never lost or duplicated.
//!
//! # Errors
//! Every operation returns [`StoreError`], except [`Store::feed`] and [`Feed::next`], which return [`FeedError`]. It is
//! [`StoreError::Unavailable`] if the store is unreachable or does not answer within [`OPERATION_TIMEOUT`], and
//! [`StoreError::Failed`] if it rejects the operation or returns unusable data. After a write that returned
//! `Unavailable` the outcome is unknown: the change may or may not be stored. Idempotent operations may be repeated.

pub mod audit;
pub mod backup;
mod campaigns;
mod dead_letters;
mod deltas;
mod disputes;
mod error;
mod feed;
mod handle;
mod insert;
pub mod jobs;
mod keys;
mod leases;
mod mongo;
mod open;
mod photos;
mod records;
mod registrations;
mod restore;
mod setting;
mod sqlite;
mod staff;
mod store_id;
mod time_limit;
mod votes;

pub use dead_letters::MAX_COUNTED_DEAD_LETTERS;
pub use deltas::Delta;
pub use disputes::DisputeOutcome;
pub use error::{Result, StoreError};
pub use feed::{Feed, FeedBatch, FeedChange, FeedError, FeedPosition};
pub use handle::Store;
pub use insert::{InsertOutcome, MAX_BATCH_BYTES, MAX_BATCH_RECORDS, NewRecord, RowTexts};
pub use keys::WrappedKey;
pub use leases::Lease;
pub use photos::buffer::{BufferedPhoto, BufferedPhotoKey, PhotoBufferSize};
pub use photos::deletions::PendingPhotoDeletion;
pub use photos::unresolved::UnresolvedPhotos;
pub use registrations::search;
pub use registrations::{
    DeletedRegistration, NewRegistration, Receipt, RegistrationStream, UpdateOutcome,
};
pub use restore::{RestoreTarget, TargetState};
pub use setting::StoreSetting;
pub use time_limit::{OPERATION_TIMEOUT, PING_TIMEOUT};
pub use votes::list::{VoteFilter, VotePage, VoteQuery};
pub use votes::{FoundVote, NewVote};
