//! SQLite back end: one file on this machine, the default if nothing else is installed. One thread writes, in groups;
//! a few connections read beside it (write-ahead log).

mod account;
mod audit;
mod buffered_photos;
mod consent;
mod driver_error;
mod early_closures;
mod erased_registrations;
mod feed;
mod job;
mod lease;
mod list;
mod pending_deletions;
mod read_pool;
mod retention;
mod row;
mod schema;
mod search;
mod session;
mod statistics;
mod token;
mod update;
mod wrapped_keys;
mod write_thread;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    BufferTotals, BufferedPhoto, BufferedPhotoKey, FeedError, InsertOutcome, PING_TIMEOUT,
    Position, Receipt, RegistrationStream, Snapshot, StoreError,
};
use jornada_domain::{
    Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, Selection,
};

pub use feed::SqliteFeed;
use read_pool::ReadPool;
use row::RegistrationRow;
use write_thread::WriteThread;

/// One SQLite file; several processes may have it open.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    readers: Arc<ReadPool>,
    writer: WriteThread,
    commits: watch::Receiver<()>,
}

impl SqliteStore {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        let connection = read_pool::blocking(move || schema::open(&owned)).await?;
        let (writer, written) = WriteThread::start(connection)?;
        Ok(Self {
            readers: Arc::new(ReadPool::new(path)),
            writer,
            commits: written,
        })
    }

    pub(super) async fn insert(
        &self,
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<InsertOutcome, StoreError> {
        let row = RegistrationRow::from_registration(campaign, registration)?;
        self.writer
            .write(move |connection| row.insert(connection))
            .await
    }

    pub(super) async fn receipt(
        &self,
        number: ReceiptNumber,
    ) -> Result<Option<Receipt>, StoreError> {
        let (least, greatest) = number.id_range();
        let ids = [*least.as_bytes(), *greatest.as_bytes()];
        self.readers
            .read(move |connection| {
                let sql = "SELECT id, campaign, value, received_at FROM registrations \
                           WHERE id BETWEEN ?1 AND ?2 LIMIT 1";
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(ids)?;
                rows.next()?.map(row::receipt).transpose()
            })
            .await
    }

    pub(super) async fn registration(
        &self,
        campaign: &Campaign,
        id: RegistrationId,
    ) -> Result<Option<Registration>, StoreError> {
        let campaign = campaign.clone();
        self.readers
            .read(move |connection| {
                let sql = list::select("id = ?1 AND campaign = ?2");
                let mut statement = connection.prepare_cached(&sql)?;
                let mut rows = statement.query((id.as_bytes(), campaign.id.as_str()))?;
                let read = |row| row::registration(&campaign, row);
                rows.next()?.map(read).transpose()
            })
            .await
    }

    pub(super) async fn answers(
        &self,
        campaign: &CampaignId,
        id: RegistrationId,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let campaign = campaign.clone();
        let read = move |connection: &mut Connection| {
            let sql = "SELECT answers FROM registrations WHERE id = ?1 AND campaign = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let of = (id.as_bytes(), campaign.as_str());
            let found: Option<String> = statement.query_row(of, |row| row.get(0)).optional()?;
            let read = found.map(|json| serde_json::from_str(&json));
            let read = read
                .transpose()
                .map_err(|_| StoreError::malformed("answers"))?;
            Ok(read.unwrap_or_default())
        };
        self.readers.read(read).await
    }

    pub(super) async fn count(
        &self,
        campaign: &CampaignId,
        selection: &Selection,
    ) -> Result<u64, StoreError> {
        let (campaign, selection) = (campaign.clone(), selection.clone());
        let read =
            move |connection: &mut Connection| list::count(connection, &campaign, &selection);
        self.readers.read(read).await
    }

    pub(super) async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        selection: &Selection,
    ) -> Result<RegistrationStream, StoreError> {
        let (sender, batches) = RegistrationStream::channel();
        let (campaign, selection) = (Arc::clone(campaign), selection.clone());
        self.readers
            .stream(sender, move |connection, sender| {
                list::send_all(connection, &campaign, &selection, sender)
            })
            .await?;
        Ok(batches)
    }

    pub(super) async fn snapshot(&self, campaign: &CampaignId) -> Result<Snapshot, StoreError> {
        let campaign = campaign.clone();
        self.readers
            .read(move |connection| feed::snapshot(connection, &campaign))
            .await
    }

    pub(super) async fn feed(
        &self,
        campaign: &CampaignId,
        after: &Position,
    ) -> Result<SqliteFeed, FeedError> {
        SqliteFeed::open(self.clone(), campaign.clone(), after.at).await
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.writer.ensure_running()?;
        let answered = self.readers.read(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
            Ok(())
        });
        timeout(PING_TIMEOUT, answered)
            .await
            .map_err(|_| StoreError::timed_out())?
    }

    pub(super) async fn buffer_photo(&self, photo: &BufferedPhoto) -> Result<(), StoreError> {
        let photo = photo.clone();
        let keep = move |connection: &Connection| buffered_photos::insert(connection, &photo);
        self.writer.write(keep).await
    }

    pub(super) async fn buffered_photo(
        &self,
        key: BufferedPhotoKey,
    ) -> Result<Option<Bytes>, StoreError> {
        let read = move |connection: &mut Connection| buffered_photos::find_bytes(connection, &key);
        self.readers.read(read).await
    }

    pub(super) async fn buffered_photos(
        &self,
        after: Option<BufferedPhotoKey>,
        limit: u8,
    ) -> Result<Vec<BufferedPhoto>, StoreError> {
        let read = move |connection: &mut Connection| {
            buffered_photos::list_after(connection, after.as_ref(), limit)
        };
        self.readers.read(read).await
    }

    pub(super) async fn remove_buffered_photo(
        &self,
        key: BufferedPhotoKey,
    ) -> Result<bool, StoreError> {
        let remove = move |connection: &Connection| buffered_photos::remove(connection, &key);
        self.writer.write(remove).await
    }

    pub(super) async fn buffer_totals(&self) -> Result<BufferTotals, StoreError> {
        self.readers
            .read(|connection| buffered_photos::totals(connection))
            .await
    }

    pub(super) async fn acquire_lease(
        &self,
        name: &'static str,
        holder: Uuid,
        duration: Duration,
    ) -> Result<bool, StoreError> {
        let take =
            move |connection: &Connection| lease::acquire(connection, name, holder, duration);
        self.writer.write(take).await
    }

    pub(super) async fn release_lease(
        &self,
        name: &'static str,
        holder: Uuid,
    ) -> Result<(), StoreError> {
        let release = move |connection: &Connection| lease::release(connection, name, holder);
        self.writer.write(release).await
    }

    pub(super) async fn now(&self) -> Result<Timestamp, StoreError> {
        self.readers.read(|connection| lease::now(connection)).await
    }
}
