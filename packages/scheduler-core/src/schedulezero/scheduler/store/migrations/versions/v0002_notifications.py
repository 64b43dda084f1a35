"""Notifications: what an execution asks for, and what is owed to webhooks."""

import sqlalchemy as sa
from alembic import op

from schedulezero.scheduler.store.dialects import key, long_text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("executions", sa.Column("notify", long_text()))
    op.create_table(
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
    op.create_index("owed", "notifications", ["receiver", "due_at", "id"])
