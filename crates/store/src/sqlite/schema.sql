-- Tables of the store. Whoever changes them raises VERSION in file.rs. Times are milliseconds since 1970 UTC.

-- registrations_in_order serves lists, counts and totals, the other indexes serve searches. Each index holds all
-- columns that its queries sort, group and filter by.
CREATE TABLE registrations (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    campaign TEXT NOT NULL,
    value TEXT NOT NULL,
    answers TEXT NOT NULL, -- JSON: name to text
    photo_sha256 BLOB,
    photo_extension TEXT,
    photo_bytes INTEGER,
    digest BLOB NOT NULL,
    received_at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    version INTEGER NOT NULL DEFAULT 0, -- number of corrections
    name TEXT NOT NULL, -- folded, for searches; empty if the campaign asks for none
    words TEXT NOT NULL, -- of the name, sorted, with spaces between them
    consent TEXT, -- version of the text that the person agreed to
    photo_erased_at INTEGER
) STRICT;
CREATE INDEX registrations_in_order ON registrations (campaign, value, received_at, id);
CREATE INDEX registrations_newest ON registrations (campaign, received_at, id, name, value);
CREATE INDEX registrations_by_name ON registrations (campaign, name, received_at, id);
CREATE INDEX registrations_by_name_in_place ON registrations (campaign, value, name, received_at, id);

