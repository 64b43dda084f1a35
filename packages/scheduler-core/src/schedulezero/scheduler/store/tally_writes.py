"""Writes what a tally has counted into the figures that are kept."""

from sqlalchemy import Dialect, bindparam, delete, literal_column
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.scheduler.store.dialects import upsert
from schedulezero.scheduler.store.statements import Prepared
from schedulezero.scheduler.store.tables import execution_counts, execution_durations
from schedulezero.scheduler.store.tallies import Tally


class TallyWriter:
    """Adds tallies to the tables `execution_counts` and `execution_durations`."""

    def __init__(self, dialect: Dialect) -> None:
        counts, durations = execution_counts, execution_durations
        self._counts = Prepared(dialect, upsert(dialect.name, counts, adding=True), counts.columns.keys())
        self._durations = Prepared(dialect, upsert(dialect.name, durations, adding=True), durations.columns.keys())
        keys = [column.name for column in counts.primary_key]
        this = [counts.c[key] == bindparam(key) for key in keys]
        self._drop_empty = Prepared(dialect, delete(counts).where(*this, counts.c.total == literal_column("0")), keys)

    def write(self, cursor: DBAPICursor, tally: Tally) -> None:
        """Add a tally. The rows go in order, so that two schedulers never wait for each other."""
        counts = sorted((*key, *numbers) for key, numbers in tally.counts.items())
        durations = sorted((*key, *numbers) for key, numbers in tally.durations.items())
        if counts:
            self._counts.execute_all(cursor, counts)
        if durations:
            self._durations.execute_all(cursor, durations)

    def drop_empty(self, cursor: DBAPICursor, tally: Tally) -> None:
        """Remove those of the tally's counts that nothing is left of."""
        if tally.counts:
            self._drop_empty.execute_all(cursor, sorted(tally.counts))
