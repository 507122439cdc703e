//! The feed: rows in the order of their commit. This process is told of its own commits; those of others are
//! looked for twice a second.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use tokio::time::{Instant, sleep_until};

use super::SqliteStore;
use crate::domain::CampaignId;
use crate::store::feed::MOST_CHANGES;
use crate::store::{Change, FeedError, Position, Snapshot, StoreError};

/// How often commits of other processes are looked for.
const POLL: Duration = Duration::from_millis(500);

/// The changes of one campaign in a SQLite file.
#[derive(Debug)]
pub struct SqliteFeed {
    store: SqliteStore,
    campaign: CampaignId,
    /// Up to this row everything was answered, or is of another campaign.
    after: u64,
}

/// What one look at the table found.
struct Look {
    changes: Vec<Change>,
    until: u64,
}

impl SqliteFeed {
    pub(super) async fn open(
        store: SqliteStore,
        campaign: CampaignId,
        after: u64,
    ) -> Result<Self, FeedError> {
        let end = store.readers.read(|connection| last(connection)).await?;
        if after > end {
            return Err(FeedError::Lost);
        }
        Ok(Self {
            store,
            campaign,
            after,
        })
    }

    pub(in crate::store) async fn next(
        &mut self,
        wait: Duration,
    ) -> Result<Vec<Change>, FeedError> {
        let deadline = Instant::now() + wait;
        let mut written = self.store.written.clone();
        loop {
            written.mark_unchanged();
            let (campaign, after) = (self.campaign.clone(), self.after);
            let look = move |connection: &mut Connection| look(connection, &campaign, after);
            let found = self.store.readers.read(look).await?;
            let Some(Look { changes, until }) = found else {
                return Err(FeedError::Lost);
            };
            self.after = until;
            let now = Instant::now();
            if !changes.is_empty() || now >= deadline {
                return Ok(changes);
            }
            tokio::select! {
                Ok(()) = written.changed() => {}
                () = sleep_until(deadline.min(now + POLL)) => {}
            }
        }
    }
}

/// The totals and the last row, in one transaction.
pub(super) fn snapshot(
    connection: &mut Connection,
    campaign: &CampaignId,
) -> Result<Snapshot, StoreError> {
    let transaction = connection.transaction()?;
    let at = last(&transaction)?;
    let sql = "SELECT value, count(*) FROM registrations WHERE campaign = ?1 GROUP BY value";
    let mut statement = transaction.prepare_cached(sql)?;
    let totals = statement.query_map([campaign.as_str()], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(Snapshot {
        totals: totals.collect::<Result<_, _>>()?,
        position: Position { at, token: None },
    })
}

/// The greatest row number ever given.
fn last(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'registrations'";
    let mut statement = connection.prepare_cached(sql)?;
    let last: Option<i64> = statement.query_row((), |row| row.get(0)).optional()?;
    Ok(last.unwrap_or(0).unsigned_abs())
}

/// The changes after a row; `None` when the table does not reach so far.
fn look(
    connection: &mut Connection,
    campaign: &CampaignId,
    after: u64,
) -> Result<Option<Look>, StoreError> {
    let transaction = connection.transaction()?;
    let end = last(&transaction)?;
    if after > end {
        return Ok(None);
    }
    // The plus keeps the planner on the table's own order, where the rows after the last look are a short range.
    let sql = "SELECT seq, value FROM registrations \
               WHERE seq > ?1 AND +campaign = ?2 ORDER BY seq LIMIT ?3";
    let mut statement = transaction.prepare_cached(sql)?;
    let most = i64::try_from(MOST_CHANGES).unwrap_or(i64::MAX);
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let changes = statement.query_map((after, campaign.as_str(), most), |row| {
        let at = row.get::<_, i64>(0)?.unsigned_abs();
        Ok(Change {
            value: row.get(1)?,
            delta: 1,
            position: Position { at, token: None },
        })
    })?;
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let until = match changes.last() {
        Some(change) if changes.len() == MOST_CHANGES => change.position.at,
        _ => end,
    };
    Ok(Some(Look { changes, until }))
}
