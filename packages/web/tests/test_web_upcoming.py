"""The next fire times of a schedule are those that the scheduler will decide; what keeps them from running is said."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from schedulezero.protocol.answers import (
    ExecutionPage,
    PausedHandlers,
    PreviewAnswer,
    SchedulerHealth,
)
from schedulezero.protocol.commands import (
    ExecutionList,
    HandlerPauses,
    ScheduleGet,
    SystemHealth,
    TriggerPreview,
)
from schedulezero.protocol.errors import Code, Detail, Problem
from schedulezero.protocol.values import Pause

JUST_BEFORE = timedelta(microseconds=1)


def minutely(command: TriggerPreview) -> PreviewAnswer:
    """Fires of a trigger that names each full minute."""
    assert command.after is not None
    first = (command.after + timedelta(minutes=1)).replace(second=0, microsecond=0)
    return PreviewAnswer(fire_times=tuple(first + timedelta(minutes=n) for n in range(command.count)), warnings=())


def shown(stage: Any, samples: Any, **changed: Any) -> str:
    stage.scheduler.answers |= {
        ScheduleGet: samples.schedule(**changed),
        ExecutionList: ExecutionPage(records=(), count=0, limit=10, next_cursor=None),
        TriggerPreview: stage.scheduler.answers.get(TriggerPreview, minutely),
    }
    answer = stage.ask("GET", "/schedules/quarters")
    assert answer.status == 200
    html: str = answer.body.decode()
    return html[html.index('id="fires"') :]


def fires(html: str) -> int:
    return html.count('<time class="clock"')


def after(stage: Any) -> datetime | None:
    return next(command.after for command in stage.scheduler.asked if isinstance(command, TriggerPreview))


def test_they_begin_with_the_one_that_the_scheduler_awaits_even_if_jitter_has_it_still_to_come(
    stage: Any, samples: Any
) -> None:
    awaited = samples.now - timedelta(seconds=20)

    html = shown(stage, samples, next_fire_time=awaited, jitter_seconds=30)

    assert after(stage) == awaited - JUST_BEFORE
    assert "up to 30 s later" in html


def test_none_is_past_the_end(stage: Any, samples: Any) -> None:
    assert fires(shown(stage, samples, end_at=samples.now + timedelta(minutes=3))) == 4


@pytest.mark.parametrize(("runs", "left"), [(0, 3), (2, 1)])
def test_there_are_no_more_than_runs_are_left(stage: Any, samples: Any, runs: int, left: int) -> None:
    html = shown(stage, samples, max_runs=3, runs=runs)

    assert fires(html) == left
    assert f"{left} of 3 runs are left" in html


def test_a_finished_schedule_has_none(stage: Any, samples: Any) -> None:
    html = shown(stage, samples, state="finished", next_fire_time=None, max_runs=3, runs=3)

    assert fires(html) == 0
    assert "does not fire any more" in html


def test_while_it_is_paused_those_are_shown_that_it_would_skip(stage: Any, samples: Any) -> None:
    start = samples.now + timedelta(hours=1)

    html = shown(stage, samples, state="paused", paused=True, next_fire_time=None, start_at=start)

    assert after(stage) == start - JUST_BEFORE
    assert "It is paused: these are skipped" in html


def test_a_pause_of_everything_and_one_of_its_handler_are_said(stage: Any, samples: Any) -> None:
    pause = Pause(reason=None, paused_by="local", paused_at=samples.now)
    stage.scheduler.answers |= {
        SystemHealth: SchedulerHealth(version="1", database="ok", backlog=0, paused=pause),
        HandlerPauses: PausedHandlers(handlers={"clock_tower": pause}),
    }

    html = shown(stage, samples)

    assert "Everything is paused" in html
    assert "The handler clock_tower is paused: runs wait" in html


def test_a_trigger_that_fails_is_shown_with_its_fault(stage: Any, samples: Any) -> None:
    details = (Detail(path="trigger_config.hour", message="99 is past the field"),)
    stage.scheduler.answers[TriggerPreview] = Problem(code=Code.INVALID_VALUE, message="no", details=details)

    html = shown(stage, samples, state="quarantined", error="ValueError: no", next_fire_time=None)

    assert "99 is past the field" in html
    assert fires(html) == 0
