//! Feed from the table of deltas, in order of commit. Commits of this process wake it; those of other processes are
//! polled for twice a second.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use tokio::time::{Instant, sleep_until};

use super::batch::{
    FeedBatch, FeedChange, FeedError, FeedPosition, MAX_CHANGES, MAX_CHANGES_BYTES,
};
use crate::deltas;
use crate::error::Result;
use crate::sqlite::convert::{count, number};
use crate::sqlite::handle::SqliteStore;
use jornada_domain::Campaign;

/// Polling interval for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The deltas in a SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteFeed {
    store: SqliteStore,
    /// Last row that was returned.
    after: u64,
}

impl SqliteFeed {
    pub(crate) async fn open(store: SqliteStore, after: u64) -> Result<Self, FeedError> {
        // One transaction: a row that is inserted in between would look like one that follows deleted rows.
        let reaches = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            reaches_back(&transaction, after)
        };
        if !store.readers.read(reaches).await? {
            return Err(FeedError::Lost);
        }
        Ok(Self { store, after })
    }

    pub(crate) async fn next(&mut self, wait: Duration) -> Result<FeedBatch, FeedError> {
        let deadline = Instant::now() + wait;
        let mut written = self.store.commits.clone();
        loop {
            written.mark_unchanged();
            let after = self.after;
            let read = move |connection: &mut Connection| read_changes(connection, after);
            let found = self.store.readers.read(read).await?;
            let (changes, is_complete) = found.ok_or(FeedError::Lost)?;
            if let Some(last) = changes.last() {
                self.after = last.position.at;
            }
            let now = Instant::now();
            if !changes.is_empty() || now >= deadline {
                return Ok(FeedBatch {
                    is_complete,
                    changes,
                    position: position(self.after),
                });
            }
            tokio::select! {
                Ok(()) = written.changed() => {}
                () = sleep_until(deadline.min(now + POLL_INTERVAL)) => {}
            }
        }
    }
}

fn position(at: u64) -> FeedPosition {
    FeedPosition {
        at,
        token: None,
        delta: None,
    }
}

impl SqliteStore {
    pub(crate) async fn snapshot<C>(
        &self,
        campaigns: Vec<(Arc<Campaign>, C)>,
    ) -> Result<(Vec<C>, FeedPosition)>
    where
        C: Extend<(Vec<String>, u64)> + Send + 'static,
    {
        let read = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let at = last_row(&transaction)?;
            let count = |(campaign, mut counts): (Arc<Campaign>, C)| {
                count_groups(&transaction, &campaign, &mut counts).map(|()| counts)
            };
            let counted = campaigns.into_iter().map(count).collect::<Result<_>>()?;
            Ok((counted, position(at)))
        };
        self.readers.read(read).await
    }
}

/// Counts the records of a campaign by their counted answers.
fn count_groups<C: Extend<(Vec<String>, u64)>>(
    connection: &Connection,
    campaign: &Campaign,
    counts: &mut C,
) -> Result<()> {
    let fields = campaign.counted_fields();
    let answers = if campaign.counts_stored_value() {
        "value".to_owned()
    } else {
        // Names of fields need no escape.
        let answers = fields.iter().map(|field| {
            let name = &campaign.fields[*field].name;
            format!("ifnull(answers ->> '$.{name}', '')")
        });
        answers.collect::<Vec<_>>().join(", ")
    };
    let table = if campaign.is_vote() {
        "votes"
    } else {
        "registrations"
    };
    let sql =
        format!("SELECT count(*), {answers} FROM {table} WHERE campaign = ?1 GROUP BY {answers}");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([campaign.id.as_str()])?;
    while let Some(row) = rows.next()? {
        let answers = (1..=fields.len()).map(|column| row.get(column));
        counts.extend([(answers.collect::<Result<_, _>>()?, count(row, 0)?)]);
    }
    Ok(())
}

/// Returns the highest row number ever used.
fn last_row(connection: &Connection) -> Result<u64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'deltas'";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.query_row((), |row| count(row, 0)).optional()?;
    Ok(last.unwrap_or(0))
}

/// Returns the row number after which no row was deleted.
fn pruned_row(connection: &Connection) -> Result<u64> {
    let sql = "SELECT min(seq) FROM deltas";
    let mut statement = connection.prepare_cached(sql)?;
    let first: Option<i64> = statement.query_row((), |row| row.get(0))?;
    first.map_or_else(
        || last_row(connection),
        |first| Ok(first.unsigned_abs() - 1),
    )
}

/// Returns whether all rows after this one are there, and it is not from the future.
fn reaches_back(connection: &Connection, after: u64) -> Result<bool> {
    Ok(after <= last_row(connection)? && after >= pruned_row(connection)?)
}

/// Returns the deltas after a row, and whether these are all; `None` if the table does not reach that far, forwards or
/// back, or a delta cannot be read.
fn read_changes(
    connection: &mut Connection,
    after: u64,
) -> Result<Option<(Vec<FeedChange>, bool)>> {
    let transaction = connection.transaction()?;
    if !reaches_back(&transaction, after)? {
        return Ok(None);
    }
    let sql =
        "SELECT seq, campaign, fields, counts FROM deltas WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query((number(after), MAX_CHANGES))?;
    let (mut changes, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let Some(delta) = deltas::sqlite::read(row) else {
            return Ok(None);
        };
        bytes += row.get_ref(3)?.as_bytes().map_or(0, <[u8]>::len);
        changes.push(FeedChange {
            delta,
            position: position(count(row, 0)?),
        });
        if bytes >= MAX_CHANGES_BYTES {
            return Ok(Some((changes, false)));
        }
    }
    let is_complete = changes.len() < MAX_CHANGES.into();
    Ok(Some((changes, is_complete)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deltas::Delta;
    use crate::sqlite::file::SCHEMA;
    use jornada_domain::CampaignId;

    #[test]
    fn old_deltas_are_deleted_and_positions_before_them_are_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(folder.path().join("jornada.db")).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        let rows = "INSERT INTO deltas (seq, campaign, fields, counts) VALUES \
                    (1, 'vacunacion', '[]', '[]'), (2000, 'vacunacion', '[]', '[]'), \
                    (2001, 'otra', '[\"a\"]', '[[[\"b\"],-2]]'), (101999, 'vacunacion', '[]', '[]')";
        connection.execute_batch(rows).unwrap();
        let mut found = |after| read_changes(&mut connection, after).unwrap();
        assert_eq!(found(0).unwrap().0.len(), 4);
        let last = Delta {
            campaign: CampaignId::parse("vacunacion").unwrap(),
            fields: vec!["ciudad".to_owned()],
            counts: [(vec!["Cali".to_owned()], 3)].into(),
        };
        deltas::sqlite::append(&connection, &last).unwrap();
        let mut found = |after| read_changes(&mut connection, after).unwrap();
        assert!(found(1999).is_none() && found(0).is_none());
        let (changes, is_complete) = found(2000).unwrap();
        assert!(is_complete);
        let rows: Vec<_> = changes.iter().map(|change| change.position.at).collect();
        assert_eq!(rows, [2001, 101_999, 102_000]);
        assert_eq!(changes[2].delta, last);
        assert_eq!(changes[0].delta.counts, [(vec!["b".to_owned()], -2)].into());
        assert!(found(102_001).is_none());
    }
}
