"""Schedules are read as they come due: indexes of the active and the others, and what ended pauses they account for."""

import sqlalchemy as sa

from schedulezero.scheduler.store.migrations.steps import add_column, create_index

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    add_column("schedules", _counter("pauses_seen"))
    add_column("pauses", _counter("past_count"))
    add_column("pauses", _counter("past_ended"))
    create_index("upcoming", "schedules", ["due_at", "id"], where="due_at IS NOT NULL")
    create_index("resting", "schedules", ["state", "id"], where="due_at IS NULL")


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
