//! Registrations in one SQLite file of this machine: what `jornada` uses when nothing else is installed.
//! One thread writes, in groups; a few connections read beside it (write-ahead log).

mod fault;
mod feed;
mod list;
mod readers;
mod row;
mod schema;
mod writer;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::OptionalExtension;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Batches, FeedError, Kept, PING, Position, Receipt, Snapshot, StoreError};
use crate::domain::{Campaign, CampaignId, ReceiptNumber, Registration, RegistrationId};

pub use feed::SqliteFeed;
use readers::Readers;
use row::Row;
use writer::{Token, Write, Writer};

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
        self.writer.write(Write::Registration(row)).await
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

    pub(super) async fn count(
        &self,
        campaign: &CampaignId,
        value: Option<&str>,
    ) -> Result<u64, StoreError> {
        let (campaign, value) = (campaign.clone(), value.map(str::to_owned));
        let sql = match value {
            Some(_) => "SELECT count(*) FROM registrations WHERE campaign = ?1 AND value = ?2",
            None => "SELECT count(*) FROM registrations WHERE campaign = ?1 AND ?2 IS NULL",
        };
        self.readers
            .read(move |connection| {
                let mut statement = connection.prepare_cached(sql)?;
                let count: i64 =
                    statement.query_row((campaign.as_str(), value), |row| row.get(0))?;
                Ok(count.unsigned_abs())
            })
            .await
    }

    pub(super) async fn registrations(
        &self,
        campaign: &Arc<Campaign>,
        value: Option<&str>,
    ) -> Result<Batches, StoreError> {
        let (sender, batches) = Batches::channel();
        let (campaign, value) = (Arc::clone(campaign), value.map(str::to_owned));
        self.readers
            .list(sender, move |connection, sender| {
                list::all(connection, &campaign, value.as_deref(), sender)
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

    pub(super) async fn add_token(
        &self,
        hash: &[u8; 32],
        name: &str,
        created_at: Timestamp,
    ) -> Result<(), StoreError> {
        let token = Token {
            hash: *hash,
            name: name.to_owned(),
            created_at: created_at.as_millisecond(),
        };
        self.writer.write(Write::Token(token)).await.map(|_| ())
    }

    pub(super) async fn token_name(&self, hash: &[u8; 32]) -> Result<Option<String>, StoreError> {
        let hash = *hash;
        self.readers
            .read(move |connection| {
                let sql = "SELECT name FROM tokens WHERE hash = ?1";
                let mut statement = connection.prepare_cached(sql)?;
                let name = statement.query_row([hash], |row| row.get(0)).optional()?;
                Ok(name)
            })
            .await
    }
}
