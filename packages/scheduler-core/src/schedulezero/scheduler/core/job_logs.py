"""The lines that jobs log while they run, numbered and bounded."""

from schedulezero.protocol.handling import Report
from schedulezero.runtime.clock import from_datetime
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.memory import Memory
from schedulezero.scheduler.core.model import AppendLog, LogEntry

MAX_LINES = 10_000
"""Lines kept of one execution, over all its attempts; a handler sends at most 1,000 of an attempt."""


class JobLogs:
    """Keeps the lines of running claims."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def append(self, draft: Draft, report: Report, now: int) -> None:
        """Keep a line of a running claim; those of an older one are history and left out."""
        execution = self._memory.executions.get(report.execution_id)
        if execution is None or execution.claim != report.claim:
            return
        count, seq = self._memory.next_line(execution.id, now)
        if count > MAX_LINES:
            return
        entry = LogEntry(
            execution_id=report.execution_id,
            seq=seq,
            attempt=report.attempt,
            at=from_datetime(report.at),
            level=report.level,
            event=report.event,
            fields=bytes(report.fields).decode(),
        )
        draft.write(AppendLog(entry=entry))
