"""The committer: effects only after their commit, in order; a batch that fails takes every later one with it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from schedulezero.protocol.answers import RunAccepted
from schedulezero.protocol.errors import Code
from schedulezero.protocol.handling import Drain
from schedulezero.protocol.states import Status
from schedulezero.protocol.values import RetryPolicy
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.committer import Committer
from schedulezero.scheduler.core.model import (
    Answer,
    Await,
    Effect,
    Execution,
    InsertExecution,
    Refuse,
    Send,
    SetPause,
    Step,
)
from schedulezero.scheduler.store import Conflict, DataRefused, Fenced, OutcomeUnknown, StoreUnavailable

DRAIN = Send(boot_id="b", message=Drain())


def step(name: str, *, writes: bool = True) -> Step:
    changes: list[Any] = [SetPause(handler_id=name, pause=None)] if writes else []
    return Step(changes=changes, effects=[Answer(ticket=name, value=name)])


class Disk:
    """Commits when it is let to, and keeps what it was given."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.begun = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.result: Callable[[int], Sequence[DataRefused | None]] = lambda groups: [None] * groups

    def commit(self, groups: Sequence[Sequence[Any]]) -> Sequence[DataRefused | None]:
        self.batches.append([getattr(change, "handler_id", "") for group in groups for change in group])
        self.begun.set()
        assert self.may_go_on.wait(10)
        return self.result(len(groups))

    def fail_with(self, error: Exception) -> None:
        """Let every commit fail from now on."""

        def fail(_groups: int) -> Sequence[DataRefused | None]:
            raise error

        self.result = fail


