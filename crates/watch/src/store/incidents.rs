//! Incidents, stored in one transaction with their mails, and their notifications, sent by any watcher.

use derive_more::Deref;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, Transaction, params};

use super::gather::queue_incident;
use super::mail_kind::MailKind;
use super::{read_optional_timestamp, read_timestamp};
use crate::probe::ProbeResult;

/// A new incident of one target.
#[derive(Clone, Debug)]
pub struct NewIncident {
    /// Id shared by all watchers.
    pub shared_id: String,
    /// URL and address.
    pub target: String,
    /// Name for people.
    pub label: String,
    pub is_instance: bool,
    /// First failure.
    pub since: Timestamp,
    /// Result of the probe that raised it.
    pub probe_result: ProbeResult,
    /// Whether the watcher itself may have been cut off.
    pub cut_off: bool,
}

/// A stored incident.
#[derive(Clone, Debug, Deref)]
pub struct Incident {
    /// Local key.
    pub id: i64,
    #[deref]
    pub raised: NewIncident,
    /// First success after it; `None` while it is open.
    pub until: Option<Timestamp>,
    pub outages: u32,
    /// Ended because its name no longer resolves to the address.
    pub address_removed: bool,
    /// When the administrator was notified of it.
    pub reported_at: Option<Timestamp>,
    /// Time of that notification or of the last reminder.
    pub last_reported_at: Option<Timestamp>,
    /// When the administrator was notified of the recovery.
    pub recovery_reported_at: Option<Timestamp>,
}

/// End of an incident.
#[derive(Clone, Copy, Debug)]
pub struct IncidentEnd {
    pub id: i64,
    pub until: Timestamp,
    pub outages: u32,
    pub address_removed: bool,
}

impl Incident {
    /// Returns whether a mail of this kind still has news about the incident.
    pub fn has_news_for(&self, kind: MailKind) -> bool {
        match kind {
            MailKind::Raised => self.reported_at.is_none(),
            MailKind::Reminder => self.until.is_none() && self.recovery_reported_at.is_none(),
            MailKind::Resolved => self.recovery_reported_at.is_none(),
            MailKind::Refused => false,
        }
    }
}

/// A notification that another watcher sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerNotification {
    /// Id shared by all watchers.
    pub shared_id: String,
    /// When it reported the incident or sent a reminder.
    pub raised_at: Option<Timestamp>,
    /// When it reported the recovery.
    pub resolved_at: Option<Timestamp>,
}

impl PeerNotification {
    pub fn new(
        shared_id: &str,
        raised_at: Option<Timestamp>,
        resolved_at: Option<Timestamp>,
    ) -> Self {
        Self {
            shared_id: shared_id.to_owned(),
            raised_at,
            resolved_at,
        }
    }
}

/// Inserts an incident and its mail. Returns its key.
pub fn raise(
    tx: &Transaction,
    incident: &NewIncident,
    group: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    tx.execute(
        "INSERT INTO incidents (shared, target, label, is_instance, since, seen, cut_off)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            incident.shared_id,
            incident.target,
            incident.label,
            incident.is_instance,
            incident.since.as_millisecond(),
            serde_json::to_string(&incident.probe_result).unwrap_or_default(),
            incident.cut_off,
        ],
    )?;
    let id = tx.last_insert_rowid();
    queue_incident(tx, MailKind::Raised, id, group, now)?;
    Ok(id)
}

/// Marks an incident as resolved and queues its mail.
pub fn resolve(
    tx: &Transaction,
    end: &IncidentEnd,
    group: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE incidents SET until = ?2, falls = ?3, gone = ?4 WHERE id = ?1",
        params![
            end.id,
            end.until.as_millisecond(),
            end.outages,
            end.address_removed
        ],
    )?;
    queue_incident(tx, MailKind::Resolved, end.id, group, now)
}

