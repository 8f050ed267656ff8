-- Work items. `sequence` is the order of putting; bodies never change, states do.
CREATE TABLE item (
    sequence INTEGER PRIMARY KEY,
    queue    TEXT NOT NULL,
    id       TEXT NOT NULL,
    ready_at REAL NOT NULL,
    state    BLOB NOT NULL,
    body     BLOB NOT NULL
);

-- Finds an item that is put again, deferred or done.
CREATE UNIQUE INDEX item_by_id ON item (queue, id);

-- Refills a window: (queue, ready_at, and the row id, which is the sequence).
CREATE INDEX item_by_readiness ON item (queue, ready_at);

-- The rows of all tables.
CREATE TABLE record (
    number   INTEGER PRIMARY KEY,
    "table"  TEXT NOT NULL,
    key      TEXT NOT NULL,
    revision INTEGER NOT NULL,
    value    BLOB NOT NULL
);

CREATE UNIQUE INDEX record_by_key ON record ("table", key);