class Told:
    """What the committer has told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.accepted: dict[str, str] = {}
        self.sent: list[Send] = []
        self.problems: dict[str, Code] = {}
        self.refusals: list[str] = []
        self.failures: list[Exception] = []

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Refuse):
                self.problems[effect.ticket] = effect.problem.code
                self.refusals.append(effect.ticket)
            elif isinstance(effect, Answer):
                self.lines.append(effect.ticket)
                if isinstance(effect.value, RunAccepted):
                    self.accepted[effect.ticket] = effect.value.execution_id
            elif isinstance(effect, Send):
                self.sent.append(effect)


def run(scenario: Callable[[Committer, Disk, Told], Any]) -> tuple[Disk, Told]:
    disk, told = Disk(), Told()

    async def main() -> None:
        metrics = SchedulerMetrics.on(CollectorRegistry())
        committer = Committer(disk.commit, told.perform, told.failures.append, metrics, monotonic)
        try:
            await scenario(committer, disk, told)
        finally:
            disk.may_go_on.set()
            committer.close()

    asyncio.run(main())
    return disk, told


def test_steps_of_one_turn_of_the_loop_share_a_transaction_and_keep_their_order() -> None:
    async def scenario(committer: Committer, _disk: Disk, _told: Told) -> None:
        for name in "abc":
            committer.add(step(name))
        await committer.settled()

    disk, told = run(scenario)

    assert disk.batches == [["a", "b", "c"]]
    assert told.lines == ["a", "b", "c"]


def test_no_effect_happens_before_its_commit_not_even_of_a_step_without_changes() -> None:
    async def scenario(committer: Committer, disk: Disk, told: Told) -> None:
        disk.may_go_on.clear()
        committer.add(step("a"))
        committer.add(step("reads", writes=False))
        await asyncio.sleep(0)
        committer.add(step("b"))
        assert told.lines == []
        disk.may_go_on.set()
        await committer.settled()

    disk, told = run(scenario)

    assert disk.batches == [["a"], ["b"]]
    assert told.lines == ["a", "reads", "b"]


def test_a_step_without_changes_is_performed_at_once_when_nothing_is_under_way() -> None:
    async def scenario(committer: Committer, _disk: Disk, told: Told) -> None:
        committer.add(step("reads", writes=False))
        assert told.lines == ["reads"]

    disk, _ = run(scenario)

    assert disk.batches == []


def test_a_failed_batch_takes_every_later_step_with_it_until_reopened() -> None:
    def fail(_groups: int) -> Any:
        raise OutcomeUnknown.because("the line is dead")

    async def scenario(committer: Committer, disk: Disk, told: Told) -> None:
        disk.may_go_on.clear()
        disk.result = fail
        committer.add(step("a"))
        await asyncio.sleep(0)
        committer.add(step("b"))
        disk.may_go_on.set()
        await committer.settled()
        committer.add(step("c"))
        disk.result = lambda groups: [None] * groups
        committer.reopen()
        committer.add(step("d"))
        await committer.settled()

    disk, told = run(scenario)

    assert disk.batches == [["a"], ["d"]]
    assert told.problems == dict.fromkeys("abc", Code.OUTCOME_UNKNOWN)
    assert told.lines == ["d"]
    assert len(told.failures) == 1


def test_a_conflict_is_told_as_a_passing_fault_with_nothing_stored() -> None:
    def fail(_groups: int) -> Any:
        raise Conflict.because("a row moved")

    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.result = fail
        committer.add(step("a"))
        await committer.settled()

    _, told = run(scenario)

    assert told.problems == {"a": Code.UNAVAILABLE}


def test_a_value_that_the_database_refuses_fails_its_own_step_alone_and_memory_is_read_anew() -> None:
    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.result = lambda groups: [None, DataRefused.because("NUL"), *[None] * (groups - 2)]
        for name in "abc":
            committer.add(step(name))
        await committer.settled()

    _, told = run(scenario)

    assert told.lines == ["a", "c"]
    assert told.problems == {"b": Code.INVALID_VALUE}
    assert len(told.failures) == 1


def test_what_comes_behind_a_refused_value_sends_nothing_and_is_not_blamed_for_it() -> None:
    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.may_go_on.clear()
        disk.result = lambda groups: [DataRefused.because("NUL"), *[None] * (groups - 1)]
        for one in (step("refused"), step("stored"), step("reads", writes=False)):
            committer.add(Step(changes=one.changes, effects=[*one.effects, DRAIN]))
        await asyncio.sleep(0)
        committer.add(step("next batch"))
        disk.may_go_on.set()
        await committer.settled()

    _, told = run(scenario)

    assert told.sent == []
    assert told.lines == ["stored"]
    assert told.problems == {
        "refused": Code.INVALID_VALUE,
        "reads": Code.UNAVAILABLE,
        "next batch": Code.UNAVAILABLE,
    }


# -- who waits for the end of a run -----------------------------------------------------------------------------------


def accepting(name: str) -> Step:
    """Store a run whose end somebody waits for."""
    changes: list[Any] = [SetPause(handler_id=name, pause=None)]
    return Step(changes=changes, effects=[Await(ticket=name, execution_id=f"run of {name}")])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable.because("the disk"), Code.UNAVAILABLE),
        (OutcomeUnknown.because("the line"), Code.OUTCOME_UNKNOWN),
    ],
)
def test_who_waits_for_a_run_that_could_not_be_stored_is_refused_once(error: Exception, code: Code) -> None:
    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.fail_with(error)
        committer.add(accepting("a"))
        committer.add(step("a"))
        await committer.settled()

    _, told = run(scenario)

    assert told.problems == {"a": code}
    assert told.refusals == ["a"]
    assert told.lines == []


def test_who_waits_for_a_run_that_is_stored_is_told_that_it_was_accepted_when_memory_is_forgotten() -> None:
    """Also where it is the step that tells its end that could not be stored."""

    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        for name in ("ends", "goes on", "has ended"):
            committer.add(accepting(name))
        committer.add(step("has ended"))
        await committer.settled()
        disk.fail_with(StoreUnavailable.because("the disk"))
        committer.add(step("ends"))
        committer.add(step("somebody else"))
        await committer.settled()

    _, told = run(scenario)

    assert told.accepted == {"ends": "run of ends", "goes on": "run of goes on"}
    assert told.lines == ["has ended", "ends", "goes on"]
    assert told.problems == {"somebody else": Code.UNAVAILABLE}


@pytest.mark.parametrize("writes", [True, False])
def test_who_waits_for_a_run_that_is_refused_is_told_once_whatever_tells_him_of_it_later(writes: bool) -> None:
    """His patience ends in the same batch, and again in the next one."""

    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.may_go_on.clear()
        disk.result = lambda groups: [DataRefused.because("NUL"), *[None] * (groups - 1)]
        committer.add(accepting("a"))
        committer.add(step("a", writes=writes))
        await asyncio.sleep(0)
        committer.add(step("a", writes=writes))
        disk.may_go_on.set()
        await committer.settled()

    _, told = run(scenario)

    assert told.refusals == ["a"]
    assert told.problems == {"a": Code.INVALID_VALUE}
    assert told.lines == []


def test_who_waits_is_told_the_same_when_the_value_that_is_refused_is_the_outcome_of_his_run() -> None:
    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.result = lambda groups: [*[None] * (groups - 1), DataRefused.because("NUL")]
        committer.add(accepting("a"))
        committer.add(step("a"))
        await committer.settled()

    _, told = run(scenario)

    assert told.accepted == {"a": "run of a"}
    assert told.problems == {}


def heavy(name: str, size: int) -> Step:
    execution = Execution(
        id=name,
        shard=0,
        handler_id="h",
        method_name="m",
        params="x" * size,
        status=Status.PENDING,
        priority=5,
        created_at=0,
        ready_at=0,
        retry=RetryPolicy(),
    )
    return Step(changes=[InsertExecution(execution=execution)], effects=[])


def test_the_backlog_is_weighed_until_it_is_durable_or_refused() -> None:
    weights = []

    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.may_go_on.clear()
        committer.add(heavy("a", 1_000_000))
        await asyncio.sleep(0)
        committer.add(heavy("b", 2_000_000))
        weights.append(committer.backlog_bytes)
        disk.may_go_on.set()
        await committer.settled()
        weights.append(committer.backlog_bytes)

    run(scenario)

    assert 3_000_000 <= weights[0] < 3_010_000
    assert weights[1] == 0


def test_a_step_of_nothing_waits_for_nothing() -> None:
    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.may_go_on.clear()
        committer.add(step("a"))
        await asyncio.sleep(0)
        for _ in range(100):
            committer.add(Step(changes=[], effects=[]))
        assert committer.backlog == 1
        disk.may_go_on.set()
        await committer.settled()

    run(scenario)


class Stopwatch:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def proving(disk: Disk, told: Told, clock: Stopwatch) -> Committer:
    return Committer(
        disk.commit, told.perform, told.failures.append, SchedulerMetrics.on(CollectorRegistry()), clock, 5.0
    )


def fenced(_groups: int) -> Any:
    raise Fenced.of_owner("zombie", 1)


def test_who_was_stopped_and_replaced_does_nothing_more_not_even_without_changes() -> None:
    disk, told, clock = Disk(), Told(), Stopwatch()

    async def main() -> None:
        committer = proving(disk, told, clock)
        committer.add(step("before", writes=False))
        clock.seconds += 60
        disk.result = fenced
        committer.add(step("after", writes=False))
        await committer.settled()
        committer.close()

    asyncio.run(main())

    assert told.lines == ["before"]
    assert told.problems == {"after": Code.UNAVAILABLE}
    assert [type(failure) for failure in told.failures] == [Fenced]


def test_a_renewal_proves_that_effects_may_go_on_and_one_that_meets_the_fence_ends_them() -> None:
    disk, told, clock = Disk(), Told(), Stopwatch()

    async def main() -> None:
        committer = proving(disk, told, clock)
        clock.seconds += 60
        await committer.renew(lambda: None)
        committer.add(step("renewed", writes=False))
        assert disk.batches == []
        with pytest.raises(Fenced):
            await committer.renew(lambda: fenced(0))
        committer.add(step("fenced", writes=False))
        committer.close()

    asyncio.run(main())

    assert told.lines == ["renewed"]
    assert told.problems == {"fenced": Code.UNAVAILABLE}
    assert len(told.failures) == 1


def test_a_commit_and_a_renewal_that_meet_the_fence_together_are_one_failure() -> None:
    disk, told, clock = Disk(), Told(), Stopwatch()

    async def main() -> None:
        committer = proving(disk, told, clock)
        disk.may_go_on.clear()
        disk.result = fenced
        committer.add(step("a"))
        renewal = asyncio.create_task(committer.renew(lambda: fenced(0)))
        await asyncio.sleep(0)
        disk.may_go_on.set()
        with pytest.raises(Fenced):
            await renewal
        await committer.settled()
        committer.close()

    asyncio.run(main())

    assert told.problems == {"a": Code.UNAVAILABLE}
    assert len(told.failures) == 1


def test_what_was_added_meanwhile_is_written_in_batches_of_a_few_steps_in_its_order() -> None:
    names = [str(number) for number in range(1_000)]

    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.may_go_on.clear()
        committer.add(step("first"))
        await begun(disk)
        for name in names:
            committer.add(step(name))
        disk.may_go_on.set()
        await committer.settled()

    disk, told = run(scenario)
    assert [len(batch) for batch in disk.batches] == [1, 400, 400, 200]
    assert told.lines == ["first", *names]


def test_a_step_is_never_divided() -> None:
    changes: list[Any] = [SetPause(handler_id=str(number), pause=None) for number in range(1_000)]

    async def scenario(committer: Committer, _disk: Disk, _told: Told) -> None:
        committer.add(Step(changes=changes, effects=[]))
        committer.add(step("behind"))
        await committer.settled()

    disk, _ = run(scenario)
    assert [len(batch) for batch in disk.batches] == [1_000, 1]


def test_it_is_full_while_a_batch_waits_for_the_one_at_the_disk() -> None:
    seen: list[bool] = []

    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.may_go_on.clear()
        committer.add(step("first"))
        await begun(disk)
        seen.append(committer.is_full)
        for number in range(400):
            committer.add(step(str(number)))
        seen.append(committer.is_full)
        disk.may_go_on.set()
        await committer.settled()
        seen.append(committer.is_full)

    run(scenario)
    assert seen == [False, True, False]


def test_what_failed_batches_leave_is_refused_whole() -> None:
    async def scenario(committer: Committer, disk: Disk, _told: Told) -> None:
        disk.fail_with(StoreUnavailable.because("the disk"))
        for number in range(1_000):
            committer.add(step(str(number)))
        await committer.settled()
        assert (committer.backlog, committer.backlog_bytes, committer.is_full) == (0, 0, False)

    _, told = run(scenario)
    assert told.refusals == [str(number) for number in range(1_000)]


async def begun(disk: Disk) -> None:
    """Return when a commit is at the disk."""
    assert await asyncio.to_thread(disk.begun.wait, 10)
