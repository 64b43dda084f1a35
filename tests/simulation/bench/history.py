"""One history, made from a seed: commands of all kinds, jobs that end in all ways, losses, and one fate.

The same seed makes the same history up to the boundary that meets its fate. In the end every fault ceases, everything
comes to rest, and the rules are audited.
"""

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Literal

from schedulezero.handler.instructions import Moment
from schedulezero.handler.session import Session
from schedulezero.protocol.commands import HandlerResume, SchedulePause, ScheduleResume, SystemResume
from schedulezero.protocol.handling import Execute, Hello, Refused, Stranger, Welcome
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceState
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import (
    SECOND,
    Answer,
    Effect,
    Execution,
    ReadAhead,
    ReadLine,
    Refill,
    Refuse,
    Send,
)

from ..model.database import Database
from ..model.ledger import overdue
from ..model.memories import differences
from ..model.promises import Asking, Promises
from ..model.requests import HANDLERS, NOBODY, Requests
from ..model.rules import Rule, Violation
from ..model.seeds import SEED
from ..model.trace import Trace
from ..model.watch import Watch, attempts_that_do_not_add_up
from .fates import Fate
from .instances import Instance, Wire, described
from .scheduler import BenchScheduler, Boundary, Fed, Killed

START = 1_800_000_000_000_000
_ACTIONS = 40
_LONGEST_SLEEP = 5 * SECOND
_ROUNDS = 2_000
_READ_AT_ONCE = 6
_WHY_NOT: tuple[Literal["full", "stale"], ...] = ("full", "stale")
_HOWS = ("success", "success", "success", "error", "fail", "retry")


