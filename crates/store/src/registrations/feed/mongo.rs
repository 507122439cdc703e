//! Feed from a change stream on the primary, filtered and projected by the server. Its changes, like the snapshot
//! before them, are majority-committed.

mod snapshot;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use mongodb::bson::{Document, RawBsonRef, RawDocument, Timestamp, doc};
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use tokio::time::Instant;

use super::change::{Change, FeedError, FeedPosition, MAX_CHANGES};
use crate::error::{Result, StoreError};
use crate::mongo::driver_error;
use crate::mongo::handle::{MongoStore, primary};
use crate::time_limit::{OPERATION_TIMEOUT, in_time, with_timeout};
use jornada_domain::CampaignId;

use snapshot::to_order;

/// Time that the server waits for a change before it returns an empty batch.
const MAX_AWAIT_TIME: Duration = Duration::from_millis(250);

/// Maximum number of events in a batch from the server; each may hold two changes.
const BATCH_SIZE: usize = 1_000;

/// The changes of one campaign in MongoDB.
pub(crate) struct MongoFeed {
    store: MongoStore,
    campaign: CampaignId,
    /// Position after which a new stream starts: includes all of `ready`.
    after: FeedPosition,
    stream: Option<RawBatchCursor>,
    /// Whether the next batch of the stream answers a request of an earlier call.
    requested_before: bool,
    /// Changes read from the stream and not yet returned.
    ready: VecDeque<Change>,
}

/// A batch from the server, whose changes are in `ready`.
struct FeedBatch {
    events: usize,
    requested_now: bool,
}

impl fmt::Debug for MongoFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoFeed")
            .field("campaign", &self.campaign)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl MongoFeed {
    pub(crate) async fn open(
        store: MongoStore,
        campaign: CampaignId,
        after: FeedPosition,
    ) -> Result<Self, FeedError> {
        // A future position comes from another history. The server would wait for that time.
        if after.at > cluster_time(&store).await? {
            return Err(FeedError::Lost);
        }
        let stream = open_stream(&store, &campaign, &after).await?;
        Ok(Self {
            store,
            campaign,
            after,
            stream: Some(stream),
            requested_before: true,
            ready: VecDeque::new(),
        })
    }

    pub(crate) async fn next(&mut self, wait: Duration) -> Result<Vec<Change>, FeedError> {
        let deadline = Instant::now() + wait;
        loop {
            let answer = self.next_batch().await?;
            // After a full batch there may be more; any other batch is the last.
            let more = answer.events == BATCH_SIZE
                && self.ready.len() + 2 * BATCH_SIZE <= MAX_CHANGES.into();
            let waits = !answer.requested_now || Instant::now() < deadline;
            if more || (self.ready.is_empty() && waits) {
                continue;
            }
            return Ok(self.ready.drain(..).collect());
        }
    }

    async fn next_batch(&mut self) -> Result<FeedBatch, FeedError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                // The first batch of a stream is returned at once and says nothing about later changes.
                self.requested_before = true;
                none.insert(open_stream(&self.store, &self.campaign, &self.after).await?)
            }
        };
        let requested_now = !self.requested_before;
        // Set while a request is under way, so that it remains set if this call is cancelled.
        self.requested_before = true;
        let next = async { Ok::<_, StoreError>(stream.next().await) };
        let answer = with_timeout(MAX_AWAIT_TIME + OPERATION_TIMEOUT, next).await;
        self.requested_before = false;
        let taken = match answer {
            Ok(Some(Ok(batch))) => self.read_batch(&batch).map_err(FeedError::from),
            Ok(Some(Err(error))) => Err(to_feed_error(error)),
            // The server ends a stream when its collection is dropped or renamed.
            Ok(None) => Err(FeedError::Lost),
            Err(error) => Err(error.into()),
        };
        if taken.is_err() {
            self.stream = None;
        }
        taken.map(|events| FeedBatch {
            events,
            requested_now,
        })
    }

    fn read_batch(&mut self, batch: &RawBatch) -> Result<usize> {
        let mut taken = 0;
        for event in batch.doc_slices()? {
            let event = event.ok().and_then(RawBsonRef::as_document);
            let change = event.and_then(FeedEvent::parse);
            let FeedEvent {
                before,
                after,
                position,
            } = change.ok_or_else(|| StoreError::malformed("change"))?;
            let changes = Change::between_values(before, after, &position);
            self.ready.extend(changes);
            self.after = position;
            taken += 1;
        }
        Ok(taken)
    }
}

