"""Notifications: what an execution asks for, and what is owed to webhooks."""

import sqlalchemy as sa

from schedulezero.scheduler.store.dialects import key, long_text
from schedulezero.scheduler.store.migrations.steps import add_column, create_index, create_table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    add_column("executions", sa.Column("notify", long_text()))
    create_table(
        "notifications",
        sa.Column("id", key(64), primary_key=True),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("execution_id", key(64), nullable=False),
        sa.Column("receiver", key(300), nullable=False),
        sa.Column("url", long_text(), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
    )
    create_index("owed", "notifications", ["receiver", "due_at", "id"])
