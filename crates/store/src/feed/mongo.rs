//! Feed from one change stream over the deltas of all campaigns, on the primary. Its changes, like the snapshot before
//! them, are majority-committed.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Document, RawBsonRef, RawDocument, Timestamp, doc};
use mongodb::options::ReadConcern;
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use tokio::time::Instant;

use super::batch::{
    FeedBatch, FeedChange, FeedError, FeedPosition, MAX_CHANGES, MAX_CHANGES_BYTES,
};
use crate::deltas;
use crate::error::{Result, StoreError};
use crate::mongo::driver_error;
use crate::mongo::handle::{MongoStore, primary};
use crate::time_limit::{OPERATION_TIMEOUT, in_time, with_timeout};

/// Time that the server waits for a change before it returns an empty batch.
const MAX_AWAIT_TIME: Duration = Duration::from_millis(250);

/// Time within which the server must find the first deltas, or the end, of the writes of all collections since the
/// position. Counting a million registrations anew takes about as long.
const MAX_CATCH_UP_TIME: Duration = Duration::from_secs(3);

/// Maximum number of events in a batch from the server.
const BATCH_SIZE: usize = 1_000;

/// Size in bytes from which the server may have cut a batch: it ends one before an event that would exceed 16 MiB. No event
/// has 8 MiB, because a delta sums up at most 4 MiB of registrations.
const CUT_BYTES: usize = 8 << 20;

/// The deltas of all campaigns in MongoDB.
pub(crate) struct MongoFeed {
    store: MongoStore,
    /// Position after which a new stream starts: includes all of `ready`.
    after: FeedPosition,
    stream: Option<RawBatchCursor>,
    /// Whether the next batch of the stream answers a request of an earlier call.
    requested_before: bool,
    /// Changes read from the stream and not yet returned.
    ready: VecDeque<FeedChange>,
    /// Size of the batches in `ready`.
    ready_bytes: usize,
}

/// A batch from the server, whose changes are in `ready`.
struct ServerBatch {
    /// Whether there may be more: the batch is full or cut.
    may_continue: bool,
    requested_now: bool,
}

impl fmt::Debug for MongoFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoFeed")
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl MongoFeed {
    pub(crate) async fn open(store: MongoStore, after: FeedPosition) -> Result<Self, FeedError> {
        let stream = open_stream(&store, &after).await?;
        Ok(Self {
            store,
            after,
            stream: Some(stream),
            requested_before: true,
            ready: VecDeque::new(),
            ready_bytes: 0,
        })
    }

    pub(crate) async fn next(&mut self, wait: Duration) -> Result<FeedBatch, FeedError> {
        let deadline = Instant::now() + wait;
        loop {
            let answer = self.next_batch().await?;
            let has_room = self.ready.len() + BATCH_SIZE <= MAX_CHANGES.into()
                && self.ready_bytes < MAX_CHANGES_BYTES;
            let waits = !answer.requested_now || Instant::now() < deadline;
            if (answer.may_continue && has_room) || (self.ready.is_empty() && waits) {
                continue;
            }
            self.ready_bytes = 0;
            return Ok(FeedBatch {
                changes: self.ready.drain(..).collect(),
                position: self.after.clone(),
                is_complete: answer.requested_now && !answer.may_continue,
            });
        }
    }

    async fn next_batch(&mut self) -> Result<ServerBatch, FeedError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                // The first batch of a stream is returned at once and says nothing about later changes.
                self.requested_before = true;
                none.insert(open_stream(&self.store, &self.after).await?)
            }
        };
        let requested_now = !self.requested_before;
        // Set while a request is under way, so that it remains set if this call is cancelled.
        self.requested_before = true;
        let next = async { Ok::<_, StoreError>(stream.next().await) };
        let answer = with_timeout(MAX_AWAIT_TIME + OPERATION_TIMEOUT, next).await;
        self.requested_before = false;
        let taken = match answer {
            Ok(Some(Ok(batch))) => self.read_batch(&batch).ok_or(FeedError::Lost),
            Ok(Some(Err(error))) => Err(to_feed_error(error)),
            // The server ends a stream when its collection is dropped or renamed.
            Ok(None) => Err(FeedError::Lost),
            Err(error) => Err(error.into()),
        };
        if taken.is_err() {
            self.stream = None;
        }
        taken.map(|may_continue| ServerBatch {
            may_continue,
            requested_now,
        })
    }

    /// Returns whether there may be more; `None` if a delta cannot be read.
    fn read_batch(&mut self, batch: &RawBatch) -> Option<bool> {
        let before = self.ready.len();
        for event in batch.doc_slices().ok()? {
            let event = event.ok().and_then(RawBsonRef::as_document);
            let change = event.and_then(read_event)?;
            self.after = change.position.clone();
            self.ready.push_back(change);
        }
        // The server also tells how far it has read writes of other collections.
        let cursor = batch.as_raw_document().get_document("cursor").ok();
        let token = cursor.and_then(|cursor| cursor.get_document("postBatchResumeToken").ok());
        if let Some(token) = token.and_then(to_json) {
            self.after.token = Some(token);
        }
        let bytes = batch.as_raw_document().as_bytes().len();
        self.ready_bytes += bytes;
        Some(self.ready.len() - before == BATCH_SIZE || bytes >= CUT_BYTES)
    }
}

