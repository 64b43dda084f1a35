"""The policies, as tables: what a schedule asks for, what happens, and what its ledger says in the end.

Every time is in seconds since the schedule was made.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from schedulezero.protocol.commands import SchedulePause, ScheduleResume, SystemPause, SystemResume
from schedulezero.protocol.handling import Cancel, Execute
from schedulezero.protocol.states import FINAL, Status
from schedulezero.protocol.values import MethodSpec, RetryOptions
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import SECOND, Execution

HALF = 0.5
"""The steps in which time passes."""


class Case(NamedTuple):
    """A schedule that fires every second, and its ledger.

    Args:
        what: its name.
        asks: the options of the schedule; `start_at` and `end_at` in seconds.
        ledger: one row a line: the instants (and how many, where they are several), the status, and why or from when to
            when it ran.
        takes: how long each run takes.
        seconds: how long is looked; then the schedule is paused, and what is left comes to its end.
        down: from when to when the scheduler is down.
        away: from when to when the handler is away.
        paused: from when to when the schedule is paused.
        all_paused: from when to when everything is paused.
        breaks: from when to when its trigger raises.
    """

    what: str
    asks: dict[str, Any]
    ledger: str
    takes: float = 0
    seconds: float = 5
    down: tuple[float, float] | None = None
    away: tuple[float, float] | None = None
    paused: tuple[float, float] | None = None
    all_paused: tuple[float, float] | None = None
    breaks: tuple[float, float] | None = None


CASES = (
    # -- overlap: a run takes longer than a second
    Case(
        "skip: what is due while another is unfinished is skipped",
        {"overlap": "skip"},
        """
        1       success  1 to 3.5
        2 to 3  skipped  overlap (2)
        4       success  4 to 6.5
        5       skipped  overlap
        """,
        takes=2.5,
    ),
    Case(
        "without an overlap policy it is skip",
        {},
        """
        1       success  1 to 3.5
        2 to 3  skipped  overlap (2)
        """,
        takes=2.5,
        seconds=3,
    ),
    Case(
        "queue_one: one waits until the other has ended, more are skipped",
        {"overlap": "queue_one"},
        """
        1       success  1 to 3.5
        2       success  3.5 to 6
        3       skipped  overlap
        4       success  6 to 8.5
        5       skipped  overlap
        """,
        takes=2.5,
    ),
    Case(
        "queue_all: all run, one after another",
        {"overlap": "queue_all"},
        """
        1       success  1 to 3.5
        2       success  3.5 to 6
        3       success  6 to 8.5
        """,
        takes=2.5,
        seconds=3,
    ),
    Case(
        "cancel_running: the newest takes the place of the one before",
        {"overlap": "cancel_running"},
        """
        1       cancelled  1 to 2
        2       cancelled  2 to 3
        3       success    3 to 5.5
        """,
        takes=2.5,
        seconds=3,
    ),
    Case(
        "allow: all run, whatever else runs",
        {"overlap": "allow"},
        """
        1       success  1 to 3.5
        2       success  2 to 4.5
        3       success  3 to 5.5
        """,
        takes=2.5,
        seconds=3,
    ),
    # -- missed instants: the scheduler is down
    Case(
        "misfire grace: what is decided within it is not missed",
        {"overlap": "allow", "misfire_grace_seconds": 10, "catch_up": "skip"},
        """
        1       success  1 to 1
        2       success  5.5 to 5.5
        3       success  5.5 to 5.5
        4       success  5.5 to 5.5
        5       success  5.5 to 5.5
        6       success  6 to 6
        """,
        down=(1.5, 5.5),
        seconds=6,
    ),
    Case(
        "catch_up latest: of what was missed, the newest runs for all",
        {"overlap": "allow", "misfire_grace_seconds": 1, "catch_up": "latest"},
        """
        1       success  1 to 1
        2 to 4  success  5.5 to 5.5 (3)
        5       success  5.5 to 5.5
        6       success  6 to 6
        """,
        down=(1.5, 5.5),
        seconds=6,
    ),
    Case(
        "catch_up skip: nothing of what was missed runs",
        {"overlap": "allow", "misfire_grace_seconds": 1, "catch_up": "skip"},
        """
        1       success  1 to 1
        2 to 4  skipped  misfire (3)
        5       success  5.5 to 5.5
        6       success  6 to 6
        """,
        down=(1.5, 5.5),
        seconds=6,
    ),
    Case(
        "catch_up all: what was missed runs, one after another, whatever overlap says",
        {"overlap": "allow", "misfire_grace_seconds": 1, "catch_up": "all"},
        """
        1       success  1 to 1.5
        2       success  5.5 to 6
        3       success  6 to 6.5
        4       success  6.5 to 7
        5       success  5.5 to 6
        """,
        takes=0.5,
        down=(1.5, 5.5),
        seconds=5.5,
    ),
    Case(
        "max_catch_up: of what was missed, the newest so many run, the others are one range",
        {"overlap": "allow", "misfire_grace_seconds": 1, "catch_up": "all", "max_catch_up": 2},
        """
        1       success  1 to 1
        2 to 6  skipped  misfire (5)
        7       success  9.5 to 9.5
        8       success  9.5 to 9.5
        9       success  9.5 to 9.5
        """,
        down=(1.5, 9.5),
        seconds=9.5,
    ),
    # -- bounds
    Case(
        "max_runs: the schedule ends after so many runs",
        {"overlap": "allow", "max_runs": 2},
        """
        1       success  1 to 1
        2       success  2 to 2
        """,
    ),
    Case(
        "max_runs: a skip is no run",
        {"overlap": "skip", "max_runs": 2},
        """
        1       success  1 to 3.5
        2 to 3  skipped  overlap (2)
        4       success  4 to 6.5
        """,
        takes=2.5,
        seconds=9,
    ),
    Case(
        "start_at and end_at: fire times lie between them, both included",
        {"start_at": 2, "end_at": 4},
        """
        2       success  2 to 2
        3       success  3 to 3
        4       success  4 to 4
        """,
        seconds=9,
    ),
    # -- the handler is away
    Case(
        "without an expiry work waits for its handler, which is no misfire",
        {"overlap": "allow", "misfire_grace_seconds": 1, "catch_up": "skip"},
        """
        1       success  9 to 9
        2       success  9 to 9
        3       success  9 to 9
        """,
        away=(0.5, 9),
        seconds=3,
    ),
    Case(
        "expiry: what has waited so long for its handler is skipped",
        {"overlap": "allow", "expires_after_seconds": 2},
        """
        1       skipped  expired
        2       skipped  expired
        3       success  4.5 to 4.5
        4       success  4.5 to 4.5
        """,
        away=(0.5, 4.5),
        seconds=4,
    ),
    Case(
        "expiry 0: what no handler can take at once is skipped at once",
        {"overlap": "allow", "expires_after_seconds": 0},
        """
        1 to 4  skipped  no_handler (4)
        5       success  5 to 5
        """,
        away=(0.5, 4.5),
    ),
    # -- pauses and quarantine
    Case(
        "pause: what it covers is one row",
        {},
        """
        1       success  1 to 1
        2 to 4  skipped  paused (3)
        5       success  5 to 5
        """,
        paused=(1.5, 4.5),
    ),
    Case(
        "pause of everything: what it covers is one row",
        {},
        """
        1       success  1 to 1
        2 to 4  skipped  paused (3)
        5       success  5 to 5
        """,
        all_paused=(1.5, 4.5),
    ),
    Case(
        "quarantine: what a trigger that raises has held back is one row when it is resumed",
        {},
        """
        1       success  1 to 1
        2 to 4  skipped  quarantined (3)
        5       success  5 to 5
        """,
        breaks=(1.5, 4.5),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_ledger_of_a_schedule_is_what_its_policies_say(bottle: Any, case: Case) -> None:
    play = Play(bottle, case)

    play.play()

    assert play.ledger() == [" ".join(line.split()) for line in case.ledger.strip().splitlines()]


class Play:
    """Lets time pass for one case, and notes when runs begin and end."""

    def __init__(self, bottle: Any, case: Case) -> None:
        self.bottle, self.case = bottle, case
        self.start: int = bottle.now
        self.ends: dict[str, tuple[float, Execute]] = {}
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.is_away = False

    @property
    def seconds(self) -> float:
        return float((self.bottle.now - self.start) / SECOND)

    def play(self) -> None:
        self.bottle.connect("b1")
        asks = {name: self._moment(name, value) for name, value in self.case.asks.items()}
        self.bottle.schedule({"type": "interval", "seconds": 1}, schedule_id="s", **asks)
        while self.seconds < self.case.seconds:
            self._step()
        self.bottle.ask(SchedulePause(schedule_id="s"))
        for _ in range(100):
            if all(row.status in FINAL for row in self.bottle.rows("s")) and not self.is_away:
                return
            self._step()
        raise AssertionError(f"it does not end: {self.ledger()}")

    def ledger(self) -> list[str]:
        rows = sorted(self.bottle.rows("s"), key=lambda row: row.fire_time)
        return [self._line(row) for row in rows]

    # -- what happens ------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        down = self.case.down
        if down is not None and down[0] == self.seconds:
            self.bottle.now += round((down[1] - down[0]) * SECOND)
            self.bottle.restart()
            self.bottle.connect("b1")
        else:
            self.bottle.advance(HALF)
        self._change()
        self.bottle.feed(inputs.Tick())
        while self._work():
            pass

    def _change(self) -> None:
        """Let begin and end what the case has begin and end now."""
        if begins := self._begins(self.case.away):
            self.is_away = True
            self.bottle.feed(inputs.LinkLost(boot_id="b1", gone=True))
        elif begins is False:
            self.is_away = False
            self.bottle.connect("b1")
        if begins := self._begins(self.case.paused):
            self.bottle.ask(SchedulePause(schedule_id="s"))
        elif begins is False:
            self.bottle.ask(ScheduleResume(schedule_id="s"))
        if begins := self._begins(self.case.all_paused):
            self.bottle.ask(SystemPause())
        elif begins is False:
            self.bottle.ask(SystemResume())
        self._break(self._begins(self.case.breaks))

    def _begins(self, spell: tuple[float, float] | None) -> bool | None:
        """Whether a spell begins now (or ends, which is False); None where neither is so."""
        if spell is None or self.seconds not in spell:
            return None
        return self.seconds == spell[0]

    def _break(self, begins: bool | None) -> None:
        if begins is None:
            return
        memory = self.bottle.machine.memory
        if begins:
            memory.agenda.fires(memory.agenda.get("s")).next = _explode
            return
        del memory.agenda.fires(memory.agenda.get("s")).next
        shown = self.bottle.schedules["s"]
        assert (shown.state, shown.error) == ("quarantined", "ZeroDivisionError: no such time")
        self.bottle.ask(ScheduleResume(schedule_id="s"))

    def _work(self) -> bool:
        """Let the instance begin what it was sent, and end what is over. Return whether there was something."""
        sent, self.bottle.sent = self.bottle.sent, []
        over = [id_ for id_, (end, _) in self.ends.items() if end <= self.seconds]
        for _, message in sent:
            if isinstance(message, Execute):
                self.began[message.execution_id] = self.seconds
                self.ends[message.execution_id] = (self.seconds + self.case.takes, message)
            elif isinstance(message, Cancel) and message.execution_id not in over:
                self._end(message.execution_id, "cancelled")
        for id_ in over:
            self._end(id_, "success")
        return bool(sent or over)

    def _end(self, execution_id: str, how: str) -> None:
        self.ended[execution_id] = self.seconds
        self.bottle.finish(self.ends.pop(execution_id)[1], how)

    # -- how it is told ----------------------------------------------------------------------------------------------

    def _moment(self, name: str, value: Any) -> Any:
        return to_datetime(self.start) + timedelta(seconds=value) if name in ("start_at", "end_at") else value

    def _line(self, row: Execution) -> str:
        first, last = row.covers_from or row.fire_time, row.covers_to or row.fire_time
        instants = self._at(first) if first == last else f"{self._at(first)} to {self._at(last)}"
        ran = f"{self.began.get(row.id, -1):g} to {self.ended.get(row.id, -1):g}"
        count = f" ({row.covers_count})" if row.covers_count else ""
        return f"{instants} {row.status} {row.reason or ran}{count}"

    def _at(self, instant: int | None) -> str:
        assert instant is not None
        return f"{(instant - self.start) / SECOND:g}"


def _explode(_after: int) -> int:
    raise ZeroDivisionError("no such time")


# -- retries ----------------------------------------------------------------------------------------------------------


class Retries(NamedTuple):
    """A job whose attempts end one way after the other.

    Args:
        what: its name.
        asked: the retry options of the schedule, or of the run.
        method: the retry options of the method.
        ends: how the attempts end: `error`, `final` (an error that forbids another), `timeout`, `lost` or `success`.
        attempts: when each attempt begins.
        status: what the execution ends as.
    """

    what: str
    asked: dict[str, Any]
    method: dict[str, Any]
    ends: tuple[str, ...]
    attempts: tuple[float, ...]
    status: Status


STEADY = {"jitter": 0}
FAILS = ("error",) * 10
RETRIES = (
    Retries("three attempts, a second apart, then two", STEADY, {}, FAILS, (0, 1, 3), Status.ERROR),
    Retries("max_attempts", STEADY | {"max_attempts": 1}, {}, FAILS, (0,), Status.ERROR),
    Retries("base_seconds and factor", STEADY | {"base_seconds": 2, "factor": 3}, {}, FAILS, (0, 2, 8), Status.ERROR),
    Retries(
        "max_seconds caps the pause",
        STEADY | {"max_attempts": 5, "base_seconds": 2, "factor": 10, "max_seconds": 5},
        {},
        FAILS,
        (0, 2, 7, 12, 17),
        Status.ERROR,
    ),
    Retries("a success ends it", STEADY, {}, ("error", "success"), (0, 1), Status.SUCCESS),
    Retries("a final error ends it", STEADY, {}, ("error", "final"), (0, 1), Status.ERROR),
    Retries("a timeout is an attempt too", STEADY, {}, ("timeout",) * 3, (0, 1, 3), Status.TIMEOUT),
    Retries("the last attempt gives the status", STEADY, {}, ("timeout", "timeout", "error"), (0, 1, 3), Status.ERROR),
    Retries("a lost attempt is tried again at once", STEADY, {}, ("lost", "success"), (0, 0), Status.SUCCESS),
    Retries("lost attempts count", STEADY, {}, ("lost",) * 3, (0, 0, 0), Status.ERROR),
    Retries("on_lost off: a lost attempt is the last", STEADY | {"on_lost": False}, {}, ("lost",), (0,), Status.ERROR),
    Retries("the method's policy", {}, STEADY | {"max_attempts": 2, "base_seconds": 4}, FAILS, (0, 4), Status.ERROR),
    Retries(
        "part by part: what is asked for, then the method's, then the default",
        {"base_seconds": 2},
        STEADY | {"base_seconds": 9, "factor": 1},
        FAILS,
        (0, 2, 4),
        Status.ERROR,
    ),
    Retries("on_lost of the method", STEADY, {"on_lost": False}, ("lost",), (0,), Status.ERROR),
)


def begun_by_schedule(bottle: Any, retry: dict[str, Any]) -> None:
    bottle.schedule({"type": "interval", "seconds": 1000}, schedule_id="s", retry=retry, timeout_seconds=100)
    bottle.advance(1000)


def begun_by_hand(bottle: Any, retry: dict[str, Any]) -> None:
    bottle.run(retry=RetryOptions(**retry), timeout_seconds=100)


@pytest.mark.parametrize("begin", [begun_by_schedule, begun_by_hand])
@pytest.mark.parametrize("case", RETRIES, ids=lambda case: case.what)
def test_attempts_come_as_the_retry_policy_says(bottle: Any, case: Retries, begin: Callable[..., None]) -> None:
    spec = MethodSpec(name="work", retry=RetryOptions(**case.method) if case.method else None)
    bottle.connect("b0", methods=(spec,))
    begin(bottle, case.asked)
    start, attempts = bottle.now, []

    for number, how in enumerate(case.ends):
        while not (executes := bottle.executes()) and (wakeup := retry_of(bottle)) is not None:
            bottle.advance((wakeup - bottle.now) / SECOND)
        if not executes:
            break
        attempts.append((bottle.now - start) / SECOND)
        end_attempt(bottle, executes[0], how, spec, number)

    [row] = bottle.executions.values()
    assert (tuple(attempts), row.status) == (case.attempts, case.status)
    assert not bottle.executes()


def retry_of(bottle: Any) -> int | None:
    """Return when the next attempt is due, if there is to be one."""
    [row] = bottle.executions.values()
    return row.ready_at if row.status is Status.RETRYING else None


def end_attempt(bottle: Any, execute: Execute, how: str, method: MethodSpec, number: int) -> None:
    if how == "lost":
        bottle.feed(inputs.LinkLost(boot_id=execute.boot_id, gone=True))
        bottle.connect(f"b{number + 1}", methods=(method,))
    else:
        bottle.finish(execute, "error" if how == "final" else how, final=how == "final")


# -- the others -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("priorities", "order"),
    [
        pytest.param((1, 9, 5), (9, 5, 1), id="9 goes first, whatever was decided before"),
        pytest.param((0, None, 9), (9, None, 0), id="without a priority it is 5, in the middle"),
        pytest.param((4, None, 6), (6, None, 4), id="which lies between 4 and 6"),
    ],
)
def test_waiting_work_goes_by_priority(bottle: Any, priorities: tuple[int | None, ...], order: tuple[Any, ...]) -> None:
    for number, priority in enumerate(priorities):
        asks = {} if priority is None else {"priority": priority}
        every = {"type": "interval", "seconds": 1}
        bottle.schedule(every, schedule_id=f"s{number}", tags=[str(priority)], allow_offline=True, **asks)
    bottle.advance(1)

    bottle.connect("b1", capacity=1)
    begun = []
    while executes := bottle.executes():
        [execute] = executes
        begun.append(bottle.executions[execute.execution_id].tags)
        bottle.finish(execute)

    assert begun == [(str(priority),) for priority in order]


@pytest.mark.parametrize("jitter", [0, 3, 10, 500])
def test_jitter_puts_a_run_off_by_no_more_than_that_and_by_no_more_than_a_gap(bottle: Any, jitter: float) -> None:
    bottle.connect("b1")
    start = bottle.now
    bottle.schedule({"type": "interval", "seconds": 10}, schedule_id="s", jitter_seconds=jitter, overlap="allow")

    bottle.advance(400)

    rows = bottle.rows("s")
    assert [(row.fire_time - start) / SECOND for row in rows[:39]] == [10.0 * number for number in range(1, 40)]
    late = [(row.created_at - row.fire_time) / SECOND for row in rows]
    assert max(late) <= min(jitter, 10)
    assert (len(set(late)) > 20) is (jitter > 0)