class History:
    """A scheduler, a few instances, and users; everything that happens to them, from one seed.

    Args:
        seed: where all chance comes from.
        boundary: the commit that meets a fate; None for a history in which all commits go well.
        met: told the events of each batch, and its fate.
    """

    scheduler_type: type[BenchScheduler] = BenchScheduler
    database_type: type[Database] = Database
    session_type: type[Session] = Session
    brittle = True
    twice = lifts = True

    def __init__(
        self,
        seed: int,
        boundary: Boundary | None = None,
        met: Callable[[Sequence[Fed], Fate | None], None] | None = None,
    ) -> None:
        self.seed, self.boundary = seed, boundary
        self._elapsed = 0
        self._stepped = 0
        self._random = Random(seed)
        self.trace = Trace(lambda: self.now)
        self.watch = Watch(self.trace)
        self.database = self.database_type(self.watch, lambda: self.now)
        self.promises = Promises(self.watch, self.database.executions)
        self.instances: dict[str, Instance] = {}
        self._boots = 0
        self._wires = 0
        self.resting = False
        """Whether the faults have ceased, and everything is to come to its end."""
        self._to_read: list[Refill | ReadLine | ReadAhead] = []
        self._requests = Requests(
            self._random,
            lambda: self.now,
            self._recent_rows,
            lambda: self.database.schedules,
            brittle=self.brittle,
            twice=self.twice,
            lifts=self.lifts,
        )
        self.scheduler = self.scheduler_type(
            self.database,
            lambda: self.now,
            seed,
            perform=self._perform,
            reloaded=self._introduce_everybody,
            boundary=boundary,
            met=met or _nobody,
        )

    @property
    def now(self) -> int:
        """The wall clock, in microseconds."""
        return START + self._elapsed + self._stepped

    @property
    def moment(self) -> Moment:
        """The present, as instances see it."""
        return Moment(to_datetime(self.now), self._elapsed / SECOND)

    def play(self) -> int:
        """Play it to its end and audit it. Return how many commits there were before the end began.

        Raises:
            Violation: a rule was broken; the notes of the exception tell the seed and what happened last. Whatever
                else the core raises is a fault too, and comes with the same notes.
        """
        try:
            return self._play()
        except Exception as error:
            error.add_note(f"seed {self.seed}, {self.boundary}; what happened last:\n{self.trace}")
            error.add_note(f"Play it again: {SEED}={self.seed} pytest tests/simulation -k crash_points")
            raise

    def _play(self) -> int:
        self._survive(self.scheduler.start)
        for handler_id in (*HANDLERS, HANDLERS[0]):
            self._survive(partial(self._boot, handler_id))
        for _ in range(_ACTIONS):
            self._survive(self._something_happens)
            self.watch.check()
        commits = self.scheduler.commits
        self._come_to_rest()
        self._audit()
        return commits

    # -- what happens --------------------------------------------------------------------------------------------

    def _survive(self, happening: Callable[[], object]) -> None:
        """Let something happen, and if the scheduler dies of it, start another."""
        try:
            happening()
        except Killed as killed:
            self.trace.note("the scheduler: {}", killed)
            self._replace_scheduler()

    def _replace_scheduler(self) -> None:
        self.scheduler.die()
        self.promises.nobody_answers()
        self._to_read.clear()
        for instance in self.instances.values():
            if self._random.random() < 0.5:
                self._deliver_to(instance)
            instance.disconnect()
        self._elapsed += self._random.choice((0, 1, 6, 100)) * SECOND
        self.scheduler.start()

    def _something_happens(self) -> None:
        self._random.choice(_HAPPENINGS)(self)
        for instance in list(self.instances.values()):
            if self._random.random() < 0.8:
                self._exchange(instance)
        self.scheduler.turn()

    def somebody_asks(self) -> None:
        again = self.promises.to_ask_again
        asking = again.pop(0) if again and self._random.random() < 0.7 else self._requests.anything()
        if asking is not None:
            self._ask(asking)

    def time_passes(self) -> None:
        self._advance(self._random.choice((0.05, 0.5, 1, 3, 12)))

    def much_time_passes(self) -> None:
        self._advance(self._random.choice((40, 70)))

    def the_clock_is_stepped(self) -> None:
        self._stepped += self._random.choice((-3_600, -5, -1, 5, 90, 600)) * SECOND
        self.trace.note("the clock is stepped to {}", self.now)
        self.scheduler.feed(inputs.Tick())

    def nothing_moves(self) -> None:
        """Everything is committed: a good moment to compare memory with what is stored."""
        self.scheduler.settle()
        held, fresh = self.scheduler.machine.memory, self.scheduler.fresh().memory
        for violation in differences(held, fresh, self.database.schedules):
            raise violation

    def a_job_ends(self) -> None:
        working = [instance for instance in self.instances.values() if instance.jobs]
        if working:
            instance = self._random.choice(working)
            execution_id = self._random.choice(list(instance.jobs))
            instance.end_job(execution_id, self._random.choice(_HOWS), self.moment)

    def an_instance_dies(self) -> None:
        instance = self._some_instance()
        del self.instances[instance.boot_id]
        self.trace.note("{} dies", instance.boot_id)
        left = instance.wire
        instance.disconnect()
        self.scheduler.feed(inputs.InstanceTold(state=self._state(instance, HandlerStatus.DISCONNECTED)))
        self.scheduler.feed(inputs.LinkLost(boot_id=instance.boot_id, gone=True))
        successor = self._boot(instance.info.handler_id, instance.info.instance_id)
        if left is not None and self._random.random() < 0.5:
            self.trace.note("what was meant for {} reaches {} on its port", instance.boot_id, successor.boot_id)
            successor.receive(left.peer, list(left.to_instance), self.moment)

    def a_connection_breaks(self) -> None:
        """It comes back: soon, or so late that the scheduler has given it up."""
        instance = self._some_instance()
        self.trace.note("the connection to {} breaks", instance.boot_id)
        instance.disconnect()
        if self._random.random() < 0.5:
            self.scheduler.feed(inputs.LinkLost(boot_id=instance.boot_id))
        self._connect(instance)

    def an_instance_is_silent(self) -> None:
        self.scheduler.feed(inputs.LinkSilent(boot_id=self._some_instance().boot_id))

    def an_instance_drains(self) -> None:
        instance = self._some_instance()
        self.trace.note("{} drains", instance.boot_id)
        instance.drain()
        self._boot(instance.info.handler_id)

    def work_is_refused(self) -> None:
        """As by an instance whose queue is full: the work is taken from the wire and given back."""
        instance = self._some_instance()
        wire = instance.wire
        execute = next((one for one in wire.to_instance if isinstance(one, Execute)), None) if wire else None
        if wire is not None and execute is not None:
            wire.to_instance.remove(execute)
            id_, attempt, claim = execute.execution_id, execute.attempt, execute.claim
            reason = self._random.choice(_WHY_NOT)
            wire.to_scheduler.append(Refused(execution_id=id_, attempt=attempt, claim=claim, reason=reason))

    def _ask(self, asking: Asking) -> None:
        self.trace.note("asks {}: {}", asking.marker, asking.command)
        command = asking.command
        named = getattr(command, "execution_id", None)
        prior = self.database.keys.get(("local", asking.key)) if asking.key is not None else None
        found = prior.execution_ids[0] if prior is not None else named
        schedule_id = inputs.schedule_named_by(command)
        self.scheduler.feed(
            inputs.Asked(
                command=command,
                caller="local",
                ticket=self.promises.ask(asking),
                found=self.database.executions.get(found) if found is not None else None,
                schedule=self.database.schedules.get(schedule_id) if schedule_id is not None else None,
                prior=prior,
                digest=asking.marker,
            )
        )

    # -- time ----------------------------------------------------------------------------------------------------

    def _advance(self, seconds: float) -> None:
        """Let time pass, waking the machine whenever it wants to be, and the instances each second or so."""
        until = self._elapsed + round(seconds * SECOND)
        while self._elapsed < until:
            wakeup = self.scheduler.machine.memory.next_wakeup()
            wait = _LONGEST_SLEEP if wakeup is None else min(max(wakeup - self.now, 1), _LONGEST_SLEEP)
            self._elapsed = min(self._elapsed + wait, until)
            for instance in list(self.instances.values()):
                instance.pass_time(self.moment)
            self.scheduler.feed(inputs.Tick())
            self.scheduler.turn()

    # -- the wires -----------------------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send():
                instance = self.instances.get(effect.boot_id)
                if instance is not None and instance.wire is not None:
                    instance.wire.to_instance.append(effect.message)
            case Answer():
                self.promises.answer(effect.ticket, effect.value)
            case Refuse():
                self.promises.refuse(effect.ticket, effect.problem)
            case Refill() | ReadLine() | ReadAhead():
                self._to_read.append(effect)

    def _exchange(self, instance: Instance) -> None:
        """Deliver what is under way, some of it twice."""
        self._deliver_to(instance)
        self._hear(instance)
        while self._to_read:
            self.scheduler.feed(self._read(self._to_read.pop()))

    def _read(self, effect: Refill | ReadLine | ReadAhead) -> inputs.Refilled | inputs.LineRead | inputs.Upcoming:
        """Read more of a queue, of a line, or of the schedules, as it is stored now."""
        if isinstance(effect, ReadAhead):
            return self.database.read_ahead(effect)
        if isinstance(effect, ReadLine):
            line = self.database.line(effect.schedule_id, limit=_READ_AT_ONCE)
            return inputs.LineRead(schedule_id=effect.schedule_id, executions=line)
        queue = {"handler_id": effect.handler_id, "method_name": effect.method_name}
        return inputs.Refilled(executions=self.database.pending(**queue, limit=_READ_AT_ONCE), **queue)

    def _deliver_to(self, instance: Instance) -> None:
        wire = instance.wire
        while wire is not None and wire is instance.wire and wire.to_instance:
            message = wire.to_instance.popleft()
            twice = self._random.random() < 0.05
            instance.receive(wire.peer, [message, message] if twice else [message], self.moment)

    def _hear(self, instance: Instance) -> None:
        wire = instance.wire
        while wire is not None and wire is instance.wire and wire.to_scheduler:
            message = wire.to_scheduler.popleft()
            for _ in range(2 if self._random.random() < 0.05 else 1):
                self._take(instance, message)

    def _take(self, instance: Instance, message: object) -> None:
        match message:
            case Welcome():
                self.scheduler.feed(inputs.Linked(welcome=message))
            case Stranger():
                self.scheduler.feed(inputs.LinkLost(boot_id=instance.boot_id, gone=True))
            case _:
                self.scheduler.feed(inputs.Heard(boot_id=instance.boot_id, messages=[message]))  # type: ignore[list-item]

    def _boot(self, handler_id: str, instance_id: str | None = None) -> Instance:
        self._boots += 1
        id_ = instance_id or f"{handler_id}-{self._boots}"
        info = described(self._boots, handler_id, id_, self._random.choice((1, 2, 8)))
        instance = self.instances[info.boot_id] = Instance(info, self.watch, self.session_type)
        self.trace.note("{} boots as {}", id_, info.boot_id)
        self.scheduler.feed(inputs.InstanceTold(state=self._state(instance)))
        self._connect(instance)
        return instance

    def _connect(self, instance: Instance) -> None:
        if instance.wire is None:
            self._wires += 1
            instance.wire = Wire(f"wire-{self._wires}".encode())
        hello = Hello(scheduler_id="s", instance_id=instance.info.instance_id, boot_id=instance.boot_id)
        instance.wire.to_instance.append(hello)

    def _introduce_everybody(self) -> None:
        states = tuple(self._state(instance) for instance in self.instances.values())
        self.scheduler.feed(inputs.DirectoryRead(instances=states))
        for instance in self.instances.values():
            self._connect(instance)
        self.scheduler.feed(inputs.Tick())

    def _state(self, instance: Instance, status: HandlerStatus = HandlerStatus.CONNECTED) -> InstanceState:
        if instance.session.draining and status is HandlerStatus.CONNECTED:
            status = HandlerStatus.DRAINING
        return InstanceState(info=instance.info, status=status, running=0, last_seen=to_datetime(self.now))

    def _some_instance(self) -> Instance:
        return self._random.choice(list(self.instances.values()))

    def _recent_rows(self) -> Sequence[Execution]:
        return list(self.database.executions.values())[-30:]

    # -- the end -------------------------------------------------------------------------------------------------

    def _come_to_rest(self) -> None:
        """No more faults: let everybody resume, and everything come to its end."""
        self.resting = True
        self._survive(partial(self._boot, NOBODY))
        for handler_id in HANDLERS:
            self._survive(partial(self._boot, handler_id))
        self._survive(self._resume_and_stop_firing)
        for _ in range(_ROUNDS):
            self._survive(self._finish_what_runs)
            self.watch.check()
            if not any(True for _ in self.database.unfinished()) and not self.promises.to_ask_again:
                break
        else:
            raise Violation(Rule.EVERYTHING_ENDS, f"{next(iter(self.database.unfinished()))} does not")
        self._survive(self._say_what_is_left)

    def _resume_and_stop_firing(self) -> None:
        self.scheduler.settle()
        self._ask(Asking(command=SystemResume(), marker="end"))
        for handler_id in HANDLERS:
            self._ask(Asking(command=HandlerResume(handler_id=handler_id), marker="end"))
        for id_, schedule in list(self.database.schedules.items()):
            if schedule.state != "quarantined":
                self._ask(Asking(command=ScheduleResume(schedule_id=id_), marker="end"))
                self._ask(Asking(command=SchedulePause(schedule_id=id_), marker="end"))
        self.scheduler.settle()

    def _finish_what_runs(self) -> None:
        while self.promises.to_ask_again:
            self._ask(self.promises.to_ask_again.pop())
        self.scheduler.settle()
        while any(instance.is_busy for instance in self.instances.values()):
            for instance in list(self.instances.values()):
                self._exchange(instance)
                for execution_id in list(instance.jobs):
                    instance.end_job(execution_id, "success", self.moment)
            self.scheduler.settle()
        self._advance(7)
        self.scheduler.settle()

    def _say_what_is_left(self) -> None:
        for _ in range(3):
            for instance in list(self.instances.values()):
                self._exchange(instance)
            self.scheduler.settle()

    def _audit(self) -> None:
        database = self.database
        for violation in (
            *self.watch.violations,
            *self.watch.ledger.audit(database.executions.values()),
            *overdue(database.schedules, self.now),
            *self.promises.audit(database.schedules),
            *attempts_that_do_not_add_up(database.executions.values(), database.attempts.values()),
            *differences(self.scheduler.machine.memory, self.scheduler.fresh().memory, self.database.schedules),
        ):
            raise violation


def _nobody(_batch: Sequence[Fed], _fate: Fate | None) -> None:
    """Nobody wants to know."""


_HAPPENINGS: tuple[Callable[[History], None], ...] = (
    *[History.somebody_asks] * 16,
    *[History.a_job_ends] * 8,
    *[History.time_passes] * 8,
    History.much_time_passes,
    *[History.nothing_moves] * 2,
    History.the_clock_is_stepped,
    History.an_instance_dies,
    History.a_connection_breaks,
    History.an_instance_is_silent,
    History.an_instance_drains,
    History.work_is_refused,
)