-- The words of the names, for searches: a row for each word of a registration, which triggers keep.
CREATE TABLE name_words (
    campaign TEXT NOT NULL,
    word TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (campaign, word, received_at, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX name_words_in_place ON name_words (campaign, value, word, received_at, id, seq);
CREATE TRIGGER words_are_inserted AFTER INSERT ON registrations WHEN NEW.words <> ''
    BEGIN
        INSERT INTO name_words (campaign, word, received_at, id, seq, value)
            SELECT NEW.campaign, value, NEW.received_at, NEW.id, NEW.seq, NEW.value
            FROM json_each('[' || replace(json_quote(NEW.words), ' ', '","') || ']');
    END;
CREATE TRIGGER words_are_updated AFTER UPDATE OF words, value ON registrations
    BEGIN
        DELETE FROM name_words WHERE campaign = OLD.campaign AND received_at = OLD.received_at AND id = OLD.id
            AND word IN (SELECT value FROM json_each('[' || replace(json_quote(OLD.words), ' ', '","') || ']'));
        INSERT INTO name_words (campaign, word, received_at, id, seq, value)
            SELECT NEW.campaign, value, NEW.received_at, NEW.id, NEW.seq, NEW.value
            FROM json_each('[' || replace(json_quote(NEW.words), ' ', '","') || ']') WHERE NEW.words <> '';
    END;
CREATE TRIGGER words_are_deleted AFTER DELETE ON registrations
    BEGIN
        DELETE FROM name_words WHERE campaign = OLD.campaign AND received_at = OLD.received_at AND id = OLD.id
            AND word IN (SELECT value FROM json_each('[' || replace(json_quote(OLD.words), ' ', '","') || ']'));
    END;

-- Votes. Nobody changes a single one.
CREATE TABLE votes (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    campaign TEXT NOT NULL,
    answers TEXT NOT NULL, -- JSON: name to text
    received_at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    door TEXT NOT NULL, -- where it came in
    instance TEXT, -- that took it in
    stored_at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    partition INTEGER, -- of the queue
    offset TEXT -- in the queue, if it came by one
) STRICT;
CREATE INDEX votes_newest ON votes (campaign, received_at, id);

-- Records of the vote queue that cannot become a vote.
CREATE TABLE dead_letters (
    id BLOB PRIMARY KEY, -- derived from source, partition, offset and appended_at
    reason TEXT NOT NULL,
    detail TEXT NOT NULL, -- names of fields and codes
    source TEXT NOT NULL, -- topic or stream
    partition INTEGER,
    offset TEXT NOT NULL,
    key BLOB, -- the first 256 bytes
    value BLOB NOT NULL, -- the first 64 KiB
    bytes INTEGER NOT NULL, -- size of the whole value
    campaign BLOB, -- header
    door BLOB, -- header
    received_at BLOB, -- header
    appended_at INTEGER, -- milliseconds since 1970 UTC, by the broker
    read_at INTEGER NOT NULL -- milliseconds since 1970 UTC
) STRICT;
CREATE INDEX dead_letters_newest ON dead_letters (read_at, id);

-- Changes of the counts. seq grows with every commit: AUTOINCREMENT, and one writer at a time.
CREATE TABLE deltas (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    campaign TEXT NOT NULL,
    fields TEXT NOT NULL, -- JSON: list of the counted fields
    counts TEXT NOT NULL -- JSON: list of [answers, difference]
) STRICT;

-- Id of this database.
CREATE TABLE store_id (
    name TEXT PRIMARY KEY,
    id BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Corrections and deletions. A claim is an alias of a registration. A tombstone replaces a deleted registration.
CREATE TABLE corrections (
    id BLOB NOT NULL, -- of the registration
    version INTEGER NOT NULL, -- to which it brought it
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL,
    changes TEXT NOT NULL, -- JSON: list of field, answer before, answer since
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE claims (
    id BLOB PRIMARY KEY,
    owner BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_of_owner ON claims (owner);
CREATE TABLE tombstones (
    id BLOB PRIMARY KEY,
    campaign TEXT NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL,
    cause TEXT NOT NULL, -- whether the number is free again
    digest BLOB, -- of a false entry
    photo_sha256 BLOB, -- until the photo is removed
    photo_extension TEXT,
    photo_bytes INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_with_photo ON tombstones (at, id) WHERE photo_sha256 IS NOT NULL;
CREATE TABLE revisions (
    campaign TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Submissions whose number somebody else sent first. Those that ended have no personal data.
CREATE TABLE disputes (
    id BLOB PRIMARY KEY, -- of the registration that it may become
    campaign TEXT NOT NULL,
    number BLOB NOT NULL, -- first id of its number
    place_of_number BLOB UNIQUE, -- number, and place among the undecided disputes of it
    state TEXT NOT NULL,
    value TEXT NOT NULL,
    rival TEXT NOT NULL, -- value of the registration that had the number
    answers TEXT, -- JSON: name to text
    digest BLOB,
    received_at INTEGER NOT NULL, -- milliseconds since 1970 UTC
    consent TEXT, -- version of the text that the person agreed to
    photo_sha256 BLOB, -- until the photo is removed
    photo_extension TEXT,
    photo_bytes INTEGER,
    remove_at INTEGER, -- when the photo was to be removed, until it is
    keep_at INTEGER, -- since when it is being kept
    ended_at INTEGER,
    ended_by TEXT,
    reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX disputes_in_order ON disputes (campaign, state, received_at);
CREATE INDEX disputes_of_value ON disputes (campaign, state, value, received_at);
CREATE INDEX disputes_of_rival ON disputes (campaign, state, rival, received_at);
CREATE INDEX disputes_of_number ON disputes (number);
CREATE INDEX disputes_with_photo ON disputes (remove_at) WHERE remove_at IS NOT NULL;

-- Photos that wait for the object store.
CREATE TABLE pending_photos (
    id BLOB PRIMARY KEY, -- of the registration, the digest, and when the attempt was received
    campaign TEXT NOT NULL,
    extension TEXT NOT NULL,
    size INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- Photos past their retention, until they are deleted from the object store; their registrations remain.
CREATE TABLE erased_photos (
    id BLOB PRIMARY KEY, -- of the registration
    campaign TEXT NOT NULL,
    photo_sha256 BLOB NOT NULL,
    photo_extension TEXT NOT NULL,
    photo_bytes INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_photos_by_age ON erased_photos (at, id);

-- Photos whose registration may never be stored: the puts low to high (exclusive) of each run of a process.
CREATE TABLE unresolved_photos (
    id BLOB PRIMARY KEY, -- of the run
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Background jobs.
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

-- Staff accounts, their sessions, and API tokens.
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

-- The audit log. Subjects are stored twice: in their entry, where its hash covers them, and in a table for look-
-- ups. Triggers reject updates and deletes, so that a mistake at a prompt changes nothing.
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
CREATE TRIGGER audit_subjects_are_found AFTER INSERT ON audit
    BEGIN
        INSERT OR IGNORE INTO audit_subjects (subject, seq) SELECT value, NEW.seq FROM json_each(NEW.subjects);
    END;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the record is only added to'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the record is only added to'); END;

-- Early closures, consent texts and rejection counts of campaigns.
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

-- Leases, by the clock of this machine.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder BLOB NOT NULL,
    until INTEGER NOT NULL -- milliseconds since 1970 UTC
) STRICT, WITHOUT ROWID;

-- Keys that encrypt the data keys of photos.
CREATE TABLE vault_keys (
    id BLOB PRIMARY KEY,
    under BLOB NOT NULL, -- id of the master key
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;
