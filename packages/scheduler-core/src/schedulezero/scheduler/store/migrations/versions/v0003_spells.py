"""Spells: what held, from when to when; and since when a schedule's fire times are what they are."""

import sqlalchemy as sa

from schedulezero.scheduler.store.dialects import key, long_text
from schedulezero.scheduler.store.migrations.steps import add_column, create_index, create_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    add_column("schedules", sa.Column("times_since", sa.BigInteger))
    create_table(
        "spells",
        sa.Column("kind", key(20), primary_key=True),
        sa.Column("subject", key(200), primary_key=True),
        sa.Column("began", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ended", sa.BigInteger),
        sa.Column("actor", long_text()),
        sa.Column("note", long_text()),
    )
    create_index("ended_spells", "spells", ["ended"])
