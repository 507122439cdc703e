//! Incidents, stored in one transaction with their mails, and what was reported of them, by whichever watcher.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, Transaction, params};

use super::gather::gather;
use super::mail_kind::Kind;
use super::{maybe_moment, moment};
use crate::watch::probe::Seen;

/// One incident of one target.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Local key.
    pub id: i64,
    /// Id shared by all watchers.
    pub shared: String,
    /// URL and address.
    pub target: String,
    /// Name for people.
    pub label: String,
    /// Whether the target is an instance.
    pub is_instance: bool,
    /// First failure.
    pub since: Timestamp,
    /// Result of the probe that raised it.
    pub seen: Seen,
    /// Whether the watcher itself may have been cut off.
    pub cut_off: bool,
    /// First success after it; `None` while it is open.
    pub until: Option<Timestamp>,
    /// Number of outages.
    pub falls: u32,
    /// Ended because its name no longer resolves to the address.
    pub gone: bool,
    /// When the administrator was notified of it.
    pub told_raised: Option<Timestamp>,
    /// Time of that notification or of the last reminder.
    pub told_at: Option<Timestamp>,
    /// When the administrator was notified of the recovery.
    pub told_resolved: Option<Timestamp>,
}

/// A new incident.
#[derive(Clone, Debug)]
pub struct Raise {
    /// New id, shared by all watchers.
    pub shared: String,
    /// URL and address.
    pub target: String,
    /// Name for people.
    pub label: String,
    /// Whether the target is an instance.
    pub is_instance: bool,
    /// First failure.
    pub since: Timestamp,
    /// Result of the probe.
    pub seen: Seen,
    /// Whether the watcher itself may be cut off.
    pub cut_off: bool,
}

/// End of an incident.
#[derive(Clone, Copy, Debug)]
pub struct Resolve {
    /// Local key.
    pub id: i64,
    /// First success.
    pub until: Timestamp,
    /// Number of outages.
    pub falls: u32,
    /// Ended because its name no longer resolves to the address.
    pub gone: bool,
}

impl Incident {
    /// Returns whether a mail of this kind still has news about the incident.
    #[must_use]
    pub fn is_untold(&self, kind: Kind) -> bool {
        match kind {
            Kind::Raised => self.told_raised.is_none(),
            Kind::Reminder => self.until.is_none() && self.told_resolved.is_none(),
            Kind::Resolved => self.told_resolved.is_none(),
        }
    }
}

/// A notification that another watcher sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// Id shared by all watchers.
    pub shared: String,
    /// When it reported the incident or sent a reminder.
    pub raised: Option<Timestamp>,
    /// When it reported the recovery.
    pub resolved: Option<Timestamp>,
}

/// Inserts an incident and its mail. Returns its key.
pub fn raise(
    tx: &Transaction,
    raise: &Raise,
    group: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    tx.execute(
        "INSERT INTO incidents (shared, target, label, is_instance, since, seen, cut_off)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            raise.shared,
            raise.target,
            raise.label,
            raise.is_instance,
            raise.since.as_millisecond(),
            serde_json::to_string(&raise.seen).unwrap_or_default(),
            raise.cut_off,
        ],
    )?;
    let id = tx.last_insert_rowid();
    gather(tx, Kind::Raised, id, group, now)?;
    Ok(id)
}

/// Marks an incident as resolved and queues its mail.
pub fn resolve(
    tx: &Transaction,
    end: &Resolve,
    group: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE incidents SET until = ?2, falls = ?3, gone = ?4 WHERE id = ?1",
        params![end.id, end.until.as_millisecond(), end.falls, end.gone],
    )?;
    gather(tx, Kind::Resolved, end.id, group, now)
}

/// Inserts a resolved incident that another watcher reported, so that the recovery is reported too.
pub fn inherit(
    tx: &Transaction,
    raised: &Raise,
    told_at: Timestamp,
    until: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let id = raise(tx, raised, SignedDuration::ZERO, now)?;
    let learned = Learned {
        shared: raised.shared.clone(),
        raised: Some(told_at),
        resolved: None,
    };
    learn(tx, id, &learned)?;
    let end = Resolve {
        id,
        until,
        falls: 1,
        gone: false,
    };
    resolve(tx, &end, SignedDuration::ZERO, now)
}

/// Applies a notification of another watcher. Unsent mails are written again, because they have less to report.
pub fn learn(tx: &Transaction, id: i64, learned: &Learned) -> rusqlite::Result<()> {
    let ms = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    tx.execute(
        "UPDATE incidents SET shared = ?2,
             told_raised = coalesce(told_raised, ?3),
             told_at = max(coalesce(told_at, 0), coalesce(?3, told_at, 0)),
             told_resolved = coalesce(told_resolved, ?4)
         WHERE id = ?1",
        params![id, learned.shared, ms(learned.raised), ms(learned.resolved)],
    )?;
    tx.execute(
        "UPDATE mails SET message = NULL WHERE settled_at IS NULL
             AND id IN (SELECT mail FROM mail_incidents WHERE incident = ?1)",
        [id],
    )?;
    Ok(())
}

/// Returns up to 1000 incidents with news to report, or whose recovery was reported after `after`, oldest first.
pub fn recent(tx: &Transaction, after: Timestamp) -> rusqlite::Result<Vec<Incident>> {
    let after = after.as_millisecond();
    let rest = format!(
        "WHERE told_resolved IS NULL OR told_resolved > {after} ORDER BY id DESC LIMIT 1000"
    );
    let mut newest_first = list(tx, &rest)?;
    newest_first.reverse();
    Ok(newest_first)
}

/// Returns the open incidents.
pub fn open(tx: &Transaction) -> rusqlite::Result<Vec<Incident>> {
    list(tx, "WHERE until IS NULL ORDER BY id LIMIT 10000")
}

/// Returns the last 50 incidents, newest first.
pub fn latest(tx: &Transaction) -> rusqlite::Result<Vec<Incident>> {
    list(tx, "ORDER BY id DESC LIMIT 50")
}

/// Returns the incidents of a mail.
pub fn of_mail(tx: &Transaction, mail: i64) -> rusqlite::Result<Vec<Incident>> {
    let in_mail = format!("SELECT incident FROM mail_incidents WHERE mail = {mail}");
    list(tx, &format!("WHERE id IN ({in_mail}) ORDER BY id"))
}

fn list(tx: &Transaction, rest: &str) -> rusqlite::Result<Vec<Incident>> {
    let mut statement = tx.prepare(&format!("SELECT * FROM incidents {rest}"))?;
    statement.query_map([], read)?.collect()
}

fn read(row: &Row) -> rusqlite::Result<Incident> {
    let seen: String = row.get("seen")?;
    Ok(Incident {
        id: row.get("id")?,
        shared: row.get("shared")?,
        target: row.get("target")?,
        label: row.get("label")?,
        is_instance: row.get("is_instance")?,
        since: moment(row, "since")?,
        seen: serde_json::from_str(&seen).unwrap_or(Seen::Broken),
        cut_off: row.get("cut_off")?,
        until: maybe_moment(row, "until")?,
        falls: row.get("falls")?,
        gone: row.get("gone")?,
        told_raised: maybe_moment(row, "told_raised")?,
        told_at: maybe_moment(row, "told_at")?,
        told_resolved: maybe_moment(row, "told_resolved")?,
    })
}
