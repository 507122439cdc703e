//! Tables of the audit log in SQLite. Triggers reject updates and deletes, so that a mistake at a prompt changes nothing.

/// Subjects are stored twice: in their entry, where its hash covers them, and in a table for look-ups.
pub(crate) const TABLES: &str = "
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
