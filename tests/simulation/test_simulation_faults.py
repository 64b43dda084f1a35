"""The simulation sees what it is there for: with each of these faults put in on purpose, a rule breaks.

Each is one line of the real code left out. The plays that notice it break no rule without it.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from schedulezero.handler.session import Session
from schedulezero.protocol.handling import Execute
from schedulezero.scheduler.committer import Committer
from schedulezero.scheduler.core import model
from schedulezero.testkit.figures import Figure

from .bench.fates import Fate
from .bench.history import History
from .bench.scheduler import BenchScheduler, Boundary, Fed
from .model.database import Database, Undo
from .model.rules import Rule, Violation
from .world.store import ModelStore
from .world.world import World

_MOST_PLAYS = 400
_MOST_WORLDS = 60
_OUT_OF_DATE = {Rule.NO_CONFLICT, Rule.MEMORY, Rule.EVERYTHING_ENDS, Rule.SETTLES}
"""How it shows that somebody has written behind the scheduler's back."""


class FenceDropped(Database):
    """Commits are taken under any epoch."""

    def _check(self, owner: str, epoch: int) -> None:
        pass


class DecidedThroughKept(Database):
    """A decision is stored, and how far its schedule was decided is not."""

    def _put_schedule(self, undo: Undo, row: model.Schedule) -> None:
        stored = self.schedules.get(row.id)
        if stored is not None and stored.generation == row.generation:
            row = model.replace(row, decided_through=stored.decided_through)
        super()._put_schedule(undo, row)


class EffectsFirst(BenchScheduler):
    """Effects happen, then their changes are committed."""

    def store(self, batch: list[Fed], groups: list[list[model.Change]]) -> None:
        self._perform_all(batch)
        self._write(groups)


class EpochKept(BenchScheduler):
    """Memory is read anew under the epoch that it had."""

    def acquire(self) -> int:
        return self._epoch if self._epoch and self._owner_acquired == self._owner else self._acquire_first()

    def _acquire_first(self) -> int:
        self._owner_acquired = self._owner
        return super().acquire()


class BootIgnored(Session):
    """Work that is meant for another boot is taken."""

    def _execute(self, peer: bytes, execute: Execute, now: Any) -> Any:
        return super()._execute(peer, model.replace(execute, boot_id=self.boot_id), now)


class DuplicatesRun(Session):
    """A claim that is held already is run again."""

    def _repeat(self, held: Any, link: Any, execute: Execute, now: Any) -> Any:
        return self._accept(execute, link, now)


def boundary_of(play: int, fate: Fate) -> Boundary:
    """Return one of the commits of a history, before it comes to rest: what is refused then is not asked again."""
    return Boundary(play * 7 % History(play).play(), fate)


def first_violation(history: Callable[[int, Boundary], History], fate: Fate) -> tuple[Violation, int]:
    """Play histories, each to another boundary, until a rule breaks; return how, and the number of plays."""
    for play in count(1):
        assert play <= _MOST_PLAYS, f"{_MOST_PLAYS} histories did not notice"
        try:
            history(play, boundary_of(play, fate)).play()
        except Violation as violation:
            return violation, play
    raise AssertionError


def violations_without_fault(plays: int, fate: Fate) -> list[Violation]:
    """Play what noticed a fault, and all before it, without the fault: so it was the fault that broke the rule."""
    violations = []
    for play in range(1, plays + 1):
        try:
            History(play, boundary_of(play, fate)).play()
        except Violation as violation:
            violations.append(violation)
    return violations


