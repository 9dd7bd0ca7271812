"""The tables of the claims.

`notices`: what is to be said and what became of it; `sends`: a row for every channel that was
tried, with the key it was sent under; `barred`: addresses that are never used again.
"""

# SQLite's dialect; `postgres.py` says what differs there.
SCHEMA = """
CREATE TABLE IF NOT EXISTS notices (
    notice_id TEXT PRIMARY KEY, order_id TEXT NOT NULL, kind TEXT NOT NULL,
    version INTEGER NOT NULL, partition INTEGER NOT NULL, asked_at INTEGER NOT NULL,
    command TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0,
    result TEXT, settled_at INTEGER, receipt TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS notices_of_order ON notices (order_id);
CREATE INDEX IF NOT EXISTS notices_open ON notices (asked_at) WHERE result IS NULL;
CREATE INDEX IF NOT EXISTS notices_owed ON notices (settled_at) WHERE receipt IS NOT NULL;
CREATE TABLE IF NOT EXISTS sends (
    notice_id TEXT NOT NULL, channel TEXT NOT NULL, key TEXT NOT NULL, provider TEXT NOT NULL,
    holder TEXT NOT NULL, claimed_at INTEGER NOT NULL, doubts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('claimed', 'free', 'doubt', 'failed', 'sent')),
    reason TEXT NOT NULL DEFAULT '', reference TEXT,
    PRIMARY KEY (notice_id, channel)
) STRICT;
CREATE TABLE IF NOT EXISTS endings (
    order_id TEXT PRIMARY KEY, version INTEGER NOT NULL, at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS clocks (partition INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS barred (
    customer_id TEXT NOT NULL, point TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (customer_id, point)
) STRICT;
"""