async fn open_stream(
    store: &MongoStore,
    campaign: &CampaignId,
    after: &FeedPosition,
) -> Result<RawBatchCursor, FeedError> {
    let mut from = doc! {};
    match &after.token {
        None => from.insert("startAtOperationTime", from_order(after.at + 1)),
        Some(token) => {
            let token: Document = serde_json::from_str(token).map_err(|_| FeedError::Lost)?;
            from.insert("startAfter", token)
        }
    };
    let campaign = campaign.as_str();
    let events = [
        doc! { "operationType": "insert", "fullDocument.campaign": campaign },
        doc! { "operationType": "update", "updateDescription.updatedFields.moved.campaign": campaign },
        doc! { "operationType": "replace", "fullDocument.gone.campaign": campaign },
    ];
    let shown = doc! {
        "clusterTime": 1,
        "fullDocument.value": 1,
        "fullDocument.gone.value": 1,
        "updateDescription.updatedFields.moved": 1,
    };
    let pipeline = [
        doc! { "$changeStream": from },
        doc! { "$match": { "$or": events.to_vec() } },
        doc! { "$project": shown },
    ];
    let stream = store
        .registrations
        .aggregate(pipeline)
        .batch_size(u32::try_from(BATCH_SIZE).unwrap_or(u32::MAX))
        .max_await_time(MAX_AWAIT_TIME)
        .selection_criteria(primary());
    let open = async { Ok::<_, StoreError>(stream.batch().await) };
    let opened = in_time(open).await?;
    opened.map_err(|error| match after.token {
        Some(_) if driver_error::is_invalid_token(&error) => FeedError::Lost,
        _ => to_feed_error(error),
    })
}

/// An event of the stream: a registration that counted under one value and now counts under another.
struct FeedEvent {
    before: Option<String>,
    after: Option<String>,
    position: FeedPosition,
}

impl FeedEvent {
    fn parse(event: &RawDocument) -> Option<Self> {
        let token = event.get_document("_id").ok()?;
        let text = |of: &RawDocument, name| of.get_str(name).ok().map(str::to_owned);
        let (before, after) = match (moved(event), event.get_document("fullDocument")) {
            (Some(moved), _) => (text(moved, "from"), text(moved, "to")),
            (None, Ok(document)) => {
                let gone = document.get_document("gone").ok();
                (
                    gone.and_then(|gone| text(gone, "value")),
                    text(document, "value"),
                )
            }
            (None, Err(_)) => (None, None),
        };
        let position = FeedPosition {
            at: to_order(event.get_timestamp("clusterTime").ok()?),
            token: Some(serde_json::to_string(&token).ok()?),
        };
        (before.is_some() || after.is_some()).then_some(Self {
            before,
            after,
            position,
        })
    }
}

/// Returns the field that a correction sets if totals change.
fn moved(event: &RawDocument) -> Option<&RawDocument> {
    let update = event.get_document("updateDescription").ok()?;
    let fields = update.get_document("updatedFields").ok()?;
    fields.get_document("moved").ok()
}

async fn cluster_time(store: &MongoStore) -> Result<u64> {
    let answer = store
        .run_on_primary(OPERATION_TIMEOUT, doc! { "ping": 1 })
        .await?;
    let cluster = answer.get_document("$clusterTime").ok();
    let cluster = cluster.and_then(|cluster| cluster.get_timestamp("clusterTime").ok());
    let time = cluster.or_else(|| answer.get_timestamp("operationTime").ok());
    time.map(to_order)
        .ok_or_else(|| StoreError::malformed("cluster time"))
}

fn to_feed_error(error: mongodb::error::Error) -> FeedError {
    if driver_error::is_lost_position(&error) {
        return FeedError::Lost;
    }
    StoreError::from(error).into()
}

fn from_order(at: u64) -> Timestamp {
    let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    Timestamp {
        time: half(at >> 32),
        increment: half(at),
    }
}
