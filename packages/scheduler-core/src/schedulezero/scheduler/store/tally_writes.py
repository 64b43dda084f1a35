"""Writes what a tally has counted into the figures that are kept."""

from sqlalchemy import Dialect
from sqlalchemy.engine.interfaces import DBAPICursor

from schedulezero.scheduler.store.dialects import upsert
from schedulezero.scheduler.store.statements import Prepared
from schedulezero.scheduler.store.tables import execution_counts, execution_durations
from schedulezero.scheduler.store.tallies import FRESH, Tally


class TallyWriter:
    """Adds tallies to the tables `execution_counts` and `execution_durations`, as fresh ones."""

    def __init__(self, dialect: Dialect) -> None:
        counts, durations = execution_counts, execution_durations
        self._counts = Prepared(dialect, upsert(dialect.name, counts, adding=True), counts.columns.keys())
        self._durations = Prepared(dialect, upsert(dialect.name, durations, adding=True), durations.columns.keys())

    def write(self, cursor: DBAPICursor, tally: Tally) -> None:
        """Add a tally. The rows go in order, so that two schedulers never wait for each other."""
        counts = sorted((FRESH, *key, *numbers) for key, numbers in tally.counts.items() if any(numbers))
        durations = sorted((FRESH, *key, *numbers) for key, numbers in tally.durations.items() if any(numbers))
        if counts:
            self._counts.execute_all(cursor, counts)
        if durations:
            self._durations.execute_all(cursor, durations)
