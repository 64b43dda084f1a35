"""Commands that change nothing: each is answered from the database's committed state, in a thread beside the loop."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET, Raw

from schedulezero.protocol.answers import ExecutionPage, ExecutionStats, LogLine, LogPage, PreviewAnswer, SchedulePage
from schedulezero.protocol.commands import (
    ExecutionErrors,
    ExecutionFilter,
    ExecutionGet,
    ExecutionList,
    ExecutionLogs,
    ExecutionStatistics,
    ScheduleGet,
    ScheduleList,
    TriggerPreview,
)
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import ExecutionDetail, ScheduleRecord
from schedulezero.runtime.clock import Clock, from_datetime, to_datetime
from schedulezero.scheduler.core.model import Execution, LogEntry, Schedule
from schedulezero.scheduler.core.triggers import preview
from schedulezero.scheduler.records import execution_detail, execution_record, schedule_record
from schedulezero.scheduler.store.pages import Page
from schedulezero.scheduler.store.reads import Reader

_FAILED = (Status.ERROR, Status.TIMEOUT)
_LOG_LINES = 1_000


class Queries:
    """Answers queries. Each method may be called in any thread, and raises ScheduleZeroError where it refuses.

    Args:
        reader: the committed state.
        clock: the present, for previews.
        timezone: the instance's, for triggers that name none.
    """

    def __init__(self, reader: Reader, clock: Clock, timezone: str) -> None:
        self._reader, self._clock, self._timezone = reader, clock, timezone
        self._serving: dict[type, Callable[[Any], object]] = {
            ExecutionErrors: self._errors,
            ExecutionGet: self._execution,
            ExecutionList: self._executions,
            ExecutionLogs: self._logs,
            ExecutionStatistics: self._statistics,
            ScheduleGet: self._schedule,
            ScheduleList: self._schedules,
            TriggerPreview: self._preview,
        }

    def answers(self, command: object) -> bool:
        """Whether this command is one of these."""
        return type(command) in self._serving

    def answer(self, command: object) -> object:
        """Return the answer to a query."""
        return self._serving[type(command)](command)

    def record_of(self, schedule: Schedule) -> ScheduleRecord:
        """Return a schedule's record, with the status of its last execution."""
        return schedule_record(schedule, self._reader.last_status([schedule.id]).get(schedule.id))

    def _execution(self, query: ExecutionGet) -> ExecutionDetail:
        row = self._existing(query.execution_id)
        return execution_detail(row, self._reader.attempts(row.id))

    def _executions(self, query: ExecutionList) -> ExecutionPage:
        page = self._reader.execution_page(
            query.filter, limit=query.limit, cursor=query.cursor, include_total=query.include_total
        )
        return _execution_page(page, query.limit)

    def _errors(self, query: ExecutionErrors) -> ExecutionPage:
        failed = ExecutionFilter(status=_FAILED)
        return _execution_page(self._reader.execution_page(failed, limit=query.limit, cursor=query.cursor), query.limit)

    def _logs(self, query: ExecutionLogs) -> LogPage:
        self._existing(query.execution_id)
        entries = self._reader.logs(query.execution_id, after=query.after, limit=_LOG_LINES)
        lines = tuple(map(_log_line, entries))
        return LogPage(lines=lines, count=len(lines), next_after=lines[-1].seq if lines else query.after)

    def _statistics(self, query: ExecutionStatistics) -> ExecutionStats:
        return self._reader.statistics(query.since)

    def _schedule(self, query: ScheduleGet) -> ScheduleRecord:
        found = self._reader.schedule(query.schedule_id)
        if found is None:
            message = f"there is no schedule {query.schedule_id}"
            raise ScheduleZeroError.of(Code.SCHEDULE_NOT_FOUND, message, path="schedule_id")
        return self.record_of(found)

    def _schedules(self, query: ScheduleList) -> SchedulePage:
        page = self._reader.schedule_page(query)
        last = self._reader.last_status([row.id for row in page.rows])
        records = tuple(schedule_record(row, last.get(row.id)) for row in page.rows)
        return SchedulePage(
            schedules=records,
            count=len(records),
            limit=query.limit,
            next_cursor=page.next_cursor,
            total=UNSET if page.total is None else page.total,
        )

    def _preview(self, query: TriggerPreview) -> PreviewAnswer:
        after = from_datetime(query.after) if query.after is not None else self._clock.now()
        try:
            shown = preview(query.trigger_config, after=after, count=query.count, timezone=self._timezone)
        except ScheduleZeroError as error:
            raise error.under("trigger_config") from None
        return PreviewAnswer(fire_times=tuple(map(to_datetime, shown.fire_times)), warnings=shown.warnings)

    def _existing(self, execution_id: str) -> Execution:
        row = self._reader.execution(execution_id)
        if row is None:
            message = f"there is no execution {execution_id}"
            raise ScheduleZeroError.of(Code.EXECUTION_NOT_FOUND, message, path="execution_id")
        return row


def _execution_page(page: Page[Execution], limit: int) -> ExecutionPage:
    records = tuple(map(execution_record, page.rows))
    return ExecutionPage(
        records=records,
        count=len(records),
        limit=limit,
        next_cursor=page.next_cursor,
        total=UNSET if page.total is None else page.total,
    )


def _log_line(entry: LogEntry) -> LogLine:
    return LogLine(
        seq=entry.seq,
        at=to_datetime(entry.at),
        attempt_number=entry.attempt,
        level=entry.level,
        event=entry.event,
        fields=Raw(entry.fields.encode()),
    )
