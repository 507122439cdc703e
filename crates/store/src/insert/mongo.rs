//! Inserts batches in MongoDB: transactions, repeated until their outcome is known.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::{Binary, Document, RawDocumentBuf, doc};
use mongodb::error::{Error, Result as Driven, TRANSIENT_TRANSACTION_ERROR};
use mongodb::options::ReadConcern;
use mongodb::{ClientSession, Collection};
use tokio::time::sleep;
use uuid::Uuid;

use super::{InsertOutcome, NewRecord, sum_deltas};
use crate::deltas;
use crate::error::{Result, StoreError};
use crate::mongo::convert::{self, binary, read_field};
use crate::mongo::driver_error::{is_duplicate, is_record_error, is_transient, of_record};
use crate::mongo::handle::{MongoStore, primary};
use crate::mongo::primary_watch::RETRY_DELAY;
use crate::mongo::transaction;
use crate::time_limit::{OPERATION_TIMEOUT, in_time};
use jornada_domain::RegistrationId;

/// First delay after a write conflict: another transaction with the same id usually ends within milliseconds.
const CONFLICT_DELAY: Duration = Duration::from_millis(2);

impl MongoStore {
    pub(crate) async fn insert<R: NewRecord>(
        &self,
        batch: Vec<R>,
        now: Timestamp,
    ) -> Vec<Result<InsertOutcome>> {
        let mut insert = BatchInsert::new(self, &batch, now);
        let ended = in_time(Box::pin(insert.run())).await;
        insert.into_outcomes(ended)
    }
}

/// The insert of one batch. A *part* is a list of indexes of records whose ids differ, in the order of the ids: of two
/// transactions with the same ids one then goes on, instead of both aborting each other.
struct BatchInsert<'a, R> {
    store: &'a MongoStore,
    collection: Collection<RawDocumentBuf>,
    batch: &'a [R],
    documents: Vec<RawDocumentBuf>,
    outcomes: Vec<Option<Result<InsertOutcome>>>,
    /// Whether an attempt may be stored although its acknowledgement was lost.
    is_uncertain: bool,
    delays: Option<ExponentialBackoff>,
}

impl<'a, R: NewRecord> BatchInsert<'a, R> {
    fn new(store: &'a MongoStore, batch: &'a [R], now: Timestamp) -> Self {
        let converted = batch.iter().map(|record| match record.to_document(now) {
            Ok(document) => (document, None),
            Err(error) => (RawDocumentBuf::new(), Some(Err(error))),
        });
        let (documents, outcomes) = converted.unzip();
        Self {
            store,
            collection: store.database.collection(R::TABLE),
            batch,
            documents,
            outcomes,
            is_uncertain: false,
            delays: None,
        }
    }

    /// Repeats without limit while the store may come back: the caller sets the time limit.
    async fn run(&mut self) -> Result<()> {
        let mut session = self.store.database.client().start_session().await?;
        // More than one pass only if the first record of an id was refused and another has the same id.
        loop {
            let part = self.first_of_each_id();
            if part.is_empty() {
                return Ok(());
            }
            self.write(&mut session, part).await;
        }
    }

    /// Returns the first record without an outcome of each id.
    fn first_of_each_id(&self) -> Vec<usize> {
        let mut ids = HashSet::with_capacity(self.batch.len());
        let unresolved = (0..self.batch.len()).filter(|index| self.outcomes[*index].is_none());
        let firsts = unresolved.filter(|index| ids.insert(self.batch[*index].id()));
        let mut part: Vec<_> = firsts.collect();
        part.sort_unstable_by_key(|index| self.batch[*index].id());
        part
    }

    /// Writes until each record of the part has an outcome.
    async fn write(&mut self, session: &mut ClientSession, part: Vec<usize>) {
        let mut parts = vec![part];
        while let Some(mut part) = parts.pop() {
            part.retain(|index| self.outcomes[*index].is_none());
            if part.is_empty() {
                continue;
            }
            match self.attempt(session, &part).await {
                Ok(()) => self.resolve_inserted(&part),
                Err(error) if is_duplicate(&error) => {
                    self.resolve_existing(&part).await;
                    parts.push(part);
                }
                Err(error) if is_repeatable(&error) => {
                    self.pause().await;
                    parts.push(part);
                }
                // One record is refused: the halves without it are written.
                Err(error) if part.len() > 1 && is_record_error(&error) => {
                    let rest = part.split_off(part.len() / 2);
                    parts.extend([rest, part]);
                }
                Err(error) if part.len() == 1 => self.fail(&part, &of_record(error)),
                Err(error) => self.fail(&part, &error.into()),
            }
        }
    }

    async fn attempt(&mut self, session: &mut ClientSession, part: &[usize]) -> Driven<()> {
        transaction::start(session).await?;
        let primary = &self.store.primary;
        let written = primary.run(self.write_records(session, part)).await;
        let reaches_commit = written.is_ok();
        let committed = transaction::finish(primary, session, written, |()| true).await;
        self.is_uncertain |= reaches_commit && committed.is_err();
        committed
    }

