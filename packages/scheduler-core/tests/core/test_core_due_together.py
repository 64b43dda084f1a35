"""Very many schedules of one instant: decided in steps, each of which can be committed while the next is decided."""

from collections import Counter
from typing import Any

from schedulezero.protocol.states import Status
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import SECOND

SCHEDULES = 500


def one_shots(bottle: Any) -> int:
    """Create schedules of one instant, and return it."""
    due: int = bottle.now + 10 * SECOND
    for _ in range(SCHEDULES):
        bottle.schedule({"type": "date", "run_date": to_datetime(due).isoformat()})
    return due


def test_the_first_of_very_many_go_out_before_the_last_are_decided(bottle: Any) -> None:
    bottle.connect(capacity=16)
    bottle.now = one_shots(bottle)

    bottle.feed(inputs.Tick())

    assert 0 < len(bottle.executions) < SCHEDULES
    assert len(bottle.executes()) == 16


def test_what_is_left_for_the_next_step_is_due_at_once(bottle: Any) -> None:
    bottle.connect()
    bottle.now = one_shots(bottle)

    bottle.feed(inputs.Tick())

    assert bottle.machine.memory.next_wakeup() <= bottle.now


def test_each_of_very_many_is_decided_once(bottle: Any) -> None:
    bottle.connect(capacity=1000)
    one_shots(bottle)

    bottle.advance(10)

    assert Counter(row.schedule_id for row in bottle.executions.values()) == Counter(bottle.schedules.keys())
    assert {row.status for row in bottle.executions.values()} == {Status.RUNNING}
