//! Table and index of jobs in SQLite.

pub(crate) const TABLES: &str = "
CREATE TABLE jobs (
    id BLOB PRIMARY KEY,
    campaign TEXT NOT NULL,
    wanted TEXT NOT NULL, -- JSON
    askers TEXT NOT NULL, -- JSON: list of texts
    state TEXT NOT NULL,
    rows INTEGER NOT NULL,
    basis_rows INTEGER,
    basis_revision INTEGER,
    attempt INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    noted_at INTEGER, -- when its holder was last heard of
    made_at INTEGER NOT NULL,
    ended_at INTEGER,
    file_bytes INTEGER,
    file_sha256 BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_state ON jobs (state, made_at);
";
