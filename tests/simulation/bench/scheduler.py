"""The scheduler on the bench: the real machine, and a committer that follows the rules of the real one, in our hands.

One batch is being written while another is filled. Effects happen after the commit of their batch. A batch that
fails takes what is being filled with it, and memory is read anew under a raised epoch.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from schedulezero.protocol.errors import Code, Problem
from schedulezero.scheduler.core.agenda import part_of
from schedulezero.scheduler.core.inputs import Asked, Input, Loaded
from schedulezero.scheduler.core.machine import Machine
from schedulezero.scheduler.core.memory import Limits
from schedulezero.scheduler.core.model import Change, Effect, Refuse, Step
from schedulezero.scheduler.store import Conflict, DataRefused, Fenced
from schedulezero.scheduler.waiting import Waiting

from ..model.database import Database
from .fates import CRASHES, Fate

LIMITS = Limits(window=3, line=2, agenda=2)
_FAR = 1_000_000_000_000_000
_LONG_AGO = 0
_NOTHING_STORED = Problem(code=Code.UNAVAILABLE, message="nothing was stored")
_NOBODY_KNOWS = Problem(code=Code.OUTCOME_UNKNOWN, message="nobody knows whether this was stored")


class Killed(Exception):
    """The scheduler's process has ended at a boundary."""


class Fed(NamedTuple):
    """An event, and what the machine made of it."""

    event: Input
    step: Step


class Boundary(NamedTuple):
    """Where a history meets a fate: at which of its commits, counted from 0."""

    number: int
    fate: Fate