async fn open_stream(
    store: &MongoStore,
    after: &FeedPosition,
) -> Result<RawBatchCursor, FeedError> {
    if !has_history(store, after).await? {
        return Err(FeedError::Lost);
    }
    let mut from = doc! {};
    match &after.token {
        None => from.insert("startAtOperationTime", from_order(after.at + 1)),
        Some(token) => {
            let token: Document = serde_json::from_str(token).map_err(|_| FeedError::Lost)?;
            from.insert("startAfter", token)
        }
    };
    let shown = ["_id", "campaign", "fields", "counts"].map(|name| format!("fullDocument.{name}"));
    let mut projection: Document = shown.into_iter().map(|name| (name, 1.into())).collect();
    projection.insert("clusterTime", 1);
    let pipeline = [
        doc! { "$changeStream": from },
        doc! { "$match": { "operationType": "insert" } },
        doc! { "$project": projection },
    ];
    let stream = store
        .deltas
        .aggregate(pipeline)
        .batch_size(u32::try_from(BATCH_SIZE).unwrap_or(u32::MAX))
        .max_time(MAX_CATCH_UP_TIME)
        .max_await_time(MAX_AWAIT_TIME)
        .selection_criteria(primary());
    let open = async { Ok::<_, StoreError>(stream.batch().await) };
    let opened = in_time(open).await?;
    opened.map_err(|error| match after.token {
        Some(_) if driver_error::is_invalid_token(&error) => FeedError::Lost,
        _ => to_feed_error(error),
    })
}

/// Returns whether the database still has what was read up to a position. One restored from a backup may have gone back,
/// and on from there.
async fn has_history(store: &MongoStore, position: &FeedPosition) -> Result<bool> {
    // The server would wait for a time in the future. A feed starts one tick after its snapshot.
    if position.reached().saturating_sub(1) > operation_time(store).await? {
        return Ok(false);
    }
    let Some(delta) = &position.delta else {
        return Ok(true);
    };
    let Ok(id) = ObjectId::parse_str(delta) else {
        return Ok(false);
    };
    let found = store
        .deltas
        .find_one(doc! { "_id": id })
        .projection(doc! { "_id": 1 })
        // A new primary has all that was committed before it knows that it was.
        .read_concern(ReadConcern::local())
        .selection_criteria(primary())
        .max_time(OPERATION_TIMEOUT);
    Ok(in_time(found).await?.is_some())
}

fn read_event(event: &RawDocument) -> Option<FeedChange> {
    let delta = event.get_document("fullDocument").ok()?;
    Some(FeedChange {
        delta: deltas::mongo::read(delta)?,
        position: FeedPosition {
            at: to_order(event.get_timestamp("clusterTime").ok()?),
            token: Some(to_json(event.get_document("_id").ok()?)?),
            delta: Some(delta.get_object_id("_id").ok()?.to_hex()),
        },
    })
}

fn to_json(token: &RawDocument) -> Option<String> {
    serde_json::to_string(&token).ok()
}

/// Returns the time of the primary's last write. The cluster time may be ahead of it: clients tell it to each other.
async fn operation_time(store: &MongoStore) -> Result<u64> {
    let answer = store
        .run_on_primary(OPERATION_TIMEOUT, doc! { "ping": 1 })
        .await?;
    let time = answer.get_timestamp("operationTime");
    time.map(to_order)
        .map_err(|_| StoreError::malformed("operation time"))
}

fn to_feed_error(error: mongodb::error::Error) -> FeedError {
    if driver_error::is_lost_position(&error) {
        return FeedError::Lost;
    }
    if driver_error::is_time_limit(&error) {
        return FeedError::Behind;
    }
    StoreError::from(error).into()
}

/// Converts a cluster time to a number in the same order.
pub(super) fn to_order(time: Timestamp) -> u64 {
    u64::from(time.time) << 32 | u64::from(time.increment)
}

fn from_order(at: u64) -> Timestamp {
    let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    Timestamp {
        time: half(at >> 32),
        increment: half(at),
    }
}