@pytest.mark.parametrize(
    ("fault", "fate", "rules"),
    [
        pytest.param({"database_type": FenceDropped}, Fate.TAKEN_OVER, _OUT_OF_DATE, id="fence dropped"),
        pytest.param(
            {"scheduler_type": EffectsFirst},
            Fate.CRASH_BEFORE_COMMIT,
            {Rule.ACCEPTED_IS_STORED, Rule.BEGUN_IF_STORED},
            id="effect before commit",
        ),
        pytest.param(
            {"scheduler_type": EpochKept},
            Fate.UNKNOWN_AND_LATE,
            _OUT_OF_DATE,
            id="epoch not raised on reload",
        ),
        pytest.param(
            {"session_type": BootIgnored},
            Fate.FAILED,
            {Rule.BEGUN_IF_STORED},
            id="boot id ignored",
        ),
        pytest.param(
            {"database_type": DecidedThroughKept},
            Fate.CRASH_BEFORE_EFFECTS,
            {Rule.NO_CONFLICT, Rule.DECIDED_ONCE},
            id="decided_through not advanced",
        ),
        pytest.param({"session_type": DuplicatesRun}, Fate.FAILED, {Rule.BEGUN_ONCE}, id="duplicate not suppressed"),
    ],
)
def test_a_fault_that_is_put_in_on_purpose_breaks_a_rule(
    fault: dict[str, type], fate: Fate, rules: set[Rule], figure: Figure, request: pytest.FixtureRequest
) -> None:
    spoilt = type("Spoilt", (History,), fault)

    violation, plays = first_violation(spoilt, fate)

    named = request.node.callspec.id
    figure(f"fault {named}: noticed in play {{}} of the bench, {violation.rule.name}", plays)
    assert violation.rule in rules
    assert violations_without_fault(plays, fate) == []


def effects_at_once(committer: Any, step: model.Step) -> None:
    """`Committer.add` that performs effects before their changes are committed."""
    committer._perform(step.effects)
    _add(committer, model.Step(changes=step.changes, effects=[]))


def acquire_once(store: Any) -> Any:
    """`ModelStore.acquire` that raises no epoch when memory is read anew."""
    return store.shards if store.epoch else _acquire(store)


def run_again(session: Any, held: Any, link: Any, execute: Execute, now: Any) -> Any:
    """`Session._repeat` that takes a duplicate for new work."""
    return session._accept(execute, link, now)


_add, _acquire = Committer.add, ModelStore.acquire
_STORE = f"{ModelStore.__module__}.ModelStore.acquire"


def first_violation_of_worlds(world: Callable[[int], World]) -> tuple[Violation, int]:
    """Play worlds until a rule breaks; return how, and the number of worlds. Without the fault `whole` plays them."""
    for seed in range(_MOST_WORLDS):
        try:
            world(seed).play()
        except Violation as violation:
            return violation, seed + 1
    raise AssertionError(f"{_MOST_WORLDS} worlds did not notice")


@pytest.mark.parametrize(
    ("fault", "rules"),
    [
        pytest.param({"database_type": FenceDropped}, _OUT_OF_DATE, id="fence dropped"),
        pytest.param(
            {"faults": {"schedulezero.scheduler.committer.Committer.add": effects_at_once}},
            {Rule.ACCEPTED_IS_STORED, Rule.BEGUN_IF_STORED},
            id="effect before commit",
        ),
        pytest.param({"faults": {_STORE: acquire_once}}, _OUT_OF_DATE, id="epoch not raised on reload"),
        pytest.param(
            {"database_type": DecidedThroughKept},
            {Rule.NO_CONFLICT, Rule.DECIDED_ONCE, Rule.MEMORY},
            id="decided_through not advanced",
        ),
        pytest.param(
            {"faults": {"schedulezero.handler.session.Session._repeat": run_again}},
            {Rule.BEGUN_ONCE},
            id="duplicate not suppressed",
        ),
    ],
)
def test_the_whole_notices_the_fault_too(
    fault: dict[str, Any], rules: set[Rule], figure: Figure, request: pytest.FixtureRequest
) -> None:
    """All but an ignored boot id: between real processes a connection ends with the boot that it was made to."""
    spoilt = type("Spoilt", (World,), fault)

    violation, worlds = first_violation_of_worlds(spoilt)

    named = request.node.callspec.id
    figure(f"fault {named}: noticed in world {{}}, {violation.rule.name}", worlds)
    assert violation.rule in rules
