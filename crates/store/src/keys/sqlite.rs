//! Table of encrypted keys in SQLite.

pub(crate) const TABLES: &str = "
CREATE TABLE vault_keys (
    id BLOB PRIMARY KEY,
    under BLOB NOT NULL, -- id of the master key
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
";
