"""Indexes: the lines of schedules, replays by what they repeat, the executions of a handler by their age."""

from schedulezero.scheduler.store.migrations.steps import create_index

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    line = ["schedule_id", "created_at", "id"]
    create_index("line", "executions", line, where="serial = 1 AND status = 'pending'")
    create_index("replays", "executions", ["retry_of"], where="retry_of IS NOT NULL")
    create_index("newest_of_handler", "executions", ["handler_id", "created_at", "id"])
