"""A database that fails when a test says so: what stands between a scheduler and its disk."""

from collections.abc import Callable, Sequence
from threading import Event

from schedulezero.scheduler.core.model import Change, InsertExecution
from schedulezero.scheduler.store.errors import DataRefused, OutcomeUnknown, StoreUnavailable

Groups = Sequence[Sequence[Change]]
Verdicts = list[DataRefused | None]
Commit = Callable[[Groups], Verdicts]
Failure = Callable[[Commit, Groups], Verdicts]

POISON = "poison"
"""The tag of executions that the disk refuses."""

_PATIENCE_SECONDS = 20


class Disk:
    """Where commits go through; `failures` are those of the next ones, in order."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self._free = Event()
        self._free.set()

    def block(self) -> None:
        """Let commits wait."""
        self._free.clear()

    def unblock(self) -> None:
        self._free.set()

    def commit(self, real: Commit, groups: Groups) -> Verdicts:
        assert self._free.wait(_PATIENCE_SECONDS), "the disk was never unblocked"
        return self.failures.pop(0)(real, groups) if self.failures else _without_poison(real, groups)


def unavailable(_real: Commit, _groups: Groups) -> Verdicts:
    """Nothing is stored, and it is said so."""
    raise StoreUnavailable.because("the disk is full, as the test asked for")


def unknown_and_lost(_real: Commit, _groups: Groups) -> Verdicts:
    """Nothing is stored, and nobody knows."""
    raise OutcomeUnknown.because("the connection broke, as the test asked for")


def unknown_and_stored(real: Commit, groups: Groups) -> Verdicts:
    """All is stored, and nobody knows."""
    real(groups)
    raise OutcomeUnknown.because("the connection broke, as the test asked for")


def _without_poison(real: Commit, groups: Groups) -> Verdicts:
    refused = [DataRefused.because("poison") if _poisoned(group) else None for group in groups]
    real([group for group, refusal in zip(groups, refused, strict=True) if refusal is None])
    return refused


def _poisoned(group: Sequence[Change]) -> bool:
    return any(isinstance(change, InsertExecution) and POISON in change.execution.tags for change in group)
