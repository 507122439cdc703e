//! SQLite back end: one file on this machine, the default if nothing else is installed. One thread writes, in groups;
//! a few connections read beside it (write-ahead log).

mod account;
mod amend;
mod audit;
mod closing;
mod consent;
mod counted;
mod erased;
mod fault;
mod feed;
mod job;
mod lease;
mod list;
mod names;
mod pending;
mod readers;
mod removal;
mod retention;
mod row;
mod schema;
mod search;
mod session;
mod token;
mod vault_key;
mod writer;

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
    Batches, FeedError, Kept, PING, Pending, PendingKey, PendingPhoto, Position, Receipt, Snapshot,
    StoreError,
};
use crate::domain::{Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId, Selection};

pub use feed::SqliteFeed;
use readers::Readers;
use row::Row;
use writer::Writer;

/// One SQLite file; several processes may have it open.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    readers: Arc<Readers>,
    writer: Writer,
    written: watch::Receiver<()>,
}

impl SqliteStore {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let owned = path.to_owned();
        let connection = readers::blocking(move || schema::open(&owned)).await?;
        let (writer, written) = Writer::start(connection)?;
        Ok(Self {
            readers: Arc::new(Readers::new(path)),
            writer,
            written,
        })
    }

    pub(super) async fn keep(
        &self,
        campaign: &Campaign,
        registration: &Registration,
    ) -> Result<Kept, StoreError> {
        let row = Row::of(campaign, registration)?;
        self.writer
            .write(move |connection| row.keep(connection))
            .await
    }

    pub(super) async fn receipt(
        &self,
        number: ReceiptNumber,
    ) -> Result<Option<Receipt>, StoreError> {
        let (least, greatest) = number.ids();
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
    ) -> Result<Batches, StoreError> {
        let (sender, batches) = Batches::channel();
        let (campaign, selection) = (Arc::clone(campaign), selection.clone());
        self.readers
            .list(sender, move |connection, sender| {
                list::all(connection, &campaign, &selection, sender)
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
        self.writer.check()?;
        let answered = self.readers.read(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
            Ok(())
        });
        timeout(PING, answered)
            .await
            .map_err(|_| StoreError::late())?
    }

    pub(super) async fn keep_pending(&self, photo: &PendingPhoto) -> Result<(), StoreError> {
        let photo = photo.clone();
        let keep = move |connection: &Connection| pending::keep(connection, &photo);
        self.writer.write(keep).await
    }

    pub(super) async fn pending_photo(&self, key: PendingKey) -> Result<Option<Bytes>, StoreError> {
        let read = move |connection: &mut Connection| pending::bytes(connection, &key);
        self.readers.read(read).await
    }

    pub(super) async fn pending_after(
        &self,
        after: Option<PendingKey>,
        most: u8,
    ) -> Result<Vec<PendingPhoto>, StoreError> {
        let read =
            move |connection: &mut Connection| pending::after(connection, after.as_ref(), most);
        self.readers.read(read).await
    }

    pub(super) async fn remove_pending(&self, key: PendingKey) -> Result<bool, StoreError> {
        let remove = move |connection: &Connection| pending::remove(connection, &key);
        self.writer.write(remove).await
    }

    pub(super) async fn pending(&self) -> Result<Pending, StoreError> {
        self.readers
            .read(|connection| pending::all(connection))
            .await
    }

    pub(super) async fn lease(
        &self,
        name: &'static str,
        holder: Uuid,
        length: Duration,
    ) -> Result<bool, StoreError> {
        let take = move |connection: &Connection| lease::take(connection, name, holder, length);
        self.writer.write(take).await
    }

    pub(super) async fn release(&self, name: &'static str, holder: Uuid) -> Result<(), StoreError> {
        let release = move |connection: &Connection| lease::release(connection, name, holder);
        self.writer.write(release).await
    }

    pub(super) async fn clock(&self) -> Result<Timestamp, StoreError> {
        self.readers
            .read(|connection| lease::clock(connection))
            .await
    }
}
