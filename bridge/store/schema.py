"""The tables and the steps that lead to them. A step never changes once it was released: add the next one."""

from collections.abc import Sequence

APPLICATION_ID = 0x4E415442
"""`NATB` in the file's header: tells our files from other people's."""

OLDEST_SQLITE = (3, 38, 0)
"""The first that always has the JSON functions; STRICT tables are one older."""

Migration = Sequence[str]
"""The statements that lead from one version to the next, run as one transaction."""

_VERSION_1: Migration = (
    # One row. The journal's entries up to journal_upto are dead, even while they are still there.
    """CREATE TABLE meta (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        n INTEGER NOT NULL,
        t INTEGER NOT NULL,
        journal_upto INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT""",
    "CREATE TABLE journal (n INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    """CREATE TABLE state (
        no INTEGER PRIMARY KEY,
        rule TEXT NOT NULL,
        key TEXT NOT NULL,
        upto INTEGER NOT NULL,
        body BLOB NOT NULL
    ) STRICT""",
    "CREATE TABLE alert_group (id TEXT PRIMARY KEY, due INTEGER NOT NULL, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE change (
        n INTEGER PRIMARY KEY,
        grp TEXT NOT NULL,
        alert TEXT NOT NULL,
        state TEXT NOT NULL,
        at INTEGER NOT NULL,
        told INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
        body BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX change_untold ON change (n) WHERE told = 0",
    "CREATE INDEX change_told ON change (at) WHERE told = 1",
    """CREATE TABLE outbox (
        id TEXT PRIMARY KEY,
        destination TEXT NOT NULL,
        grp TEXT NOT NULL,
        created INTEGER NOT NULL,
        due INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        plain INTEGER NOT NULL CHECK (plain IN (0, 1)),
        state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
        memory BLOB NOT NULL,
        body BLOB NOT NULL,
        checksum BLOB NOT NULL,
        settled_at INTEGER,
        detail TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX outbox_pending ON outbox (created) WHERE state = 'pending'",
    "CREATE INDEX outbox_settled ON outbox (settled_at) WHERE state <> 'pending'",
    # Keyed by commit and place in it, so that a commit that is given twice is recorded once.
    """CREATE TABLE attempt (
        n INTEGER NOT NULL,
        place INTEGER NOT NULL,
        row TEXT NOT NULL,
        destination TEXT NOT NULL,
        at INTEGER NOT NULL,
        seconds REAL NOT NULL,
        status INTEGER,
        trouble TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (n, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX attempt_row ON attempt (row)",
    "CREATE INDEX attempt_at ON attempt (at)",
)

_VERSION_2: Migration = ()
"""The tables are the same. In the journal an instant stands once before all its hits, which version 1 cannot read; what
that has written can still be read."""

_VERSION_3: Migration = (
    # Groups have a route and know what was muted, which version 2 cannot read; what that has written can still be read.
    "CREATE TABLE silence (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID",
)

_VERSION_4: Migration = (
    "ALTER TABLE change ADD COLUMN name TEXT NOT NULL DEFAULT ''",
    # What is damaged stays without a name: a start must not fail for a line of history.
    """UPDATE change SET name = coalesce(json_extract(CAST(body AS TEXT), '$.facts.labels.alertname'), '')
        WHERE json_valid(CAST(body AS TEXT))""",
    "DROP INDEX change_told",
    "CREATE INDEX change_at ON change (at)",
    "CREATE INDEX change_name ON change (name, at)",
    "CREATE INDEX change_alert ON change (alert)",
    # Which alerts a message holds: what tells who was told of one.
    """CREATE TABLE mention (
        row TEXT NOT NULL,
        alert TEXT NOT NULL,
        PRIMARY KEY (row, alert)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX mention_alert ON mention (alert)",
    """INSERT OR IGNORE INTO mention SELECT outbox.id, coalesce(json_extract(value, '$.id'), '')
        FROM outbox, json_each(CAST(body AS TEXT), '$.alerts') WHERE json_valid(CAST(body AS TEXT))""",
    "CREATE INDEX outbox_created ON outbox (created)",
    """CREATE TABLE muted (
        n INTEGER NOT NULL,
        place INTEGER NOT NULL,
        at INTEGER NOT NULL,
        alert TEXT NOT NULL,
        grp TEXT NOT NULL,
        receiver TEXT NOT NULL,
        name TEXT NOT NULL,
        labels BLOB NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (n, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX muted_at ON muted (at)",
    "CREATE INDEX muted_name ON muted (name, at)",
    "CREATE INDEX muted_alert ON muted (alert)",
)
"""History that can be asked: changes by name and by time, messages by alert, and what was muted."""

_VERSION_5: Migration = (
    """CREATE TABLE account (
        kind TEXT NOT NULL CHECK (kind IN ('name', 'id')),
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID""",
)
"""What accounts are called, as servers have told it: names by id, and ids by the name in imported events' subjects."""

MIGRATIONS: Sequence[Migration] = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5)
"""Step i leads from `user_version` i to i + 1."""
