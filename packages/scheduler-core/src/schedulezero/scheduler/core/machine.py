"""The waist of the scheduler: an event goes in, a step comes out, and nothing else happens.

Memory is changed at once, before the step is durable. When a commit fails, the machine is thrown away and a new
one is loaded from the database.
"""

from random import Random
from typing import Any

from schedulezero.protocol.commands import (
    ExecutionCancel,
    ExecutionRetry,
    HandlerPause,
    HandlerResume,
    RunBatch,
    RunNow,
    ScheduleCreate,
    ScheduleDelete,
    SchedulePause,
    ScheduleResume,
    ScheduleRun,
    ScheduleUpdate,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.handling import FromInstance, Outcome, Pulse, Refused, Report
from schedulezero.protocol.states import Reason, Status
from schedulezero.protocol.states import Step as Move
from schedulezero.scheduler.core import inputs, lifecycle
from schedulezero.scheduler.core.dispatcher import Dispatcher
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.fleet import Fleet
from schedulezero.scheduler.core.ids import IdSource
from schedulezero.scheduler.core.job_logs import JobLogs
from schedulezero.scheduler.core.memory import Instance, Limits, Memory
from schedulezero.scheduler.core.model import Step
from schedulezero.scheduler.core.notifications import owe_notifications
from schedulezero.scheduler.core.outcomes import Outcomes
from schedulezero.scheduler.core.planner import Planner
from schedulezero.scheduler.core.runs import Runs
from schedulezero.scheduler.core.schedules import Schedules
from schedulezero.scheduler.core.spells import Spells


class Machine:
    """The pure core: deterministic given its events, their times, and `random`."""

    def __init__(self, limits: Limits, random: Random) -> None:
        ids = IdSource(random)
        self.memory = Memory(limits)
        self._planner = Planner(self.memory, ids)
        self._dispatcher = Dispatcher(self.memory)
        self._outcomes = Outcomes(self.memory, random)
        self._fleet = Fleet(self.memory, self._outcomes)
        self._runs = Runs(self.memory, ids)
        self._schedules = Schedules(self.memory, self._planner, ids)
        self._logs = JobLogs(self.memory)
        self._spells = Spells(self.memory)

    def handle(self, event: inputs.Input, now: int) -> Step:
        """Take in what happened at `now` (microseconds UTC) and return what follows from it."""
        draft = Draft()
        match event:
            case inputs.Heard():
                self._hear(draft, event, now)
            case inputs.Tick():
                self._tick(draft, now)
            case inputs.Asked():
                self._serve(draft, event, now)
            case inputs.Linked():
                self._fleet.linked(draft, event.welcome, now)
            case inputs.LinkLost():
                self._fleet.lost(draft, event.boot_id, now, gone=event.gone)
            case inputs.LinkSilent():
                self._fleet.silent(event.boot_id)
            case inputs.InstanceTold():
                self._fleet.told(draft, event.state, now)
            case inputs.DirectoryRead():
                self._fleet.directory_read(draft, event.instances, now)
            case inputs.Refilled():
                self._refill(event)
            case inputs.LineRead():
                self._refill_line(event)
            case inputs.Upcoming():
                self.memory.agenda.take_in(event)
            case inputs.Loaded():
                self._load(event)
            case inputs.TimeLeapt():
                self._go_on(draft, event, now)
            case inputs.Stopping():
                pass
        self._expire_due(draft, now - 1)
        self._dispatcher.dispatch(draft, now)
        if self.memory.agenda.wants_more():
            draft.do(self.memory.agenda.ask(self.memory.epoch))
        owe_notifications(draft, self.memory.limits.webhook, now)
        self._spells.keep(draft, event, now)
        return draft.step()

    # -- from the database ---------------------------------------------------------------------------------------

    def _load(self, loaded: inputs.Loaded) -> None:
        memory = self.memory
        memory.epoch = loaded.epoch
        memory.pause = loaded.pauses.get(None)
        memory.handler_pauses = {id_: pause for id_, pause in loaded.pauses.items() if id_ is not None}
        memory.known = {handler.handler_id: handler for handler in loaded.handlers}
        memory.unfinished.update(loaded.unfinished)
        memory.past_pauses = loaded.past_pauses
        memory.agenda.states.update(loaded.states)
        memory.agenda.begin(loaded.upcoming)
        for (handler_id, method_name), total in loaded.pending.items():
            memory.queue(handler_id, method_name).total = total
        for execution in loaded.executions:
            memory.restore(execution)
            if execution.status is Status.RUNNING and execution.boot_id is not None:
                memory.orphans[execution.boot_id] = None
        for schedule_id, left in loaded.left.items():
            memory.line(schedule_id).left += left
        memory.see_how_far()

    def _refill(self, refilled: inputs.Refilled) -> None:
        self.memory.refill(refilled.handler_id, refilled.method_name, refilled.executions)

    def _refill_line(self, read: inputs.LineRead) -> None:
        self.memory.refill_line(read.schedule_id, read.executions)

    # -- time ----------------------------------------------------------------------------------------------------

    def _tick(self, draft: Draft, now: int) -> None:
        memory = self.memory
        self._expire_due(draft, now)
        for execution_id in memory.retries.take_due(now):
            self._make_ready(execution_id, now)
        for execution_id, claim in memory.overtime.take_due(now):
            self._end_overtime(draft, execution_id, claim, now)
        for boot_id in memory.lease_ends.take_due(now):
            self._fleet.lease_ended(draft, boot_id, now)
        for execution_id, ticket in memory.wait_ends.take_due(now):
            self._runs.wait_ended(draft, execution_id, ticket)
        for key in memory.key_ends.take_due(now):
            memory.keys.pop(key, None)
        self._planner.fire_due(draft, now)
        memory.prune()

    def _go_on(self, draft: Draft, leapt: inputs.TimeLeapt, now: int) -> None:
        """Let spans of time be no longer than they were going to be, where the wall clock was put ahead or back.

        A retry's instant is stored, and a scheduler that was down does not see how clocks were stepped meanwhile. So it
        is only ever brought forward, by a clock that was put back: two steps that undo each other, of which one was not
        seen, would put it off for as long.
        """
        self.memory.shift_spans(leapt.stepped)
        if leapt.stepped < 0:
            for execution in self.memory.backing_off():
                draft.update(execution, self.memory.hasten(execution, leapt.stepped))
            self.memory.retries.shift(leapt.stepped)

    def _expire_due(self, draft: Draft, now: int) -> None:
        """Skip what should have begun by `now`: whatever has brought it here, it is not handed out any more."""
        for execution_id in self.memory.expiries.take_due(now):
            execution = self.memory.executions.get(execution_id)
            if execution is not None and execution.status in (Status.PENDING, Status.RETRYING):
                lifecycle.conclude(self.memory, draft, execution, Move.SKIP, now, reason=Reason.EXPIRED)

    def _make_ready(self, execution_id: str, now: int) -> None:
        execution = self.memory.executions.get(execution_id)
        if execution is not None and execution.status is Status.RETRYING and execution.ready_at <= now:
            self.memory.make_ready(execution)

    def _end_overtime(self, draft: Draft, execution_id: str, claim: int, now: int) -> None:
        execution = self.memory.executions.get(execution_id)
        if execution is not None and execution.status is Status.RUNNING and execution.claim == claim:
            self._outcomes.overtime(draft, execution, now)

    # -- instances -----------------------------------------------------------------------------------------------

    def _hear(self, draft: Draft, heard: inputs.Heard, now: int) -> None:
        instance = self.memory.instances.get(heard.boot_id)
        if instance is None:
            return
        instance.silent = False
        for message in heard.messages:
            self._take(draft, instance, message, now)

    def _take(self, draft: Draft, instance: Instance, message: FromInstance, now: int) -> None:
        match message:
            case Outcome():
                self._outcomes.outcome(draft, instance, message, now)
            case Refused():
                self._outcomes.refused(draft, instance, message, now)
            case Report():
                self._logs.append(draft, message, now)
            case Pulse():
                self._fleet.pulse(instance, message)

    # -- commands ------------------------------------------------------------------------------------------------

    def _serve(self, draft: Draft, asked: inputs.Asked, now: int) -> None:
        try:
            self._command(draft, asked, asked.command, now)
        except ScheduleZeroError as error:
            draft.refuse(asked.ticket, error)

    def _command(self, draft: Draft, asked: inputs.Asked, command: Any, now: int) -> None:
        runs, schedules = self._runs, self._schedules
        if asked.schedule is not None:
            self.memory.agenda.take_up(asked.schedule)
        match command:
            case RunNow():
                runs.run_now(draft, asked, command, now)
            case RunBatch():
                runs.run_batch(draft, asked, command, now)
            case ScheduleRun():
                runs.run_schedule(draft, asked, command, schedules.known(asked, command.schedule_id), now)
            case ExecutionCancel():
                runs.cancel(draft, asked, command.execution_id, now)
            case ExecutionRetry():
                runs.replay(draft, asked, command.execution_id, now)
            case ScheduleCreate():
                schedules.create(draft, asked, command.schedule, now)
            case ScheduleUpdate():
                schedules.update(draft, asked, command, now)
            case ScheduleDelete():
                schedules.delete(draft, asked, command.schedule_id, now)
            case SchedulePause():
                schedules.pause(draft, asked, command.schedule_id, command.reason, now)
            case ScheduleResume():
                schedules.resume(draft, asked, command.schedule_id, now)
            case SystemPause():
                schedules.pause_all(draft, asked, command.reason, now)
            case SystemResume():
                schedules.resume_all(draft, asked, now)
            case HandlerPause():
                schedules.pause_handler(draft, asked, command.handler_id, command.reason, now)
            case HandlerResume():
                schedules.resume_handler(draft, asked, command.handler_id)
            case _:
                raise TypeError(f"{type(command).__name__} changes nothing; it is not for the machine")
