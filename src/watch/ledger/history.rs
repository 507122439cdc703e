//! How much of the time each target answered: two counts for each hour, for 90 days; and planned maintenance, in which
//! nothing is counted and nobody is mailed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::moment;

const HOUR_MS: i64 = 3_600_000;
/// Hours that are kept.
const KEPT_HOURS: i64 = 90 * 24;
/// Addresses of one URL that are remembered.
const MOST_ADDRESSES: u32 = 32;

/// The addresses behind a URL, with what the instances call themselves.
pub type Known = Vec<(SocketAddr, Option<String>)>;

/// Probes by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Answered as they should.
    pub up: u32,
    /// The others.
    pub down: u32,
}

impl Count {
    /// Answered ones of a hundred; nothing where nothing was probed.
    #[must_use]
    pub fn percent(self) -> Option<f64> {
        let (up, all) = (
            f64::from(self.up),
            f64::from(self.up) + f64::from(self.down),
        );
        (all > 0.0).then(|| up * 100.0 / all)
    }
}

/// The last day and the last 90.
#[derive(Clone, Copy, Debug, Default)]
pub struct Availability {
    /// The last 24 hours.
    pub day: Count,
    /// The last 90 days.
    pub quarter: Count,
}

/// Planned maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it was set; the latest counts.
    pub set_at: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

impl Pause {
    /// Whether it goes on.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// Adds counts to the hour in which they were made.
pub fn count(
    tx: &Transaction,
    counts: &BTreeMap<String, Count>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let hour = now.as_millisecond() / HOUR_MS;
    let mut statement = tx.prepare_cached(
        "INSERT INTO hours VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET up = up + excluded.up, down = down + excluded.down",
    )?;
    for (target, count) in counts {
        statement.execute(params![target, hour, count.up, count.down])?;
    }
    tx.execute("DELETE FROM hours WHERE hour < ?1", [hour - KEPT_HOURS])?;
    Ok(())
}

/// What is known of every target.
pub fn availability(
    tx: &Transaction,
    now: Timestamp,
) -> rusqlite::Result<BTreeMap<String, Availability>> {
    let hour = now.as_millisecond() / HOUR_MS;
    let mut statement = tx.prepare_cached(
        "SELECT target, sum(up), sum(down),
             coalesce(sum(up) FILTER (WHERE hour > ?1), 0),
             coalesce(sum(down) FILTER (WHERE hour > ?1), 0)
         FROM hours WHERE hour > ?2 GROUP BY target",
    )?;
    let rows = statement.query_map([hour - 24, hour - KEPT_HOURS], |row| {
        let count = |up, down| -> rusqlite::Result<Count> {
            Ok(Count {
                up: row.get(up)?,
                down: row.get(down)?,
            })
        };
        let known = Availability {
            quarter: count(1, 2)?,
            day: count(3, 4)?,
        };
        Ok((row.get(0)?, known))
    })?;
    rows.collect()
}

/// Sets planned maintenance, here or as another watcher knows it; only the latest is kept.
pub fn pause(tx: &Transaction, pause: &Pause) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT OR REPLACE INTO pauses VALUES (?1, ?2, ?3)",
        params![
            pause.set_at.as_millisecond(),
            pause.until.as_millisecond(),
            pause.reason
        ],
    )?;
    tx.execute(
        "DELETE FROM pauses WHERE set_at < (SELECT max(set_at) FROM pauses)",
        [],
    )?;
    Ok(())
}

/// The planned maintenance that was set last, over or not.
pub fn paused(tx: &Transaction) -> rusqlite::Result<Option<Pause>> {
    tx.query_row(
        "SELECT * FROM pauses ORDER BY set_at DESC LIMIT 1",
        [],
        |row| {
            Ok(Pause {
                set_at: moment(row, "set_at")?,
                until: moment(row, "until")?,
                reason: row.get("reason")?,
            })
        },
    )
    .optional()
}

/// Remembers the addresses behind a URL, with what the instances call themselves, in place of those known before.
pub fn remember(tx: &Transaction, watched: &str, addresses: &Known) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM targets WHERE watched = ?1", [watched])?;
    let mut statement = tx.prepare_cached("INSERT OR REPLACE INTO targets VALUES (?1, ?2, ?3)")?;
    for (address, instance) in addresses {
        statement.execute(params![watched, address.to_string(), instance])?;
    }
    Ok(())
}

/// The addresses that were behind a URL.
pub fn remembered(tx: &Transaction, watched: &str) -> rusqlite::Result<Known> {
    let mut statement =
        tx.prepare_cached("SELECT address, instance FROM targets WHERE watched = ?1 LIMIT ?2")?;
    let rows = statement.query_map(params![watched, MOST_ADDRESSES], |row| {
        let address: String = row.get(0)?;
        Ok((address, row.get(1)?))
    })?;
    let known = rows.collect::<rusqlite::Result<Vec<(String, _)>>>()?;
    let parsed = known
        .into_iter()
        .filter_map(|(address, instance)| Some((address.parse().ok()?, instance)));
    Ok(parsed.collect())
}
