//! Streams a long list, from a secondary if there is one. One task fetches while a low-priority thread decodes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use mongodb::ClientSession;
use mongodb::bson::{RawBsonRef, doc};
use mongodb::options::{ReadPreference, SelectionCriteria};
use mongodb::raw_batch_cursor::{RawBatch, SessionRawBatchCursor};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{MongoStore, connect, document, primary, selection_filter, with_timeout};
use crate::stream::{BATCH_SIZE, BatchSender};
use crate::{OPERATION_TIMEOUT, RegistrationStream, StoreError};
use jornada_domain::{Campaign, Registration, Selection};
use jornada_runtime::low_priority;

/// Time limit for learning the primary's current time.
const SYNC_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts to read. Returns once the first batch is available.
pub(super) async fn open_stream(
    store: &MongoStore,
    campaign: &Arc<Campaign>,
    selection: &Selection,
) -> Result<RegistrationStream, StoreError> {
    let mut session =
        with_timeout(OPERATION_TIMEOUT, store.database.client().start_session()).await?;
    sync_with_primary(store, &mut session).await;
    let size = u32::try_from(BATCH_SIZE).unwrap_or(u32::MAX);
    let preference = ReadPreference::SecondaryPreferred { options: None };
    let find = store
        .registrations
        .find(selection_filter(&campaign.id, selection))
        .sort(doc! { "value": 1, "received_at": 1, "_id": 1 })
        .hint(connect::list_index_hint())
        .batch_size(size)
        .selection_criteria(SelectionCriteria::ReadPreference(preference))
        .session(&mut session);
    let opened = timeout(OPERATION_TIMEOUT, find.batch()).await;
    let cursor = opened.map_err(|_| StoreError::timed_out())??;
    let (raw, fetched) = mpsc::channel(1);
    let (sender, batches) = RegistrationStream::channel();
    tokio::spawn(fetch(cursor, session, raw));
    let campaign = Arc::clone(campaign);
    low_priority::spawn("list", move || decode(&campaign, fetched, &sender))
        .map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok(batches)
}

/// Advances the session to the primary's current time. A secondary then waits until it has caught up, so that the list
/// contains everything acknowledged before. Without a primary the list contains majority-committed data.
async fn sync_with_primary(store: &MongoStore, session: &mut ClientSession) {
    let ping = store.database.run_command(doc! { "ping": 1 });
    let ping = ping.selection_criteria(primary()).session(session);
    with_timeout(SYNC_TIMEOUT, ping).await.ok();
}

async fn fetch(
    mut cursor: SessionRawBatchCursor,
    mut session: ClientSession,
    raw: mpsc::Sender<Result<RawBatch, StoreError>>,
) {
    let mut stream = cursor.stream(&mut session);
    loop {
        let batch = match timeout(OPERATION_TIMEOUT, stream.next()).await {
            Ok(None) => return,
            Ok(Some(Ok(batch))) => Ok(batch),
            Ok(Some(Err(error))) => Err(error.into()),
            Err(_) => Err(StoreError::timed_out()),
        };
        let failed = batch.is_err();
        if raw.send(batch).await.is_err() || failed {
            return;
        }
    }
}

fn decode(
    campaign: &Campaign,
    mut fetched: mpsc::Receiver<Result<RawBatch, StoreError>>,
    sender: &BatchSender,
) {
    while let Some(batch) = fetched.blocking_recv() {
        let decoded = batch.and_then(|batch| decode_batch(campaign, &batch));
        // The last batch of a cursor is often empty.
        if decoded.as_ref().is_ok_and(Vec::is_empty) {
            continue;
        }
        let failed = decoded.is_err();
        if sender.blocking_send(decoded).is_err() || failed {
            return;
        }
    }
}

fn decode_batch(campaign: &Campaign, batch: &RawBatch) -> Result<Vec<Registration>, StoreError> {
    let mut decoded = Vec::with_capacity(BATCH_SIZE);
    for found in batch.doc_slices()? {
        let found = found.ok().and_then(RawBsonRef::as_document);
        let found = found.ok_or_else(|| StoreError::malformed("shape"))?;
        decoded.push(document::registration(campaign, found)?);
    }
    Ok(decoded)
}
