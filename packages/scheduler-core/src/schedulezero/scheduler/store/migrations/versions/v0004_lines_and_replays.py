"""Indexes: the lines of schedules, replays by what they repeat, the executions of a handler by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_WAITS_ITS_TURN = sa.text("serial = 1 AND status = 'pending'")
_IS_A_REPLAY = sa.text("retry_of IS NOT NULL")


def upgrade() -> None:
    _index("line", "schedule_id", "created_at", "id", where=_WAITS_ITS_TURN)
    _index("replays", "retry_of", where=_IS_A_REPLAY)
    _index("newest_of_handler", "handler_id", "created_at", "id")


def _index(name: str, *columns: str, where: sa.TextClause | None = None) -> None:
    op.create_index(name, "executions", list(columns), sqlite_where=where, postgresql_where=where)
