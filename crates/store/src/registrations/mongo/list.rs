//! Streams a long list, from a secondary if there is one. One task fetches while a low-priority thread decodes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use mongodb::ClientSession;
use mongodb::bson::{RawBsonRef, doc};
use mongodb::options::{ReadPreference, SelectionCriteria};
use mongodb::raw_batch_cursor::{RawBatch, SessionRawBatchCursor};
use tokio::sync::mpsc;

use super::{document, selection_filter};
use crate::error::{Result, StoreError};
use crate::mongo::handle::{MongoStore, primary};
use crate::mongo::indexes::list_index_hint;
use crate::registrations::stream::{BATCH_SIZE, BatchSender, RegistrationStream};
use crate::time_limit::{in_time, with_timeout};
use jornada_domain::{Campaign, Registration, RegistrationSelection};
use jornada_runtime::low_priority;

/// Time limit for learning the primary's current time.
const SYNC_TIMEOUT: Duration = Duration::from_secs(1);

impl MongoStore {
    /// Starts to read. Returns once the first batch is available.
    pub(crate) async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &RegistrationSelection,
    ) -> Result<RegistrationStream> {
        let mut session = in_time(self.database.client().start_session()).await?;
        sync_with_primary(self, &mut session).await;
        let size = u32::try_from(BATCH_SIZE).unwrap_or(u32::MAX);
        let preference = ReadPreference::SecondaryPreferred { options: None };
        let find = self
            .registrations
            .find(selection_filter(&campaign.id, selection))
            .sort(doc! { "value": 1, "received_at": 1, "_id": 1 })
            .hint(list_index_hint())
            .batch_size(size)
            .selection_criteria(SelectionCriteria::ReadPreference(preference))
            .session(&mut session);
        let cursor = in_time(find.batch()).await?;
        let (raw, fetched) = mpsc::channel(1);
        let (sender, batches) = RegistrationStream::channel();
        tokio::spawn(fetch(cursor, session, raw));
        let campaign = Arc::clone(campaign);
        low_priority::spawn("list", move || decode(&campaign, fetched, &sender))
            .map_err(|error| StoreError::Unavailable(error.into()))?;
        Ok(batches)
    }
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
    raw: mpsc::Sender<Result<RawBatch>>,
) {
    let mut stream = cursor.stream(&mut session);
    loop {
        let Some(batch) = in_time(stream.try_next()).await.transpose() else {
            return;
        };
        let failed = batch.is_err();
        if raw.send(batch).await.is_err() || failed {
            return;
        }
    }
}

fn decode(
    campaign: &Campaign,
    mut fetched: mpsc::Receiver<Result<RawBatch>>,
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

fn decode_batch(campaign: &Campaign, batch: &RawBatch) -> Result<Vec<Registration>> {
    let mut decoded = Vec::with_capacity(BATCH_SIZE);
    for found in batch.doc_slices()? {
        let found = found.ok().and_then(RawBsonRef::as_document);
        let found = found.ok_or_else(|| StoreError::malformed("shape"))?;
        decoded.push(document::registration(campaign, found)?);
    }
    Ok(decoded)
}