class BenchScheduler:
    """Feeds a machine and commits what it says.

    Args:
        database: what is committed to.
        now: the wall clock.
        seed: of the machine's own chance.
        perform: called with effects whose changes are durable.
        reloaded: called when a new machine has been loaded: it knows of no connection.
        boundary: the commit that does not go well, and how.
        met: told the events of each batch before it is committed, and its fate where it does not go well.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], int],
        seed: int,
        *,
        perform: Callable[[Effect], None],
        reloaded: Callable[[], None],
        boundary: Boundary | None,
        met: Callable[[Sequence[Fed], Fate | None], None],
    ) -> None:
        self._database, self._now, self._seed = database, now, seed
        self._perform, self._reloaded, self._boundary, self._met = perform, reloaded, boundary, met
        self._lives = 0
        self._epoch = 0
        self._owner = ""
        self._writing: list[Fed] = []
        self._filling: list[Fed] = []
        self._waiting = Waiting()
        self._late: tuple[str, int, list[list[Change]]] | None = None
        self.commits = 0
        self.machine: Machine

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """A process starts: own everything, read everything."""
        self._lives += 1
        self._owner = f"scheduler-{self._lives}"
        self.reload()

    def die(self) -> None:
        """The process ends; what it had not committed is gone."""
        self._writing, self._filling = [], []
        self._waiting = Waiting()

    def reload(self) -> None:
        """Raise the epoch, forget memory, read it anew. What was on its way to the database arrives after that."""
        self._epoch = self.acquire()
        self.machine = self._new_machine()
        self.feed(self.load())
        self._arrive_late()
        self._reloaded()

    def acquire(self) -> int:
        return self._database.acquire(self._owner, _FAR, alone=True)

    def load(self) -> Loaded:
        return self._database.load(self._epoch, window=LIMITS.window, line=LIMITS.line, agenda=part_of(LIMITS.agenda))

    def fresh(self) -> Machine:
        """Return a machine that has just read the database and done nothing yet, not even what is overdue."""
        machine = self._new_machine()
        machine.handle(self.load(), _LONG_AGO)
        return machine

    def _new_machine(self) -> Machine:
        return Machine(LIMITS, Random(self._seed * 1_000 + self._epoch))

    # -- events --------------------------------------------------------------------------------------------------

    def feed(self, event: Input) -> None:
        """Let something happen. Its changes are committed by the next turn, its effects happen then."""
        try:
            step = self.machine.handle(event, self._now())
        except Exception as error:
            if not isinstance(event, Asked):
                raise
            # As the command server does: the command fails alone, and its asker is told.
            self._perform(Refuse(ticket=event.ticket, problem=Problem(code=Code.INTERNAL, message=repr(error))))
            return
        fed = Fed(event, step)
        if step.changes or self._writing or self._filling:
            self._filling.append(fed)
        else:
            self._perform_all([fed])

    def turn(self) -> None:
        """Commit the batch that is being written, and begin to write the one that was filled meanwhile."""
        writing, self._writing = self._writing, []
        if writing:
            self._commit(writing)
        self._writing, self._filling = self._filling, []

    def settle(self) -> None:
        """Commit everything that was fed."""
        while self._writing or self._filling:
            self.turn()

    # -- commits -------------------------------------------------------------------------------------------------

    def _commit(self, batch: list[Fed]) -> None:
        groups = [list(fed.step.changes) for fed in batch if fed.step.changes]
        if not groups:
            self._perform_all(batch)
            return
        boundary, number = self._boundary, self.commits
        self.commits += 1
        fate = boundary.fate if boundary is not None and boundary.number == number else None
        self._met(batch, fate)
        if fate is None:
            self.store(batch, groups)
        else:
            self._suffer(fate, batch, groups)

    def store(self, batch: list[Fed], groups: list[list[Change]]) -> None:
        """Commit, then perform the effects: a commit that goes well."""
        verdicts = self._write(groups)
        if verdicts is None:
            self._fail(batch, _NOTHING_STORED)
        else:
            self._tell(batch, verdicts)

    def _write(self, groups: list[list[Change]]) -> list[DataRefused | None] | None:
        """Commit; return None where nothing is stored, since a change rests on one that was refused."""
        try:
            return self._database.commit(self._owner, self._epoch, groups)
        except Conflict:
            self._database.watch.check()
            return None

    def _tell(self, batch: list[Fed], verdicts: Sequence[DataRefused | None]) -> None:
        """Perform the effects of what is stored; refuse what the database would not take.

        What came after a refused event may rest on it: it is answered where it is stored itself, and sends nothing.
        """
        told = iter(verdicts)
        spoilt = False
        for fed in batch:
            verdict = next(told) if fed.step.changes else None
            if verdict is not None:
                spoilt = True
                self._refuse([fed], verdict.problem)
            elif not spoilt:
                self._perform_all([fed])
            elif fed.step.changes:
                self._perform_all([fed], but_sends=True)
            else:
                self._refuse([fed], _NOTHING_STORED)
        if spoilt:
            self._give_up(_NOTHING_STORED)

    def _suffer(self, fate: Fate, batch: list[Fed], groups: list[list[Change]]) -> None:
        match fate:
            case Fate.CRASH_BEFORE_COMMIT:
                pass
            case Fate.CRASH_BEFORE_EFFECTS:
                self._write(groups)
            case Fate.CRASH_AMID_EFFECTS:
                self._store_and_die(batch, groups)
            case Fate.CRASH_AFTER_EFFECTS:
                self.store(batch, groups)
            case Fate.FAILED:
                self._fail(batch, _NOTHING_STORED)
            case Fate.UNKNOWN_AND_STORED:
                self._write(groups)
                self._fail(batch, _NOBODY_KNOWS)
            case Fate.UNKNOWN_AND_LOST:
                self._fail(batch, _NOBODY_KNOWS)
            case Fate.UNKNOWN_AND_LATE:
                self._late = (self._owner, self._epoch, groups)
                self._fail(batch, _NOBODY_KNOWS)
            case Fate.TAKEN_OVER:
                self._late = (self._owner, self._epoch, groups)
        if fate in CRASHES or fate is Fate.TAKEN_OVER:
            raise Killed(fate)

    def _store_and_die(self, batch: list[Fed], groups: list[list[Change]]) -> None:
        """Commit, and be killed when half as many effects have happened as the batch has."""
        perform, left = self._perform, sum(len(fed.step.effects) for fed in batch) // 2

        def perform_some(effect: Effect) -> None:
            nonlocal left
            if left == 0:
                raise Killed(Fate.CRASH_AMID_EFFECTS)
            left -= 1
            perform(effect)

        self._perform = perform_some
        try:
            self.store(batch, groups)
        finally:
            self._perform = perform

    def _fail(self, batch: list[Fed], problem: Problem) -> None:
        self._refuse(batch, problem)
        self._give_up(problem)

    def _give_up(self, problem: Problem) -> None:
        lost, self._writing, self._filling = [*self._writing, *self._filling], [], []
        self._refuse(lost, problem)
        for effect in self._waiting.release():
            self._perform(effect)
        self.reload()

    def _refuse(self, batch: Sequence[Fed], problem: Problem) -> None:
        for effect in self._waiting.refusals([fed.step for fed in batch], problem):
            self._perform(effect)

    def _perform_all(self, batch: Sequence[Fed], *, but_sends: bool = False) -> None:
        for fed in batch:
            effects = self._waiting.without_sends(fed.step.effects) if but_sends else fed.step.effects
            self._waiting.follow(effects)
            for effect in effects:
                self._perform(effect)

    def _arrive_late(self) -> None:
        """The commit that was on its way arrives: it must be fenced. The database tells its watch of a conflict."""
        if self._late is not None:
            (owner, epoch, groups), self._late = self._late, None
            try:
                self._database.commit(owner, epoch, groups)
            except (Fenced, Conflict):
                return
            self._database.watch.trace.note("a commit under epoch {} arrived after epoch {} began", epoch, self._epoch)
