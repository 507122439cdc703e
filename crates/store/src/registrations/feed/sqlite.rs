//! Feed from a table with a row for each change, in order of commit. Commits of this process wake it; those of other
//! processes are polled for twice a second.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use tokio::time::{Instant, sleep_until};

use super::change::{Change, FeedError, FeedPosition, MAX_CHANGES, TotalsSnapshot};
use crate::error::Result;
use crate::sqlite::convert::{count, number};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::CampaignId;

/// Polling interval for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The changes of one campaign in a SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteFeed {
    store: SqliteStore,
    campaign: CampaignId,
    /// Last row that was returned or is of another campaign.
    after: u64,
}

/// Number of changes to retain. A consumer further behind rebuilds its totals, which takes no longer.
const RETAINED_CHANGES: i64 = 100_000;

/// Maximum number of rows per poll; each may hold two changes.
const MAX_ROWS: u16 = MAX_CHANGES / 2;

/// Number of rows deleted at once.
const PRUNE_INTERVAL: i64 = 1_000;

struct FeedRead {
    changes: Vec<Change>,
    until: u64,
}

impl SqliteFeed {
    pub(crate) async fn open(
        store: SqliteStore,
        campaign: CampaignId,
        after: u64,
    ) -> Result<Self, FeedError> {
        // One transaction: a row that is inserted in between would look like one that follows deleted rows.
        let reaches = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            Ok((pruned_row(&transaction)?, last_row(&transaction)?))
        };
        let (pruned, end) = store.readers.read(reaches).await?;
        if after > end || after < pruned {
            return Err(FeedError::Lost);
        }
        Ok(Self {
            store,
            campaign,
            after,
        })
    }

    pub(crate) async fn next(&mut self, wait: Duration) -> Result<Vec<Change>, FeedError> {
        let deadline = Instant::now() + wait;
        let mut written = self.store.commits.clone();
        loop {
            written.mark_unchanged();
            let (campaign, after) = (self.campaign.clone(), self.after);
            let look =
                move |connection: &mut Connection| read_changes(connection, &campaign, after);
            let found = self.store.readers.read(look).await?;
            let Some(FeedRead { changes, until }) = found else {
                return Err(FeedError::Lost);
            };
            self.after = until;
            let now = Instant::now();
            if !changes.is_empty() || now >= deadline {
                return Ok(changes);
            }
            tokio::select! {
                Ok(()) = written.changed() => {}
                () = sleep_until(deadline.min(now + POLL_INTERVAL)) => {}
            }
        }
    }
}

impl SqliteStore {
    pub(crate) async fn snapshot(&self, campaign: &CampaignId) -> Result<TotalsSnapshot> {
        let campaign = campaign.clone();
        let read = move |connection: &mut Connection| snapshot(connection, &campaign);
        self.readers.read(read).await
    }
}

/// Counts the totals and reads the last row number, in one transaction.
fn snapshot(connection: &mut Connection, campaign: &CampaignId) -> Result<TotalsSnapshot> {
    let transaction = connection.transaction()?;
    let at = last_row(&transaction)?;
    let sql = "SELECT value, count(*) FROM registrations WHERE campaign = ?1 GROUP BY value";
    let mut statement = transaction.prepare_cached(sql)?;
    let totals =
        statement.query_map([campaign.as_str()], |row| Ok((row.get(0)?, count(row, 1)?)))?;
    Ok(TotalsSnapshot {
        totals: totals.collect::<Result<_, _>>()?,
        position: FeedPosition { at, token: None },
    })
}

/// Appends a change to the feed: one registration less, one more, or both. Runs in the transaction of the change.
pub(crate) fn append_change(
    connection: &Connection,
    campaign: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<()> {
    let sql = "INSERT INTO changes (campaign, was, now) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.insert((campaign, before, after))?;
    if last % PRUNE_INTERVAL == 0 {
        let sql = "DELETE FROM changes WHERE seq <= ?1";
        connection
            .prepare_cached(sql)?
            .execute([last - RETAINED_CHANGES])?;
    }
    Ok(())
}

/// Returns the highest row number ever used.
fn last_row(connection: &Connection) -> Result<u64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.query_row((), |row| count(row, 0)).optional()?;
    Ok(last.unwrap_or(0))
}

/// Returns the row number after which no row was deleted.
fn pruned_row(connection: &Connection) -> Result<u64> {
    let sql = "SELECT min(seq) FROM changes";
    let mut statement = connection.prepare_cached(sql)?;
    let first: Option<i64> = statement.query_row((), |row| row.get(0))?;
    first.map_or_else(
        || last_row(connection),
        |first| Ok(first.unsigned_abs() - 1),
    )
}

/// Returns the changes after a row; `None` if the table does not reach that far, forwards or back.
fn read_changes(
    connection: &mut Connection,
    campaign: &CampaignId,
    after: u64,
) -> Result<Option<FeedRead>> {
    let transaction = connection.transaction()?;
    let end = last_row(&transaction)?;
    if after > end || after < pruned_row(&transaction)? {
        return Ok(None);
    }
    // The unary plus keeps the planner on the table's own order, where rows since the last poll are a short range.
    let sql = "SELECT seq, was, now FROM changes \
               WHERE seq > ?1 AND +campaign = ?2 ORDER BY seq LIMIT ?3";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query((number(after), campaign.as_str(), MAX_ROWS))?;
    let (mut changes, mut taken, mut until) = (Vec::new(), 0, end);
    while let Some(row) = rows.next()? {
        let at = count(row, 0)?;
        let position = FeedPosition { at, token: None };
        changes.extend(Change::between_values(row.get(1)?, row.get(2)?, &position));
        taken += 1;
        if taken == MAX_ROWS {
            until = at;
        }
    }
    Ok(Some(FeedRead { changes, until }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::file::SCHEMA;

    #[test]
    fn old_changes_are_deleted_and_positions_before_them_are_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("jornada.db")).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let rows = "INSERT INTO changes (seq, campaign, now) VALUES \
                    (1, 'vacunacion', 'a'), (2000, 'vacunacion', 'b'), \
                    (2001, 'vacunacion', 'c'), (101999, 'vacunacion', 'd')";
        connection.execute_batch(rows).unwrap();
        let mut found = |after| read_changes(&mut connection, &campaign, after).unwrap();
        assert_eq!(found(0).unwrap().changes.len(), 4);
        append_change(&connection, "vacunacion", Some("d"), Some("a")).unwrap();
        let mut found = |after| read_changes(&mut connection, &campaign, after).unwrap();
        assert!(found(1999).is_none() && found(0).is_none());
        let FeedRead { changes, until } = found(2000).unwrap();
        let told: Vec<_> = changes
            .iter()
            .map(|change| {
                (
                    change.tally_value.as_str(),
                    change.delta,
                    change.position.at,
                )
            })
            .collect();
        let last = RETAINED_CHANGES.unsigned_abs() + 2000;
        let expected = [
            ("c", 1, 2001),
            ("d", 1, last - 1),
            ("d", -1, last),
            ("a", 1, last),
        ];
        assert_eq!((told.as_slice(), until), (&expected[..], last));
        assert!(found(last + 1).is_none());
    }
}
