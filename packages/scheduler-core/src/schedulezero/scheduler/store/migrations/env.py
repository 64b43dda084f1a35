"""What Alembic runs: the steps, on the connection that :func:`.upgrade` has opened."""

from alembic import context

from schedulezero.scheduler.store.migrations import VERSION_TABLE
from schedulezero.scheduler.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