/// Inserts a resolved incident that another watcher reported, so that the recovery is reported too.
pub fn adopt(
    tx: &Transaction,
    raised: &NewIncident,
    reported_at: Timestamp,
    until: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let id = raise(tx, raised, SignedDuration::ZERO, now)?;
    let notification = PeerNotification::new(&raised.shared_id, Some(reported_at), None);
    import(tx, id, &notification)?;
    let end = IncidentEnd {
        id,
        until,
        outages: 1,
        address_removed: false,
    };
    resolve(tx, &end, SignedDuration::ZERO, now)
}

/// Applies a notification of another watcher. Mails that nobody has are written again, because they have less to report.
pub fn import(tx: &Transaction, id: i64, notification: &PeerNotification) -> rusqlite::Result<()> {
    let ms = |at: Option<Timestamp>| at.map(Timestamp::as_millisecond);
    tx.execute(
        "UPDATE incidents SET shared = ?2,
             told_raised = coalesce(told_raised, ?3),
             told_at = max(coalesce(told_at, 0), coalesce(?3, told_at, 0)),
             told_resolved = coalesce(told_resolved, ?4)
         WHERE id = ?1",
        params![
            id,
            notification.shared_id,
            ms(notification.raised_at),
            ms(notification.resolved_at)
        ],
    )?;
    tx.execute(
        "UPDATE mails SET message = NULL WHERE settled_at IS NULL
             AND id IN (SELECT mail FROM mail_incidents WHERE incident = ?1)
             AND id NOT IN (SELECT mail FROM mail_recipients WHERE accepted_at IS NOT NULL)",
        [id],
    )?;
    Ok(())
}

/// Returns up to 1000 incidents with news to report, or whose recovery was reported after `after`, oldest first.
pub fn list_recent(tx: &Transaction, after: Timestamp) -> rusqlite::Result<Vec<Incident>> {
    let after = after.as_millisecond();
    let rest = format!(
        "WHERE told_resolved IS NULL OR told_resolved > {after} ORDER BY id DESC LIMIT 1000"
    );
    let mut newest_first = select(tx, &rest)?;
    newest_first.reverse();
    Ok(newest_first)
}

/// Returns the open incidents.
pub fn list_open(tx: &Transaction) -> rusqlite::Result<Vec<Incident>> {
    select(tx, "WHERE until IS NULL ORDER BY id LIMIT 10000")
}

/// Returns the last 50 incidents, newest first.
pub fn list_latest(tx: &Transaction) -> rusqlite::Result<Vec<Incident>> {
    select(tx, "ORDER BY id DESC LIMIT 50")
}

/// Returns the incidents of a mail.
pub fn list_for_mail(tx: &Transaction, mail: i64) -> rusqlite::Result<Vec<Incident>> {
    let in_mail = format!("SELECT incident FROM mail_incidents WHERE mail = {mail}");
    select(tx, &format!("WHERE id IN ({in_mail}) ORDER BY id"))
}

fn select(tx: &Transaction, rest: &str) -> rusqlite::Result<Vec<Incident>> {
    let mut statement = tx.prepare(&format!("SELECT * FROM incidents {rest}"))?;
    statement.query_map([], read_incident)?.collect()
}

fn read_incident(row: &Row) -> rusqlite::Result<Incident> {
    let seen: String = row.get("seen")?;
    Ok(Incident {
        id: row.get("id")?,
        raised: NewIncident {
            shared_id: row.get("shared")?,
            target: row.get("target")?,
            label: row.get("label")?,
            is_instance: row.get("is_instance")?,
            since: read_timestamp(row, "since")?,
            probe_result: serde_json::from_str(&seen).unwrap_or(ProbeResult::Broken),
            cut_off: row.get("cut_off")?,
        },
        until: read_optional_timestamp(row, "until")?,
        outages: row.get("falls")?,
        address_removed: row.get("gone")?,
        reported_at: read_optional_timestamp(row, "told_raised")?,
        last_reported_at: read_optional_timestamp(row, "told_at")?,
        recovery_reported_at: read_optional_timestamp(row, "told_resolved")?,
    })
}
