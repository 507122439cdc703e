//! Audit log in SQLite. The key is the sequence number. Triggers reject updates and deletes, so that a mistake at a
//! prompt changes nothing.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::SqliteStore;
use super::account::number;
use super::row::time;
use crate::StoreError;
use crate::audit::{AuditFilter, StoredEntry};
use jornada_domain::CampaignId;
use jornada_domain::staff::audit::{AuditAction, AuditEvent, AuditRecord, ChainEntry, ChainHead};

/// Subjects are stored twice: in their entry, where its hash covers them, and in a table for look-ups.
pub(super) const TABLES: &str = "
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    who TEXT NOT NULL,
    address TEXT,
    request_id TEXT,
    action TEXT NOT NULL,
    campaign TEXT,
    subjects TEXT NOT NULL, -- JSON: list of texts
    detail TEXT NOT NULL, -- JSON: name to text
    before BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_who ON audit (who);
CREATE INDEX audit_by_action ON audit (action);
CREATE INDEX audit_by_campaign ON audit (campaign);
CREATE INDEX audit_by_time ON audit (at);
CREATE TABLE audit_subjects (
    subject TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (subject, seq)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the record is only added to'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the record is only added to'); END;
";

const COLUMNS: &str =
    "seq, at, who, address, request_id, action, campaign, subjects, detail, before, hash";

const INSERT: &str = "INSERT INTO audit \
    (seq, at, who, address, request_id, action, campaign, subjects, detail, before, hash) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING";

impl SqliteStore {
    pub(crate) async fn append_audit(&self, entry: &ChainEntry) -> Result<bool, StoreError> {
        let entry = entry.clone();
        let add = move |connection: &Connection| append(connection, &entry);
        self.writer.write(add).await
    }

    pub(crate) async fn audit_head(&self) -> Result<ChainHead, StoreError> {
        let read = |connection: &mut Connection| {
            let sql = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let last = statement.query_row((), |row| {
                Ok(ChainHead {
                    seq: row.get::<_, i64>(0)?.unsigned_abs(),
                    hash: row.get(1)?,
                })
            });
            Ok(last.optional()?.unwrap_or(ChainHead::EMPTY))
        };
        self.readers.read(read).await
    }

    pub(crate) async fn audit_after(
        &self,
        seq: u64,
        limit: u16,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE seq > ? ORDER BY seq LIMIT {limit}");
        self.entries(sql, vec![number(seq).into()]).await
    }

    pub(crate) async fn audit_before(
        &self,
        filter: &AuditFilter,
        seq: Option<u64>,
        limit: u16,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let (conditions, values) = conditions(filter, seq);
        let sql = format!(
            "SELECT {COLUMNS} FROM audit WHERE {conditions} ORDER BY seq DESC LIMIT {limit}"
        );
        self.entries(sql, values).await
    }

    async fn entries(
        &self,
        sql: String,
        values: Vec<Value>,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let read = move |connection: &mut Connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let seq = row.get::<_, i64>(0)?.unsigned_abs();
                let entry = read_entry(row).map(Box::new);
                found.push(entry.map_or(StoredEntry::Unreadable(seq), StoredEntry::Entry));
            }
            Ok(found)
        };
        self.readers.read(read).await
    }
}

fn append(connection: &Connection, entry: &ChainEntry) -> Result<bool, StoreError> {
    let AuditRecord {
        at,
        actor,
        client_ip: from,
        request_id,
        event,
    } = &entry.record;
    let subjects = serde_json::to_string(&event.subjects);
    let detail = serde_json::to_string(&event.detail);
    let added = connection.prepare_cached(INSERT)?.execute((
        number(entry.seq),
        at.as_millisecond(),
        actor,
        from.map(|from| from.to_string()),
        request_id,
        event.action.name(),
        event.campaign.as_ref().map(CampaignId::as_str),
        subjects.map_err(|_| StoreError::malformed("subjects"))?,
        detail.map_err(|_| StoreError::malformed("detail"))?,
        entry.previous_hash,
        entry.hash,
    ))?;
    if added > 0 {
        let sql =
            "INSERT INTO audit_subjects (subject, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let mut statement = connection.prepare_cached(sql)?;
        for subject in &event.subjects {
            statement.execute((subject, number(entry.seq)))?;
        }
    }
    Ok(added > 0)
}

/// Builds the condition of a filter and its values in the same order.
fn conditions(filter: &AuditFilter, before: Option<u64>) -> (String, Vec<Value>) {
    let mut texts = vec!["seq < ?"];
    let mut values = vec![Value::Integer(before.map_or(i64::MAX, number))];
    let mut push = |text, value: Option<Value>| {
        if let Some(value) = value {
            texts.push(text);
            values.push(value);
        }
    };
    push("who = ?", filter.actor.clone().map(Value::Text));
    let action = filter.action.map(|action| action.name().to_owned().into());
    push("action = ?", action);
    let campaign = filter.campaign.as_ref();
    push(
        "campaign = ?",
        campaign.map(|campaign| campaign.as_str().to_owned().into()),
    );
    push(
        "seq IN (SELECT seq FROM audit_subjects WHERE subject = ?)",
        filter.subject.clone().map(Value::Text),
    );
    let moment = |at: Option<jiff::Timestamp>| at.map(|at| at.as_millisecond().into());
    push("at >= ?", moment(filter.from));
    push("at < ?", moment(filter.until));
    (texts.join(" AND "), values)
}

/// Reads [`COLUMNS`]; `None` for a row that this program did not write.
fn read_entry(row: &Row<'_>) -> Option<ChainEntry> {
    let text = |place: usize| row.get::<_, String>(place).ok();
    let optional = |place: usize| row.get::<_, Option<String>>(place).ok();
    let from = match optional(3)? {
        Some(from) => Some(from.parse().ok()?),
        None => None,
    };
    let campaign = match optional(6)? {
        Some(campaign) => Some(CampaignId::parse(&campaign)?),
        None => None,
    };
    let detail: BTreeMap<_, _> = serde_json::from_str(&text(8)?).ok()?;
    Some(ChainEntry {
        seq: u64::try_from(row.get::<_, i64>(0).ok()?).ok()?,
        record: AuditRecord {
            at: time(row.get(1).ok()?).ok()?,
            actor: text(2)?,
            client_ip: from,
            request_id: optional(4)?,
            event: AuditEvent {
                action: AuditAction::parse(&text(5)?)?,
                campaign,
                subjects: serde_json::from_str(&text(7)?).ok()?,
                detail,
            },
        },
        previous_hash: row.get(9).ok()?,
        hash: row.get(10).ok()?,
    })
}
