//! Availability of each target, as two counts per hour over 90 days; and planned maintenance, during which
//! nothing is counted and no mail is sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::read_timestamp;

const HOUR_MS: i64 = 3_600_000;
/// Retention in hours.
const RETENTION_HOURS: i64 = 90 * 24;
/// Maximum number of stored addresses per URL.
const MAX_ADDRESSES: u32 = 32;

/// Addresses behind a URL, with the names of their instances.
pub type KnownAddresses = Vec<(SocketAddr, Option<String>)>;

/// Numbers of healthy and unhealthy probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeCount {
    /// Healthy probes.
    pub up: u32,
    /// Unhealthy probes.
    pub down: u32,
}

impl ProbeCount {
    /// Returns the percentage of healthy probes, or `None` without probes.
    pub fn percent(self) -> Option<f64> {
        let (up, down) = (f64::from(self.up), f64::from(self.down));
        let all = up + down;
        (all > 0.0).then(|| up * 100.0 / all)
    }
}

/// Availability of one target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Availability {
    /// The last 24 hours.
    pub day: ProbeCount,
    /// The last 90 days.
    pub quarter: ProbeCount,
}

/// Planned maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Time at which it was set. The latest one applies.
    pub set_at: Timestamp,
    /// Planned end.
    pub until: Timestamp,
    /// Reason.
    pub reason: String,
}

impl Maintenance {
    /// Returns whether it is in progress at `now`.
    pub fn is_active(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// Adds counts to the current hour.
pub fn add_counts(
    tx: &Transaction,
    counts: &BTreeMap<String, ProbeCount>,
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
    tx.execute(
        "DELETE FROM hours WHERE hour < ?1",
        [hour - RETENTION_HOURS],
    )?;
    Ok(())
}

/// Returns the availability of every target.
pub fn read_availability(
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
    let rows = statement.query_map([hour - 24, hour - RETENTION_HOURS], |row| {
        let (up, down) = (row.get(1)?, row.get(2)?);
        let quarter = ProbeCount { up, down };
        let (up, down) = (row.get(3)?, row.get(4)?);
        let day = ProbeCount { up, down };
        Ok((row.get(0)?, Availability { day, quarter }))
    })?;
    rows.collect()
}

/// Stores planned maintenance, set here or by another watcher. Only the latest is stored.
pub fn set_maintenance(tx: &Transaction, maintenance: &Maintenance) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT OR REPLACE INTO pauses VALUES (?1, ?2, ?3)",
        params![
            maintenance.set_at.as_millisecond(),
            maintenance.until.as_millisecond(),
            maintenance.reason
        ],
    )?;
    tx.execute(
        "DELETE FROM pauses WHERE set_at < (SELECT max(set_at) FROM pauses)",
        [],
    )?;
    Ok(())
}

/// Returns the planned maintenance that was set last, whether ended or not.
pub fn latest_maintenance(tx: &Transaction) -> rusqlite::Result<Option<Maintenance>> {
    tx.query_row(
        "SELECT * FROM pauses ORDER BY set_at DESC LIMIT 1",
        [],
        |row| {
            Ok(Maintenance {
                set_at: read_timestamp(row, "set_at")?,
                until: read_timestamp(row, "until")?,
                reason: row.get("reason")?,
            })
        },
    )
    .optional()
}

/// Replaces the stored addresses of a URL.
pub fn replace_addresses(
    tx: &Transaction,
    watched: &str,
    addresses: &KnownAddresses,
) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM targets WHERE watched = ?1", [watched])?;
    let mut statement = tx.prepare_cached("INSERT OR REPLACE INTO targets VALUES (?1, ?2, ?3)")?;
    for (address, instance) in addresses {
        statement.execute(params![watched, address.to_string(), instance])?;
    }
    Ok(())
}

/// Returns the stored addresses of a URL.
pub fn read_addresses(tx: &Transaction, watched: &str) -> rusqlite::Result<KnownAddresses> {
    let mut statement =
        tx.prepare_cached("SELECT address, instance FROM targets WHERE watched = ?1 LIMIT ?2")?;
    let rows = statement.query_map(params![watched, MAX_ADDRESSES], |row| {
        let address: String = row.get(0)?;
        Ok((address, row.get(1)?))
    })?;
    let known = rows.collect::<rusqlite::Result<Vec<(String, _)>>>()?;
    let parsed = known
        .into_iter()
        .filter_map(|(address, instance)| Some((address.parse().ok()?, instance)));
    Ok(parsed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::tests::at;
    use crate::store::tests::temporary_store;

    const HOUR: i64 = 3_600;

    #[test]
    fn a_day_and_a_quarter_are_summed_and_older_hours_deleted() {
        let (_folder, store) = temporary_store();
        let counts = |up, down| BTreeMap::from([("app1".to_owned(), ProbeCount { up, down })]);
        let known = store.run_transaction_blocking(|tx| {
            add_counts(tx, &counts(1, 1), at(-100 * 24 * HOUR))?;
            add_counts(tx, &counts(10, 90), at(-30 * 24 * HOUR))?;
            add_counts(tx, &counts(50, 50), at(-HOUR))?;
            add_counts(tx, &counts(40, 10), at(-HOUR))?;
            let hours: i64 = tx.query_row("SELECT count(*) FROM hours", [], |row| row.get(0))?;
            assert_eq!(hours, 2, "one for each hour, none of long ago");
            read_availability(tx, at(0))
        });
        let known = known.unwrap()["app1"];
        assert_eq!(known.day, ProbeCount { up: 90, down: 60 });
        assert_eq!(known.quarter, ProbeCount { up: 100, down: 150 });
        assert_eq!(known.quarter.percent(), Some(40.0));
        assert_eq!(ProbeCount::default().percent(), None);
    }

    #[test]
    fn the_latest_maintenance_applies() {
        let (_folder, store) = temporary_store();
        let set = |set_at, until| Maintenance {
            set_at: at(set_at),
            until: at(until),
            reason: "disco".into(),
        };
        let counts = store.run_transaction_blocking(|tx| {
            set_maintenance(tx, &set(10, 100))?;
            set_maintenance(tx, &set(20, 20))?;
            set_maintenance(tx, &set(5, 900))?;
            latest_maintenance(tx)
        });
        let counts = counts.unwrap().unwrap();
        assert_eq!(counts, set(20, 20));
        assert!(!counts.is_active(at(20)) && set(10, 100).is_active(at(99)));
    }

    #[test]
    fn addresses_are_replaced() {
        let (_folder, store) = temporary_store();
        let known: KnownAddresses = vec![("10.0.0.1:4100".parse().unwrap(), Some("app1".into()))];
        let stored = store.run_transaction_blocking(|tx| {
            replace_addresses(
                tx,
                "http://app:4100/",
                &vec![("10.0.0.9:1".parse().unwrap(), None)],
            )?;
            replace_addresses(tx, "http://app:4100/", &known)?;
            read_addresses(tx, "http://app:4100/")
        });
        assert_eq!(stored.unwrap(), known);
    }
}