    /// Writes the records last: from then until the commit their ids are locked.
    async fn write_records(&self, session: &mut ClientSession, part: &[usize]) -> Driven<()> {
        let deltas = sum_deltas(part.iter().map(|index| &self.batch[*index]));
        deltas::mongo::insert(self.store, session, &deltas).await?;
        let documents = part.iter().map(|index| &self.documents[*index]);
        let insert = self.collection.insert_many(documents);
        insert.session(session).await?;
        Ok(())
    }

    fn resolve_inserted(&mut self, part: &[usize]) {
        for index in part {
            self.outcomes[*index] = Some(Ok(InsertOutcome::Inserted));
        }
        if self.outcomes.iter().all(Option::is_some) {
            return;
        }
        let inserted = part.iter().map(|index| &self.batch[*index]);
        let inserted: HashMap<_, _> = inserted.map(|first| (first.id(), first)).collect();
        for (record, outcome) in self.batch.iter().zip(&mut self.outcomes) {
            if outcome.is_none()
                && let Some(first) = inserted.get(&record.id())
            {
                *outcome = Some(Ok(record.compare(first)));
            }
        }
    }

    /// Resolves the records whose ids are stored. Waits if there are none: no majority may have the document yet, and
    /// it must not be reported as stored before.
    async fn resolve_existing(&mut self, part: &[usize]) {
        match self.find_existing(part).await {
            Ok(stored) if !stored.is_empty() => self.compare(part, &stored),
            Ok(_) | Err(StoreError::Unavailable(_)) => self.pause().await,
            Err(error) => self.fail(part, &error),
        }
    }

    async fn find_existing(
        &self,
        part: &[usize],
    ) -> Result<HashMap<RegistrationId, RawDocumentBuf>> {
        let ids = part.iter().map(|index| self.batch[*index].id());
        let ids: Vec<Binary> = ids.map(|id| binary(id.as_bytes())).collect();
        let compared = R::COMPARED_FIELDS.iter();
        let compared: Document = compared
            .map(|name| ((*name).to_owned(), 1.into()))
            .collect();
        let find = self
            .collection
            .find(doc! { "_id": { "$in": ids } })
            .projection(compared)
            .read_concern(ReadConcern::majority())
            .selection_criteria(primary())
            .max_time(OPERATION_TIMEOUT);
        let find = async { find.await?.try_collect::<Vec<_>>().await };
        let found = self.store.primary.run(find).await?;
        let by_id = found.into_iter().map(|document: RawDocumentBuf| {
            let id = read_field(&document, "_id", convert::registration_id)?;
            Ok((id, document))
        });
        by_id.collect()
    }

    /// Resolves every record of the batch that has one of these ids.
    fn compare(&mut self, part: &[usize], stored: &HashMap<RegistrationId, RawDocumentBuf>) {
        for (index, record) in self.batch.iter().enumerate() {
            let (None, Some(document)) = (&self.outcomes[index], stored.get(&record.id())) else {
                continue;
            };
            let outcome = match record.compare_document(document) {
                // An earlier attempt was stored, but its acknowledgement was lost.
                Ok(InsertOutcome::SameAgain(at))
                    if self.is_uncertain && at == record.received_at() && part.contains(&index) =>
                {
                    Ok(InsertOutcome::Inserted)
                }
                outcome => outcome,
            };
            self.outcomes[index] = Some(outcome);
        }
    }

    fn fail(&mut self, part: &[usize], error: &StoreError) {
        for index in part {
            self.outcomes[*index] = Some(Err(error.duplicate()));
        }
    }

    async fn pause(&mut self) {
        let delays = self.delays.get_or_insert_with(retry_delays);
        sleep(delays.next().unwrap_or(RETRY_DELAY)).await;
    }

    fn into_outcomes(self, ended: Result<()>) -> Vec<Result<InsertOutcome>> {
        let unknown = || StoreError::Unavailable("the outcome is unknown".into());
        let error = ended.err().unwrap_or_else(unknown);
        let outcomes = self.outcomes.into_iter();
        outcomes
            .map(|outcome| outcome.unwrap_or_else(|| Err(error.duplicate())))
            .collect()
    }
}

/// Returns increasing delays with jitter, so that conflicting transactions do not meet again.
fn retry_delays() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(CONFLICT_DELAY)
        .with_max_delay(RETRY_DELAY)
        .without_max_times()
        .with_jitter()
        .with_jitter_seed(Uuid::new_v4().as_u64_pair().0)
        .build()
}

/// Returns whether another attempt may succeed: after a write conflict, or while the store is unavailable.
fn is_repeatable(error: &Error) -> bool {
    error.contains_label(TRANSIENT_TRANSACTION_ERROR) || is_transient(error)
}
