"""The tables. Times are microseconds since the epoch, UTC; what has structure is JSON text.

The columns of a row that the core knows bear the names of its fields (see :mod:`.rows`). No text holds NUL: JSON
escapes it, and free text that is not JSON by itself is stored as a JSON string. There are no foreign keys: an
execution outlives its schedule. A change of anything here needs a migration.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, SmallInteger, Table, text

from schedulezero.scheduler.store.dialects import key, long_text

metadata = MetaData()

# Not `IN`: SQLite would build a table of its values for every row that is written, twice where a row is changed.
UNFINISHED = text("(status = 'pending' OR status = 'running' OR status = 'retrying')")
"""The predicate of an index, to be repeated word by word where the index is to be used."""
UNSUCCESSFUL = text("(status = 'error' OR status = 'timeout' OR status = 'cancelled' OR status = 'skipped')")
"""As :data:`UNFINISHED`."""
WAITS_ITS_TURN = text("serial = 1 AND status = 'pending'")
"""As :data:`UNFINISHED`."""
IS_A_REPLAY = text("retry_of IS NOT NULL")
"""As :data:`UNFINISHED`."""

schedules = Table(
    "schedules",
    metadata,
    Column("id", key(200), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("generation", key(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("request", long_text(), nullable=False),
    Column("state", key(16), nullable=False),
    Column("decided_through", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("next_fire", BigInteger),
    Column("due_at", BigInteger),
    Column("last_fire", BigInteger),
    Column("runs", BigInteger, nullable=False),
    Column("pause", long_text()),
    Column("error", long_text()),
    # Copied out of the request, to be searched.
    Column("handler_id", key(200), nullable=False),
    Column("method_name", key(200), nullable=False),
    Column("name", key(200)),
    Column("tags", long_text(), nullable=False),
    Column("times_since", BigInteger),
    Column("pauses_seen", BigInteger, nullable=False, server_default="0"),
)
_s = schedules.c
_is_active = text("due_at IS NOT NULL")
_rests = text("due_at IS NULL")
Index("upcoming", _s.due_at, _s.id, sqlite_where=_is_active, postgresql_where=_is_active)
# For counting them; what is active is counted in `upcoming`.
Index("resting", _s.state, _s.id, sqlite_where=_rests, postgresql_where=_rests)

executions = Table(
    "executions",
    metadata,
    Column("id", key(64), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("handler_id", key(200), nullable=False),
    Column("method_name", key(200), nullable=False),
    Column("params", long_text(), nullable=False),
    Column("status", key(16), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ready_at", BigInteger, nullable=False),
    Column("retry", long_text(), nullable=False),
    Column("schedule_id", key(200)),
    Column("generation", key(64)),
    Column("fire_time", BigInteger),
    Column("timeout_seconds", Double),
    Column("expires_at", BigInteger),
    Column("tags", long_text(), nullable=False),
    Column("retry_of", key(64)),
    Column("serial", SmallInteger, nullable=False),
    Column("reason", key(16)),
    Column("attempt", Integer, nullable=False),
    Column("claim", BigInteger, nullable=False),
    Column("cancel_requested", SmallInteger, nullable=False),
    Column("instance_id", key(200)),
    Column("boot_id", key(200)),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger),
    Column("result", long_text()),
    Column("error", long_text()),
    Column("covers_from", BigInteger),
    Column("covers_to", BigInteger),
    Column("covers_count", BigInteger),
    Column("count_exact", SmallInteger, nullable=False),
    Column("notify", long_text()),
)

_e = executions.c
_fired = text("fire_time IS NOT NULL")
_scheduled = text("schedule_id IS NOT NULL")
# MySQL has no partial indexes and takes the same ones over all rows, which is why each begins with what it is for.
Index(
    "ledger",
    *(_e.schedule_id, _e.generation, _e.fire_time),
    unique=True,
    sqlite_where=_fired,
    postgresql_where=_fired,
)
Index("newest", _e.created_at, _e.id)
Index(
    "newest_of_schedule",
    *(_e.schedule_id, _e.created_at, _e.id),
    sqlite_where=_scheduled,
    postgresql_where=_scheduled,
)
Index(
    "newest_unsuccessful",
    *(_e.status, _e.created_at, _e.id),
    sqlite_where=UNSUCCESSFUL,
    postgresql_where=UNSUCCESSFUL,
)
# The queues in the order in which they go out; `schedule_id` is there to be counted without reading the rows.
Index(
    "unfinished",
    *(_e.status, _e.handler_id, _e.method_name, _e.priority.desc(), _e.ready_at, _e.id, _e.schedule_id),
    sqlite_where=UNFINISHED,
    postgresql_where=UNFINISHED,
)
# What goes one after another, schedule by schedule in its order.
Index(
    "line",
    *(_e.schedule_id, _e.created_at, _e.id),
    sqlite_where=WAITS_ITS_TURN,
    postgresql_where=WAITS_ITS_TURN,
)
Index("replays", _e.retry_of, sqlite_where=IS_A_REPLAY, postgresql_where=IS_A_REPLAY)
Index("newest_of_handler", _e.handler_id, _e.created_at, _e.id)

attempts = Table(
    "attempts",
    metadata,
    Column("execution_id", key(64), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("claim", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_id", key(200)),
    Column("started_at", BigInteger),
    Column("completed_at", BigInteger, nullable=False),
    Column("status", key(16), nullable=False),
    Column("error", long_text()),
)

execution_logs = Table(
    "execution_logs",
    metadata,
    Column("execution_id", key(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("level", long_text(), nullable=False),
    Column("event", long_text(), nullable=False),
    Column("fields", long_text(), nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", key(64), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("execution_id", key(64), nullable=False),
    Column("receiver", key(300), nullable=False),
    Column("url", long_text(), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
)
# What is owed to one receiver, and who is owed anything, without reading what is owed to the others.
Index("owed", notifications.c.receiver, notifications.c.due_at, notifications.c.id)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    # SHA-256 of caller and key, which may be any text.
    Column("id", key(64), primary_key=True),
    Column("digest", key(200), nullable=False),
    Column("execution_ids", long_text(), nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
)

handlers = Table(
    "handlers",
    metadata,
    Column("handler_id", key(200), primary_key=True),
    Column("first_seen", BigInteger, nullable=False),
    Column("methods", long_text(), nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    # Empty for everything; a row without `pause` was resumed.
    Column("handler_id", key(200), primary_key=True),
    Column("pause", long_text()),
    # Of everything: how many are over, and when the last one ended.
    Column("past_count", BigInteger, nullable=False, server_default="0"),
    Column("past_ended", BigInteger, nullable=False, server_default="0"),
)

spells = Table(
    "spells",
    metadata,
    Column("kind", key(20), primary_key=True),
    # Empty where it is about everything.
    Column("subject", key(200), primary_key=True),
    Column("began", BigInteger, primary_key=True, autoincrement=False),
    Column("ended", BigInteger),
    Column("actor", long_text()),
    Column("note", long_text()),
)
"""What held, from when to when; found by its key."""
# What lasts (without an end), and what is old.
Index("ended_spells", spells.c.ended)

execution_counts = Table(
    "execution_counts",
    metadata,
    # Span and period of `created_at`, see :mod:`.tallies`.
    Column("span", SmallInteger, primary_key=True, autoincrement=False),
    Column("period", BigInteger, primary_key=True, autoincrement=False),
    Column("handler_id", key(200), primary_key=True),
    # Empty for none.
    Column("schedule_id", key(200), primary_key=True),
    Column("total", BigInteger, nullable=False),
    Column("success", BigInteger, nullable=False),
    Column("error", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""SQLite keeps it in one tree, that of the key, because its rows are short and written with every commit."""

execution_durations = Table(
    "execution_durations",
    metadata,
    Column("span", SmallInteger, primary_key=True, autoincrement=False),
    Column("period", BigInteger, primary_key=True, autoincrement=False),
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("microseconds", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""As `execution_counts`."""

owners = Table(
    "owners",
    metadata,
    Column("owner", key(200), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""Who schedules: one row for each running scheduler. It is what every commit checks, and what a takeover removes."""

shard_leases = Table(
    "shard_leases",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("owner", key(200)),
    Column("epoch", BigInteger, nullable=False),
)
"""One row for each shard, always there. An owner's shards expire together, with its row in `owners`."""
