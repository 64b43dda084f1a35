"""Cheaper commits: what runs is not in the figures, and SQLite keeps them, and tells what an index is of, cheaper."""

from collections import Counter
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from schedulezero.scheduler.store.dialects import key

revision = "0005"
down_revision = "0004"

_HOUR = 3600 * 1_000_000
_ALWAYS, _HOURLY, _DAILY = 0, 1, 24


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew("execution_counts", _counts)
        _make_anew("execution_durations", _durations)
        _index_anew("newest_unsuccessful", "status, created_at, id", ("error", "timeout", "cancelled", "skipped"))
        of_queues = "status, handler_id, method_name, priority DESC, ready_at, id, schedule_id"
        _index_anew("unfinished", of_queues, ("pending", "running", "retrying"))
    _take_out_what_runs()


def _make_anew(table: str, columns: Callable[[], list[sa.Column[int] | sa.Column[str]]]) -> None:
    op.create_table(f"new_{table}", *columns(), sqlite_with_rowid=False)
    op.execute(f"INSERT INTO new_{table} SELECT * FROM {table}")
    op.drop_table(table)
    op.rename_table(f"new_{table}", table)


def _index_anew(name: str, columns: str, statuses: tuple[str, ...]) -> None:
    """Make an index of executions with its predicate spelt out, which was `status IN (…)`."""
    predicate = " OR ".join(f"status = '{status}'" for status in statuses)
    op.drop_index(name, "executions")
    op.execute(f"CREATE INDEX {name} ON executions ({columns}) WHERE ({predicate})")


def _counts() -> list[sa.Column[int] | sa.Column[str]]:
    return [
        sa.Column("span", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("period", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("handler_id", key(200), primary_key=True),
        sa.Column("schedule_id", key(200), primary_key=True),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("success", sa.BigInteger, nullable=False),
        sa.Column("error", sa.BigInteger, nullable=False),
    ]


def _durations() -> list[sa.Column[int] | sa.Column[str]]:
    return [
        sa.Column("span", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("period", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("bucket", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("microseconds", sa.BigInteger, nullable=False),
    ]


def _take_out_what_runs() -> None:
    """Count it out of its hour, its day and all time."""
    counted: Counter[tuple[int, int, str, str]] = Counter()
    # The predicate is that of an index.
    running = sa.text(
        "SELECT handler_id, schedule_id, created_at FROM executions"
        " WHERE (status = 'pending' OR status = 'running' OR status = 'retrying') AND status = 'running'"
    )
    for handler_id, schedule_id, created_at in op.get_bind().execute(running):
        hour = created_at // _HOUR
        for span, period in ((_ALWAYS, 0), (_HOURLY, hour), (_DAILY, hour // _DAILY)):
            counted[span, period, handler_id, schedule_id or ""] += 1
    less = sa.text(
        "UPDATE execution_counts SET total = total - :less"
        " WHERE span = :span AND period = :period AND handler_id = :handler_id AND schedule_id = :schedule_id"
    )
    names = ("span", "period", "handler_id", "schedule_id")
    for of, number in sorted(counted.items()):
        op.get_bind().execute(less, {**dict(zip(names, of, strict=True)), "less": number})
