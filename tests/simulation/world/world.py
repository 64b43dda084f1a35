"""A world from a seed: registry, scheduler, handlers and users, and what befalls them.

For some minutes of virtual time anything may happen: processes are killed, held and started again, connections break,
commits fail, clocks are stepped. Then the faults cease, everything comes to rest, and the rules are audited.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

from schedulezero.handler.serve import Server
from schedulezero.protocol.commands import HandlerResume, SchedulePause, ScheduleResume, SystemResume
from schedulezero.scheduler.core.machine import Machine
from schedulezero.scheduler.core.memory import Limits
from schedulezero.scheduler.core.model import Execution
from schedulezero.scheduler.service import SchedulerService

from ..model.database import Database
from ..model.ledger import overdue
from ..model.memories import differences
from ..model.promises import Asking, Promises
from ..model.requests import HANDLERS, NOBODY, Requests
from ..model.rules import Rule, Violation
from ..model.seeds import SEED
from ..model.trace import Trace
from ..model.watch import Watch, attempts_that_do_not_add_up
from .agenda import SECOND, Agenda
from .network import Context, Network
from .process import START, Process
from .programs import SCHEDULERS, Jobs, handler, registry, scheduler, user
from .store import Disk, ModelStore
from .substitutes import substituted

_SMALL_AGENDA = 2
_LONGEST_REST = 1_500
"""Virtual seconds after which what has not come to rest never will."""


class World:
    """Everything that is made from one seed."""

    troubled_seconds = 60
    """How long anything may happen."""
    database_type: type[Database] = Database
    faults: dict[str, Any] = {}
    """What is put in the place of what, by its dotted name, to see whether that is noticed."""
    brittle = waits = poison = twice = lifts = True
    """See :class:`.Requests`."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.agenda = Agenda()
        self.trace = Trace(lambda: self.agenda.now)
        self.watch = Watch(self.trace)
        self.database = self.database_type(self.watch, self._time)
        self.promises = Promises(self.watch, self.database.executions)
        self.network = Network(self.agenda, self.random)
        self.disk = Disk(self.random, self.agenda, self.trace.note)
        self.jobs = Jobs(self.watch, self.random)
        self.alone = self.random.random() < 0.5
        self.service: SchedulerService | None = None
        self.handlers: dict[str, tuple[Process, Server]] = {}
        self._processes: list[Process] = []
        self._started = 0
        self._troubled = True
        self._to_say: list[Asking] = []
        self._requests = Requests(
            self.random,
            self._time,
            self._recent_rows,
            lambda: self.database.schedules,
            brittle=self.brittle,
            waits=self.waits,
            poison=self.poison,
            twice=self.twice,
            lifts=self.lifts,
        )

    # -- from beginning to end -----------------------------------------------------------------------------------

    def play(self) -> None:
        """Play it to its end and audit it.

        Raises:
            Violation: a rule was broken; the notes of the exception tell the seed and what happened last.
        """
        try:
            with substituted(self.random, self._time, self._open_store, self.faults | self._small_memory()):
                self._play()
        except Violation as violation:
            violation.add_note(f"seed {self.seed}; what happened last:\n{self.trace}")
            violation.add_note(f"Play it again: {SEED}={self.seed} pytest tests/simulation -k whole")
            raise
        finally:
            for process in self._processes:
                process.kill()

    def _play(self) -> None:
        self.registry = self._start_registry()
        self.scheduler = self._start_scheduler()
        self._start_user()
        for handler_id in (*HANDLERS, HANDLERS[0]):
            self._start_handler(handler_id)
        self._pass(2)
        while self.agenda.now < self.troubled_seconds * SECOND:
            self._pass(self.random.choice((0.1, 0.5, 2, 5)))
            self.random.choice(_TROUBLES)(self)
        self._come_to_rest()
        self._audit()

    def _pass(self, seconds: float) -> None:
        self.agenda.run_until(self.agenda.now + round(seconds * SECOND))
        self.watch.check()

    def _time(self) -> int:
        return START + self.agenda.now

    def _small_memory(self) -> dict[str, Any]:
        """In every other world, let fewer schedules be held in memory than there are."""
        limits = partial(Limits, agenda=_SMALL_AGENDA) if self.seed % 2 else Limits
        return {"schedulezero.scheduler.service.Limits": limits}

    # -- processes -----------------------------------------------------------------------------------------------

    def _process(self, name: str) -> Process:
        self._started += 1
        process = Process(f"{name}-{self._started}", self.agenda, self.random, self._failed)
        self._processes.append(process)
        self.trace.note("{} starts", process.name)
        return process

    def _failed(self, what: str) -> None:
        self.watch.report(Rule.NO_CRASH, what)

    def _start_registry(self) -> Process:
        process = self._process("registry")
        process.do(lambda: self._begin(process, lambda: registry(process, Context(self.network, process))))
        return process

    def _start_scheduler(self) -> Process:
        process = self._process("scheduler")

        def program() -> Any:
            self.service, running = scheduler(process, Context(self.network, process), SCHEDULERS[0])
            return running

        process.do(lambda: self._begin(process, program))
        return process

    def _start_handler(self, handler_id: str, instance_id: str | None = None) -> None:
        process = self._process(f"handler-{handler_id}")
        id_ = instance_id or process.name
        capacity = self.random.choice((1, 2, 8))

        def program() -> Any:
            server, running = handler(handler_id, id_, capacity, Context(self.network, process), self.jobs)
            self.handlers[id_] = (process, server)
            return running

        process.do(lambda: self._begin(process, program))

    def _start_user(self) -> None:
        process = self._process("user")
        context = Context(self.network, process)
        asking = user(context, SCHEDULERS[0], self.promises, self._next_asking, self._until_next)
        process.do(lambda: self._begin(process, lambda: asking))

    def _begin(self, process: Process, program: Callable[[], Any]) -> None:
        process.loop.call_soon(lambda: process.run(program()).add_done_callback(lambda task: self._over(process, task)))

    def _over(self, process: Process, task: Any) -> None:
        """A program has ended: a drained handler may, others may not."""
        error = task.exception() if not task.cancelled() else None
        self.trace.note("{} ends: {}", process.name, error)
        if error is not None or not process.name.startswith("handler"):
            self._failed(f"{process.name} ended: {error!r}")
        self.network.drop(process)
        process.kill()

    def _kill(self, process: Process) -> None:
        self.trace.note("{} is killed", process.name)
        self.network.drop(process)
        process.kill()

    def _open_store(self, _url: str, *, owner: str, lease_seconds: float) -> Any:
        return ModelStore(self.database, self.disk, owner, lease_seconds, alone=self.alone)

    # -- users ---------------------------------------------------------------------------------------------------

    def _next_asking(self) -> Asking | None:
        if not self._troubled:
            return self._to_say.pop(0) if self._to_say else self._again()
        return (self._again() if self.random.random() < 0.5 else None) or self._requests.anything()

    def _again(self) -> Asking | None:
        again = self.promises.to_ask_again
        return again.pop(0) if again else None

    def _until_next(self) -> float:
        return self.random.choice((0, 0.01, 0.3, 2)) if self._troubled else 0.2

    def _recent_rows(self) -> Sequence[Execution]:
        return list(self.database.executions.values())[-30:]

    # -- troubles ------------------------------------------------------------------------------------------------

    def nothing_happens(self) -> None:
        pass

    def the_scheduler_is_killed(self) -> None:
        self._kill(self.scheduler)
        self._pass(self.random.choice((0, 0.1, 4)))
        self.scheduler = self._start_scheduler()

    def the_registry_is_killed(self) -> None:
        self._kill(self.registry)
        self._pass(self.random.choice((0, 0.1, 4, 15)))
        self.registry = self._start_registry()

    def a_handler_is_killed(self) -> None:
        """Another boot takes its place, perhaps on its port, or not at once."""
        id_, (process, server) = self.random.choice(list(self.handlers.items()))
        del self.handlers[id_]
        self._kill(process)
        self._pass(self.random.choice((0, 0, 1, 12)))
        handler_id = server._engine.session.instance_id.split("-")[1]
        self._start_handler(handler_id, id_)

    def a_handler_drains(self) -> None:
        id_, (process, server) = self.random.choice(list(self.handlers.items()))
        del self.handlers[id_]
        self.trace.note("{} drains", process.name)
        process.loop.call_soon(server.stop)
        self._start_handler(id_.split("-")[1])

    def somebody_is_held(self) -> None:
        """SIGSTOP, and after a while SIGCONT."""
        process = self._somebody()
        self.trace.note("{} is held", process.name)
        process.stop()
        self.network.hold(process)
        self._pass(self.random.choice((0.2, 2, 5, 12)))
        self.trace.note("{} goes on", process.name)
        process.resume()

    def connections_break(self) -> None:
        process = self._somebody()
        self.trace.note("the connections of {} break", process.name)
        self.network.cut(process)

    def a_clock_is_stepped(self) -> None:
        process = self._somebody()
        process.stepped += round(self.random.choice((-3_600, -5, -0.3, 0.3, 5, 90, 600)) * SECOND)
        self.trace.note("the clock of {} is off by {} s", process.name, process.stepped / SECOND)

    def _somebody(self) -> Process:
        return self.random.choice([self.scheduler, self.registry, *(process for process, _ in self.handlers.values())])

    # -- the end -------------------------------------------------------------------------------------------------

    def _come_to_rest(self) -> None:
        self.trace.note("the troubles end")
        self._calm_down()
        self._start_handler(NOBODY)
        self._pass(20)
        self._say(SystemResume(), *(HandlerResume(handler_id=id_) for id_ in HANDLERS))
        for id_ in sorted(self.database.schedules):
            self._say(ScheduleResume(schedule_id=id_), SchedulePause(schedule_id=id_))
        self._rest(lambda: not self._to_say and not self.promises.waiting and self._is_paused())
        self._rest(lambda: not any(True for _ in self.database.unfinished()))
        self._rest(lambda: not self.promises.to_ask_again and not self.promises.waiting)
        self._pass(8)

    def _calm_down(self) -> None:
        """Let there be no more chance in what happens, and users say only what they are told to."""
        self._troubled, self.network.faults, self.disk.sound, self.jobs.takes = False, False, True, 0
        for process in self._processes:
            process.stepped = 0

    def _say(self, *commands: Any) -> None:
        self._to_say += [Asking(command=command, marker="end") for command in commands]

    def _is_paused(self) -> bool:
        """Whether no schedule fires any more; what was not heard is said again."""
        firing = [id_ for id_, row in sorted(self.database.schedules.items()) if row.state == "active"]
        if firing and not self._to_say:
            self._say(*(SchedulePause(schedule_id=id_) for id_ in firing))
        return not firing

    def _rest(self, rested: Callable[[], bool]) -> None:
        for _ in range(_LONGEST_REST):
            if rested():
                return
            self._pass(1)
        left: object = next(iter(self.database.unfinished()), self.promises.waiting)
        raise Violation(Rule.SETTLES, f"after {_LONGEST_REST} s there is still {left}")

    def _audit(self) -> None:
        database = self.database
        assert self.service is not None
        held = self.service._pipeline.memory
        if held is None:
            raise Violation(Rule.SETTLES, "the scheduler has no memory")
        limits = Limits()
        fresh = Machine(limits, Random(0))
        fresh.handle(database.load(1, window=limits.window, line=limits.line, agenda=limits.agenda), 0)
        for violation in self._violations(differences(held, fresh.memory, database.schedules)):
            raise violation

    def _violations(self, in_memory: Iterable[Violation]) -> Iterator[Violation]:
        """Report every rule that is broken at the end."""
        database = self.database
        yield from (
            *self.watch.violations,
            *self.watch.ledger.audit(database.executions.values()),
            *overdue(database.schedules, self.scheduler.now()),
            *self.promises.audit(database.schedules),
            *attempts_that_do_not_add_up(database.executions.values(), database.attempts.values()),
            *in_memory,
        )


_TROUBLES: tuple[Callable[[World], None], ...] = (
    *[World.nothing_happens] * 8,
    World.the_scheduler_is_killed,
    World.the_registry_is_killed,
    *[World.a_handler_is_killed] * 2,
    World.a_handler_drains,
    *[World.somebody_is_held] * 2,
    *[World.connections_break] * 2,
    World.a_clock_is_stepped,
)
