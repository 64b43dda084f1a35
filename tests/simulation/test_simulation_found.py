"""What the simulation has found, each as the seed, or the smallest history, that showed it."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from schedulezero.protocol.commands import (
    ExecutionCancel,
    HandlerPause,
    RunNow,
    ScheduleCreate,
    SchedulePatch,
    SchedulePause,
    ScheduleUpdate,
)
from schedulezero.protocol.errors import Code
from schedulezero.protocol.handling import Drain
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.triggers import CronTrigger
from schedulezero.protocol.values import RunRequest, ScheduleRequest
from schedulezero.runtime.metrics import SchedulerMetrics
from schedulezero.scheduler.committer import Committer
from schedulezero.scheduler.core import model
from schedulezero.scheduler.store import DataRefused

from .bench.history import History
from .model.database import Database, Undo
from .model.promises import Asking
from .world.agenda import SECOND, Agenda
from .world.process import Process
from .world.world import World

# -- as seeds -------------------------------------------------------------------------------------------------------


class EarlierHistory(History):
    """As histories were when these seeds were found: nobody cancelled twice, or gave a schedule what it has."""

    twice = lifts = False


class EarlierWorld(World):
    """As worlds were when these seeds were found: nobody waited, nothing was refused, nobody cancelled twice.

    Nor did anybody give a schedule the trigger that it has, or another start.
    """

    waits = poison = twice = lifts = False


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(83, id="what a pause had held back had no row when the trigger was changed"),
        pytest.param(39, id="resuming everything stopped halfway at a trigger that raises"),
        pytest.param(149, id="a trigger that raised while a schedule was resumed left memory ahead of the rows"),
    ],
)
def test_found_in_a_history(seed: int) -> None:
    EarlierHistory(seed).play()


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(48, id="a paused schedule that had used up its runs was replaced"),
        pytest.param(317, id="a retry waited while the clock was an hour back"),
        pytest.param(321, id="a paused schedule was replaced"),
    ],
)
def test_found_in_a_world(seed: int) -> None:
    EarlierWorld(seed).play()


# -- as stories and the smallest histories --------------------------------------------------------------------------


class Story(World):
    """A world in which nothing is left to chance but delays: a registry, a scheduler, a user and one instance."""

    def _play(self) -> None:
        self._calm_down()
        self.registry, self.scheduler = self._start_registry(), self._start_scheduler()
        self._start_user()
        self._start_handler("mails")
        self._pass(5)
        self._tell()
        self._rest(lambda: not self._to_say and not self.promises.waiting)
        self._rest(lambda: not any(True for _ in self.database.unfinished()))
        self._audit()

    def _tell(self) -> None:
        raise NotImplementedError

    def _until(self, so: Callable[[], bool]) -> None:
        for _ in range(10_000):
            if so():
                return
            self._pass(0.001)
        raise AssertionError("the story does not go on")


_RUN = RunRequest(handler_id="mails", method_name="work", tags=("run",))


def test_found_an_instance_that_was_listed_as_gone_while_memory_was_read_anew_gets_work_again() -> None:
    """Worlds 162 and 196. The registry restarts and lists it as gone, a commit fails, the instance registers again."""

    class Listed(Story):
        def _tell(self) -> None:
            service, ((instance, server),) = self.service, self.handlers.values()
            assert service is not None
            boot_id = server._session.boot_id
            instance.stop()
            self._kill(self.registry)
            self.registry = self._start_registry()
            self._until(lambda: service._directory[boot_id].status is HandlerStatus.DISCONNECTED)
            self.disk.failures = 1
            self._say(RunNow(run=_RUN))
            self._until(lambda: not self.disk.failures)
            self._until(lambda: service._pipeline.memory is not None)
            self._pass(0.1)
            instance.resume()
            self._pass(5)
            self._to_say.append(Asking(command=RunNow(run=_RUN), marker="run"))

    Listed(1).play()


def test_found_who_waits_for_the_end_of_a_stored_run_is_not_told_that_nothing_was_stored() -> None:
    """World 13, where users wait. The commit that fails is that of the outcome."""

    class Waiting(Story):
        def _tell(self) -> None:
            self.jobs.takes = 1
            self._to_say.append(Asking(command=RunNow(run=_RUN, wait_seconds=5), marker="run"))
            self._until(lambda: bool(self.watch.claims))
            self._pass(0.5)
            self.disk.failures = 1

    Waiting(1).play()


def test_found_who_waits_for_a_run_that_could_not_be_stored_is_told_so() -> None:
    """The step that stores it has no answer in it, so nobody is refused when its commit fails."""

    class Unstored(Story):
        def _tell(self) -> None:
            self.disk.failures = 1
            self._to_say.append(Asking(command=RunNow(run=_RUN, wait_seconds=5), marker="run"))
            self._until(lambda: not self.disk.failures)
            self._pass(1)
            assert not self.promises.waiting, "he waits still"

    Unstored(1).play()


def test_found_a_schedule_that_is_replaced_keeps_its_creation_in_memory_too() -> None:
    """The real store does not write `created_at` again."""

    class KeepsCreation(Database):
        def _put_schedule(self, undo: Undo, row: model.Schedule) -> None:
            stored = self.schedules.get(row.id)
            super()._put_schedule(undo, row if stored is None else model.replace(row, created_at=stored.created_at))

    class OverThat(History):
        database_type = KeepsCreation

    for seed in range(20):
        OverThat(seed).play()


def test_found_two_cancels_of_an_execution_behind_the_window_are_one_move() -> None:
    history = History(0)
    scheduler, database = history.scheduler, history.database
    scheduler.start()
    history._boot("reports")
    scheduler.settle()
    history._ask(Asking(command=HandlerPause(handler_id="reports"), marker="pause"))
    for number in range(12):
        run = RunRequest(handler_id="reports", method_name="work", tags=(f"run-{number}",))
        history._ask(Asking(command=RunNow(run=run), marker=f"run-{number}"))
    scheduler.settle()
    behind = next(id_ for id_ in database.executions if id_ not in scheduler.machine.memory.executions)

    for marker in ("cancel", "cancel again"):
        history._ask(Asking(command=ExecutionCancel(execution_id=behind), marker=marker))
    scheduler.settle()


def test_found_what_a_pause_has_held_back_keeps_its_row_when_the_same_trigger_is_given_again() -> None:
    """Histories 309, 336 and 399, once schedules were given the trigger that they had."""
    history = History(0)
    scheduler = history.scheduler
    scheduler.start()
    history._boot("reports")
    schedule = ScheduleRequest(
        handler_id="reports", method_name="work", schedule_id="s", trigger_config=CronTrigger(expression="* * * * * *")
    )
    history._ask(Asking(command=ScheduleCreate(schedule=schedule), marker="create"))
    history._ask(Asking(command=SchedulePause(schedule_id="s"), marker="pause"))
    scheduler.settle()
    history._advance(5)
    same = SchedulePatch(trigger_config=history.database.schedules["s"].request.trigger_config)
    history._ask(Asking(command=ScheduleUpdate(schedule_id="s", patch=same), marker="patch"))
    scheduler.settle()
    history._advance(5)

    history._come_to_rest()
    history._audit()


class Told:
    """A committer over a database that refuses the first step it is given; what it has performed is kept."""

    def __init__(self) -> None:
        self.effects: list[model.Effect] = []
        agenda = Agenda()
        self._process = Process("committer", agenda, Random(1), self.fail)
        self._process.loop.call_soon(self._start)
        agenda.run_until(SECOND)

    @staticmethod
    def fail(what: str) -> None:
        raise AssertionError(what)

    def _start(self) -> None:
        metrics = SchedulerMetrics.on(CollectorRegistry())
        committer = Committer(
            _refuse_the_first, self.effects.extend, lambda _error: None, metrics, asyncio.get_running_loop().time
        )
        pause = model.SetPause(handler_id=None, pause=None)
        for changes, effects in (
            ([pause], [model.Answer(ticket="refused", value=None)]),
            ([], [model.Send(boot_id="boot-1", message=Drain())]),
            ([pause], [model.Answer(ticket="behind", value=None)]),
        ):
            committer.add(model.Step(changes=list(changes), effects=list(effects)))
        asyncio.get_running_loop().call_soon(
            committer.add, model.Step(changes=[pause], effects=[model.Answer(ticket="next batch", value=None)])
        )


def _refuse_the_first(groups: Sequence[Sequence[model.Change]]) -> list[DataRefused | None]:
    return [DataRefused.because("a value"), *[None] * (len(groups) - 1)]


def test_found_what_comes_behind_a_refused_value_in_its_batch_sends_nothing() -> None:
    """It may be the very work that was refused, sent again over a link that has just come back."""
    assert not [effect for effect in Told().effects if isinstance(effect, model.Send)]


def test_found_the_batch_behind_a_refused_value_is_not_told_that_its_own_values_are_refused() -> None:
    refusals = [effect for effect in Told().effects if isinstance(effect, model.Refuse)]

    codes = {str(refusal.ticket): refusal.problem.code for refusal in refusals}

    assert codes == {"refused": Code.INVALID_VALUE, "next batch": Code.UNAVAILABLE}
