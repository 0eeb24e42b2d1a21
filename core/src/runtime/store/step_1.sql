-- Version 1. Times are milliseconds since 1970-01-01T00:00:00Z; digests and leaves are 32 bytes.

CREATE TABLE step (
    version INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- The catalogue: what was read, when, and how much of it.
CREATE TABLE reading (
    place INTEGER PRIMARY KEY,
    read_id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    system TEXT NOT NULL,
    resource TEXT NOT NULL,
    read_at TEXT,
    record_count INTEGER NOT NULL,
    coverage TEXT NOT NULL,
    fields TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX reading_of ON reading (tenant, system, resource, place);

-- Reconciliations, with what their last report said.
CREATE TABLE scope (
    place INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    resource TEXT NOT NULL,
    report BLOB NOT NULL,
    coverage TEXT NOT NULL,
    expected_count INTEGER,
    actual_count INTEGER,
    agreed_at INTEGER,
    at INTEGER NOT NULL,
    UNIQUE (tenant, name, resource)
) STRICT;

CREATE TABLE finding (
    scope INTEGER NOT NULL REFERENCES scope (place),
    id BLOB NOT NULL,
    state BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    resolved_at INTEGER,
    times_opened INTEGER NOT NULL,
    PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppression (
    scope INTEGER NOT NULL REFERENCES scope (place),
    id BLOB NOT NULL,
    owner TEXT NOT NULL,
    reason TEXT NOT NULL,
    until INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

-- What was asked for, decided, answered and granted.
CREATE TABLE plan (
    digest BLOB PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    resource TEXT NOT NULL,
    document TEXT,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE decision (
    place INTEGER PRIMARY KEY,
    plan BLOB NOT NULL REFERENCES plan (digest),
    outcome TEXT NOT NULL,
    document TEXT,
    -- Until when people may answer; 0 where nobody is asked.
    until INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX decision_of ON decision (plan);

CREATE TABLE answer (
    place INTEGER PRIMARY KEY,
    plan BLOB NOT NULL REFERENCES plan (digest),
    person TEXT,
    document TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX answer_of ON answer (plan);

CREATE TABLE grant (
    id TEXT PRIMARY KEY,
    plan BLOB NOT NULL REFERENCES plan (digest),
    expires_at INTEGER NOT NULL,
    -- What it was given for, as JSON: a run that is taken up again is held to it.
    terms TEXT,
    run TEXT,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was done while limits were lifted, and who looked at it afterwards.
CREATE TABLE review (
    grant TEXT PRIMARY KEY REFERENCES grant (id),
    opening BLOB NOT NULL,
    plan BLOB NOT NULL REFERENCES plan (digest),
    people TEXT NOT NULL,
    due INTEGER NOT NULL,
    reviewed_by TEXT,
    reviewed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX review_of ON review (opening, plan);

CREATE TABLE usage (
    place INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,
    amount INTEGER NOT NULL,
    plan BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_of ON usage (rule, at);

-- The journal.
CREATE TABLE lease (
    scope TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    plan BLOB NOT NULL UNIQUE REFERENCES plan (digest),
    grant TEXT NOT NULL UNIQUE REFERENCES grant (id),
    status TEXT NOT NULL,
    reason TEXT,
    -- What it writes to, and the names of files that its evidence must have, as JSON lists.
    scopes TEXT NOT NULL,
    evidence TEXT NOT NULL DEFAULT '[]',
    evidence_at INTEGER,
    started_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE item (
    run TEXT NOT NULL REFERENCES run (id),
    place INTEGER NOT NULL,
    wave INTEGER NOT NULL,
    -- The record, the one that a rename makes of it, and what is done to it after which reading.
    record BLOB NOT NULL,
    becomes BLOB NOT NULL,
    deed BLOB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    doubts INTEGER NOT NULL DEFAULT 0,
    intent_at INTEGER,
    sent_at INTEGER,
    handle TEXT,
    check_at INTEGER,
    id TEXT,
    version TEXT,
    verified INTEGER,
    error TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX item_of ON item (record);
CREATE INDEX item_becoming ON item (becomes);
CREATE INDEX item_doing ON item (deed);

-- The audit log: leaves stay, payloads may be erased. What happened when is in the text alone; which
-- run and which plan it is about outlives the payload.
CREATE TABLE entry (
    place INTEGER PRIMARY KEY,
    leaf BLOB NOT NULL,
    text TEXT NOT NULL,
    run TEXT,
    plan TEXT
) STRICT;
CREATE INDEX entry_of_run ON entry (run) WHERE run IS NOT NULL;
CREATE INDEX entry_of_plan ON entry (plan) WHERE plan IS NOT NULL;

-- The log's name, and its tree's state (docs/spec/audit.md).
CREATE TABLE tree (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    origin TEXT NOT NULL,
    state BLOB NOT NULL,
    latest INTEGER NOT NULL
) STRICT;

-- Names that the log had before it was restored, and how many entries it had then.
CREATE TABLE earlier (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
