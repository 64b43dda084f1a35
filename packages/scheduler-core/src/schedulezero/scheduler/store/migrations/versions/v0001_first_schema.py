"""The first schema."""

import sqlalchemy as sa

from schedulezero.scheduler.store.dialects import key, long_text
from schedulezero.scheduler.store.migrations.steps import create_index, create_table, insert_rows

revision = "0001"
down_revision = None

_SHARDS = 64


def upgrade() -> None:
    _create_schedules()
    _create_executions()
    _create_what_belongs_to_executions()
    _create_handlers()
    _create_figures()
    _create_leases()


def _create_schedules() -> None:
    create_table(
        "schedules",
        sa.Column("id", key(200), primary_key=True),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("generation", key(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("request", long_text(), nullable=False),
        sa.Column("state", key(16), nullable=False),
        sa.Column("decided_through", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("next_fire", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("last_fire", sa.BigInteger),
        sa.Column("runs", sa.BigInteger, nullable=False),
        sa.Column("pause", long_text()),
        sa.Column("error", long_text()),
        sa.Column("handler_id", key(200), nullable=False),
        sa.Column("method_name", key(200), nullable=False),
        sa.Column("name", key(200)),
        sa.Column("tags", long_text(), nullable=False),
    )


def _create_executions() -> None:
    create_table(
        "executions",
        sa.Column("id", key(64), primary_key=True),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("handler_id", key(200), nullable=False),
        sa.Column("method_name", key(200), nullable=False),
        sa.Column("params", long_text(), nullable=False),
        sa.Column("status", key(16), nullable=False),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ready_at", sa.BigInteger, nullable=False),
        sa.Column("retry", long_text(), nullable=False),
        sa.Column("schedule_id", key(200)),
        sa.Column("generation", key(64)),
        sa.Column("fire_time", sa.BigInteger),
        sa.Column("timeout_seconds", sa.Double),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("tags", long_text(), nullable=False),
        sa.Column("retry_of", key(64)),
        sa.Column("serial", sa.SmallInteger, nullable=False),
        sa.Column("reason", key(16)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("claim", sa.BigInteger, nullable=False),
        sa.Column("cancel_requested", sa.SmallInteger, nullable=False),
        sa.Column("instance_id", key(200)),
        sa.Column("boot_id", key(200)),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("completed_at", sa.BigInteger),
        sa.Column("result", long_text()),
        sa.Column("error", long_text()),
        sa.Column("covers_from", sa.BigInteger),
        sa.Column("covers_to", sa.BigInteger),
        sa.Column("covers_count", sa.BigInteger),
        sa.Column("count_exact", sa.SmallInteger, nullable=False),
    )
    create_index(
        "ledger", "executions", ["schedule_id", "generation", "fire_time"], where="fire_time IS NOT NULL", unique=True
    )
    create_index("newest", "executions", ["created_at", "id"])
    create_index(
        "newest_of_schedule", "executions", ["schedule_id", "created_at", "id"], where="schedule_id IS NOT NULL"
    )
    create_index(
        "newest_unsuccessful",
        "executions",
        ["status", "created_at", "id"],
        where="status IN ('error', 'timeout', 'cancelled', 'skipped')",
    )
    create_index(
        "unfinished",
        "executions",
        ["status", "handler_id", "method_name", sa.text("priority DESC"), "ready_at", "id", "schedule_id"],
        where="status IN ('pending', 'running', 'retrying')",
    )


def _create_what_belongs_to_executions() -> None:
    create_table(
        "attempts",
        sa.Column("execution_id", key(64), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("claim", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("instance_id", key(200)),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("completed_at", sa.BigInteger, nullable=False),
        sa.Column("status", key(16), nullable=False),
        sa.Column("error", long_text()),
    )
    create_table(
        "execution_logs",
        sa.Column("execution_id", key(64), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("level", long_text(), nullable=False),
        sa.Column("event", long_text(), nullable=False),
        sa.Column("fields", long_text(), nullable=False),
    )
    create_table(
        "idempotency_keys",
        sa.Column("id", key(64), primary_key=True),
        sa.Column("digest", key(200), nullable=False),
        sa.Column("execution_ids", long_text(), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _create_handlers() -> None:
    create_table(
        "handlers",
        sa.Column("handler_id", key(200), primary_key=True),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("methods", long_text(), nullable=False),
    )
    create_table(
        "pauses",
        sa.Column("handler_id", key(200), primary_key=True),
        sa.Column("pause", long_text()),
    )


def _create_figures() -> None:
    create_table(
        "execution_counts",
        sa.Column("span", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("period", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("handler_id", key(200), primary_key=True),
        sa.Column("schedule_id", key(200), primary_key=True),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("success", sa.BigInteger, nullable=False),
        sa.Column("error", sa.BigInteger, nullable=False),
    )
    create_table(
        "execution_durations",
        sa.Column("span", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("period", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("bucket", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("microseconds", sa.BigInteger, nullable=False),
    )


def _create_leases() -> None:
    create_table(
        "owners",
        sa.Column("owner", key(200), primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    create_table(
        "shard_leases",
        sa.Column("shard", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("owner", key(200)),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )
    leases = [{"shard": shard, "owner": None, "epoch": 0} for shard in range(_SHARDS)]
    insert_rows("shard_leases", "shard", leases)
