//! Tables of closures, consent texts and rejection counts in SQLite.

pub(crate) const TABLES: &str = "
CREATE TABLE closings (
    campaign TEXT PRIMARY KEY,
    at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    by TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE consents (
    version TEXT PRIMARY KEY,
    es TEXT NOT NULL,
    en TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE refusals (
    campaign TEXT NOT NULL,
    day TEXT NOT NULL, -- as 2026-11-25, in the campaign's time zone
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (campaign, day, reason)
) STRICT, WITHOUT ROWID;
";
