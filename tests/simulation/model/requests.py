"""What users ask for: commands of every kind, with every policy, made from chance."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from schedulezero.protocol.commands import (
    Command,
    ExecutionCancel,
    ExecutionRetry,
    HandlerPause,
    HandlerResume,
    RunBatch,
    RunNow,
    ScheduleCreate,
    ScheduleDelete,
    SchedulePatch,
    SchedulePause,
    ScheduleResume,
    ScheduleRun,
    ScheduleUpdate,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.states import FINAL
from schedulezero.protocol.triggers import (
    AndTrigger,
    CalendarIntervalTrigger,
    CronTrigger,
    DateTrigger,
    IntervalTrigger,
    OrTrigger,
    TriggerConfig,
)
from schedulezero.protocol.values import RetryOptions, RunRequest, ScheduleRequest
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.model import Execution, Schedule

from .database import POISON
from .promises import Asking
from .triggers import BRITTLE_ZONE

OVERLAPS = ("skip", "queue_one", "queue_all", "cancel_running", "allow")
CATCH_UPS = ("latest", "all", "skip")
HANDLERS = ("reports", "mails")
METHODS = ("work", "alone")
"""`alone` runs once at a time in each instance."""
NOBODY = "nobody"
"""A handler that appears only when a simulation comes to its end."""
_SCHEDULE_IDS = ("s0", "s1", "s2", "s3")


class Requests:
    """Makes commands.

    Args:
        random: where all choices come from.
        now: the wall clock, in microseconds.
        executions: the rows that commands may name.
        schedules: likewise.
        brittle: whether some triggers raise after a while.
        waits: whether some wait for the end of their run.
        poison: whether some runs have a value that the database refuses.
        twice: whether some cancel what was cancelled before.
        lifts: whether some give a schedule the trigger that it has, or another start.
    """

    def __init__(
        self,
        random: Random,
        now: Callable[[], int],
        executions: Callable[[], Sequence[Execution]],
        schedules: Callable[[], Mapping[str, Schedule]],
        *,
        brittle: bool = False,
        waits: bool = True,
        poison: bool = True,
        twice: bool = True,
        lifts: bool = True,
    ) -> None:
        self._random, self._now = random, now
        self._executions, self._schedules = executions, schedules
        self._brittle, self._waits, self._poison, self._twice = brittle, waits, poison, twice
        self._lifts = lifts
        self._cancelled: set[str] = set()
        self._made = 0
        self._kinds: tuple[Callable[[], Asking | None], ...] = (
            *[self.run_now] * 5,
            self.run_batch,
            *[self.schedule_create] * 4,
            self.schedule_update,
            self.schedule_delete,
            *[self.schedule_pause] * 2,
            *[self.schedule_resume] * 2,
            self.schedule_run,
            self.cancel,
            self.replay,
            self.pause_everything,
            self.resume_everything,
            self.pause_handler,
            self.resume_handler,
        )

    def anything(self) -> Asking | None:
        """Return some command, or None where the one that chance chose has nothing to name."""
        return self._random.choice(self._kinds)()

    # -- runs ----------------------------------------------------------------------------------------------------

    def run_now(self) -> Asking:
        marker, key = self._marker(), self._key()
        wait = self._random.choice((0, 0, 0, 3)) if self._waits else 0
        name = f"once-{marker}" if key else marker
        run = self._run(name, poison=not wait)
        return Asking(command=RunNow(run=run, wait_seconds=wait, idempotency_key=key), marker=name, key=key)

    def run_batch(self) -> Asking:
        marker, key = self._marker(), self._key()
        runs = tuple(self._run(marker, poison=False) for _ in range(self._random.randint(1, 4)))
        return Asking(command=RunBatch(runs=runs, idempotency_key=key), marker=marker, key=key)

    def schedule_run(self) -> Asking | None:
        id_ = self._some_schedule()
        wait = self._random.choice((0, 3)) if self._waits else 0
        return None if id_ is None else self._plain(ScheduleRun(schedule_id=id_, wait_seconds=wait))

    def cancel(self) -> Asking | None:
        unfinished = [row for row in self._executions() if row.status not in FINAL and row.id not in self._cancelled]
        if not unfinished:
            return None
        execution_id = self._pick(unfinished)
        if not self._twice:
            self._cancelled.add(execution_id)
        return self._plain(ExecutionCancel(execution_id=execution_id))

    def replay(self) -> Asking | None:
        ended = [row for row in self._executions() if row.status in FINAL]
        return self._plain(ExecutionRetry(execution_id=self._pick(ended))) if ended else None

    def _run(self, marker: str, *, poison: bool) -> RunRequest:
        random = self._random
        offline = random.random() < 0.05
        return RunRequest(
            handler_id=NOBODY if offline else random.choice(HANDLERS),
            method_name=random.choice(METHODS),
            tags=(marker, POISON) if poison and self._poison and random.random() < 0.03 else (marker,),
            priority=random.randrange(10),
            timeout_seconds=random.choice((None, None, 4)),
            expires_after_seconds=random.choice((None, None, None, 0, 6)),
            retry=self._retry(),
            allow_offline=offline,
        )

    def _retry(self) -> RetryOptions | None:
        random = self._random
        if random.random() < 0.3:
            return None
        return RetryOptions(
            max_attempts=random.choice((1, 2, 4)),
            base_seconds=random.choice((0, 1, 20)),
            jitter=random.choice((0, 0.5)),
            on_lost=random.random() < 0.8,
        )

    # -- schedules -----------------------------------------------------------------------------------------------

    def schedule_create(self) -> Asking:
        random, marker = self._random, self._marker()
        request = ScheduleRequest(
            handler_id=random.choice(HANDLERS),
            method_name=random.choice(METHODS),
            name=marker,
            schedule_id=random.choice(_SCHEDULE_IDS),
            if_exists=random.choice(("replace", "replace", "keep", "error")),
            trigger_config=self._trigger(),
            paused=random.random() < 0.1,
            overlap=random.choice(OVERLAPS),  # type: ignore[arg-type]
            catch_up=random.choice(CATCH_UPS),  # type: ignore[arg-type]
            misfire_grace_seconds=random.choice((0.5, 5, 60)),
            max_catch_up=random.choice((1, 3, 100)),
            jitter_seconds=random.choice((0, 0, 1)),
            max_runs=random.choice((None, None, None, 3)),
            start_at=random.choice((None, None, None, self._moment(5))),
            end_at=random.choice((None, None, None, self._moment(60))),
            priority=random.randrange(10),
            timeout_seconds=random.choice((None, 4)),
            expires_after_seconds=random.choice((None, None, 0, 6)),
            retry=self._retry(),
        )
        return Asking(command=ScheduleCreate(schedule=request), marker=marker)

    def schedule_update(self) -> Asking | None:
        id_ = self._some_schedule()
        if id_ is None:
            return None
        random = self._random
        patch = SchedulePatch(
            trigger_config=random.choice((UNSET, self._another_trigger())),
            overlap=random.choice((UNSET, *OVERLAPS)),  # type: ignore[arg-type]
            catch_up=random.choice((UNSET, *CATCH_UPS)),  # type: ignore[arg-type]
            paused=random.choice((UNSET, UNSET, True, False)),
            jitter_seconds=random.choice((UNSET, UNSET, 0, 1)),
            max_runs=random.choice((UNSET, UNSET, None, 10)),
            end_at=random.choice((UNSET, UNSET, None, self._moment(30))),
            misfire_grace_seconds=random.choice((UNSET, 0.5, 60)),
        )
        if self._lifts and random.random() < 0.5:
            patch = self._lift(id_, patch)
        return self._plain(ScheduleUpdate(schedule_id=id_, patch=patch))

    def _lift(self, schedule_id: str, patch: SchedulePatch) -> SchedulePatch:
        """Give the schedule the trigger that it has, or another start."""
        if self._random.random() < 0.5:
            return replace(patch, trigger_config=self._schedules()[schedule_id].request.trigger_config)
        return replace(patch, start_at=self._random.choice((None, self._moment(-60), self._moment(5))))

    def schedule_delete(self) -> Asking | None:
        id_ = self._some_schedule()
        return None if id_ is None else self._plain(ScheduleDelete(schedule_id=id_))

    def schedule_pause(self) -> Asking | None:
        id_ = self._some_schedule()
        return None if id_ is None else self._plain(SchedulePause(schedule_id=id_))

    def schedule_resume(self) -> Asking | None:
        id_ = self._some_schedule()
        return None if id_ is None else self._plain(ScheduleResume(schedule_id=id_))

    def _trigger(self) -> TriggerConfig:
        random = self._random
        seconds = random.choice((1, 2, 7, 30))
        return random.choice(
            (
                IntervalTrigger(seconds=seconds),
                IntervalTrigger(seconds=seconds),
                IntervalTrigger(seconds=seconds),
                IntervalTrigger(seconds=2, timezone=BRITTLE_ZONE if self._brittle else None),
                DateTrigger(run_date=self._moment(random.choice((0, 3, 20))).isoformat()),
                CronTrigger(expression=random.choice(("*/5 * * * * *", "* * * * *"))),
                CronTrigger(second="*/10", timezone="Europe/Berlin"),
                CalendarIntervalTrigger(days=1, hour=self._moment(20).hour, minute=self._moment(20).minute),
                OrTrigger(triggers=[IntervalTrigger(seconds=7), CronTrigger(second="*/3")]),
                AndTrigger(triggers=[CronTrigger(second="*/3"), CronTrigger(second="*/2")]),
            )
        )

    def _another_trigger(self) -> TriggerConfig:
        """Return one that is equal to no earlier one: it is anchored to the present."""
        seconds = self._random.choice((1, 2, 7, 30))
        date = DateTrigger(run_date=self._moment(seconds).isoformat())
        return self._random.choice((IntervalTrigger(seconds=seconds), date))

    # -- everything and handlers ---------------------------------------------------------------------------------

    def pause_everything(self) -> Asking:
        return self._plain(SystemPause())

    def resume_everything(self) -> Asking:
        return self._plain(SystemResume())

    def pause_handler(self) -> Asking:
        return self._plain(HandlerPause(handler_id=self._random.choice(HANDLERS)))

    def resume_handler(self) -> Asking:
        return self._plain(HandlerResume(handler_id=self._random.choice(HANDLERS)))

    # -- choices -------------------------------------------------------------------------------------------------

    def _plain(self, command: Command[Any]) -> Asking:
        return Asking(command=command, marker=self._marker())

    def _marker(self) -> str:
        self._made += 1
        return f"c{self._made}"

    def _key(self) -> str | None:
        return f"key-{self._made}" if self._random.random() < 0.5 else None

    def _moment(self, seconds: float) -> datetime:
        return to_datetime(self._now()) + timedelta(seconds=seconds)

    def _some_schedule(self) -> str | None:
        ids = sorted(self._schedules())
        return self._random.choice(ids) if ids else None

    def _pick(self, rows: Sequence[Execution]) -> str:
        return self._random.choice(rows).id
