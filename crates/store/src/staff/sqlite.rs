//! Tables of accounts, sessions and tokens in SQLite.

pub(crate) const TABLES: &str = "
CREATE TABLE accounts (
    id BLOB PRIMARY KEY,
    mail TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    places TEXT NOT NULL, -- JSON: list of texts, none for all
    password TEXT,
    totp BLOB,
    totp_step INTEGER,
    link BLOB UNIQUE,
    link_expires_at INTEGER,
    epoch INTEGER NOT NULL,
    closed_at INTEGER,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    account BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_account ON sessions (account, created_at);
CREATE INDEX sessions_by_age ON sessions (seen_at);
CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL, -- with commas between them
    places TEXT NOT NULL, -- JSON: list of texts, none for all
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
";
