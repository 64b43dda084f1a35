"""What the demo's handlers do, with no socket and no waiting."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schedulezero.handler import Handler
from schedulezero.handler.testing import Ran, run
from schedulezero.runtime.clock import ManualClock, from_datetime
from schedulezero.standalone.demo.clock_tower import ClockTower
from schedulezero.standalone.demo.desk import Desk
from schedulezero.standalone.demo.schedules import demo_schedules

NOW = from_datetime(datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC))


def at_the_tower(method: str, *, at: tuple[int, int] | None = None, attempt: int = 1) -> Ran:
    tower = Handler.from_object("clock_tower", ClockTower(ManualClock(NOW), beat=0))
    moment = None if at is None else datetime(2026, 11, 23, 0, *at, tzinfo=UTC)
    return run(tower, method, scheduled_for=moment, attempt=attempt, max_attempts=3)


def at_the_desk(method: str, **params: Any) -> Ran:
    return run(Handler.from_object("handler_12345", Desk()), method, params)


@pytest.mark.parametrize(
    ("second", "tower_time", "bells"),
    [
        (15, "07:15", "ding dang dong dum"),
        (30, "07:30", "dong ding dang dum · dong dang ding dong"),
        (45, "07:45", "ding dong dang dum · dum dang ding dong · ding dang dong dum"),
    ],
)
def test_the_quarter_bells_ring_a_phrase_more_each_quarter(second: int, tower_time: str, bells: str) -> None:
    # 2026-11-23 begins a multiple of 24 minutes after 1970, so that minute 7 is the tower's seven o'clock.
    assert at_the_tower("quarter_bells", at=(7, second)).result == {"tower_time": tower_time, "bells": bells}


@pytest.mark.parametrize(("minute", "shown", "strokes"), [(7, "07:00", 7), (12, "12:00", 12), (23, "23:00", 11)])
def test_the_great_bell_strikes_the_hour(minute: int, shown: str, strokes: int) -> None:
    result = at_the_tower("hour_strokes", at=(minute, 0)).result

    assert (result["tower_time"], result["strokes"]) == (shown, strokes)
    assert result["sound"] == " ".join(["BONG"] * strokes)
    assert result["bells"].count("·") == 3


def test_each_stroke_is_told_as_it_is_struck() -> None:
    lines = at_the_tower("hour_strokes", at=(3, 0)).lines

    assert [line.fields["message"] for line in lines][-3:] == ["BONG", "BONG", "BONG"]


def test_at_noon_the_figures_come_out() -> None:
    assert "smith" in at_the_tower("hour_strokes", at=(12, 0)).result["figures"]
    assert "figures" not in at_the_tower("hour_strokes", at=(13, 0)).result


def test_rung_by_hand_the_tower_goes_by_its_clock() -> None:
    assert at_the_tower("quarter_bells").result["tower_time"] == "00:30"


@pytest.mark.parametrize(("attempt", "status"), [(1, "error"), (2, "error"), (3, "success")])
def test_the_third_pull_frees_the_rope(attempt: int, status: str) -> None:
    assert at_the_tower("free_the_rope", attempt=attempt).status == status


def test_winding_counts_what_has_rung() -> None:
    tower = Handler.from_object("clock_tower", ClockTower(ManualClock(NOW), beat=0))
    run(tower, "quarter_bells")

    assert run(tower, "wind").result["turns"] == 2
    assert run(tower, "wind").result["turns"] == 0


def test_do_work_takes_any_parameters() -> None:
    params = {"input_file": "/data/file.txt", "output_dir": "/results/"}

    assert at_the_desk("do_work", **params).result["params"] == params
    assert at_the_desk("do_work", message="Hello World").result["message"] == "Hello World"


@pytest.mark.parametrize("method", ["do_work", "backup", "process", "analyze", "report"])
@pytest.mark.parametrize("params", [{}, {"input_file": "/data/file.txt", "anything": [1, {"n": None}]}])
def test_every_method_runs_with_no_parameters_and_with_unknown_ones(method: str, params: dict[str, Any]) -> None:
    assert at_the_desk(method, **params).status == "success"


def test_a_backup_is_only_described(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("12345")
    before = list(tmp_path.iterdir())

    result = at_the_desk("backup", source=str(tmp_path), destination="/elsewhere").result

    assert (result["files"], result["bytes"]) == (1, 5)
    assert list(tmp_path.iterdir()) == before


def test_analyze_computes_and_refuses_nothing_at_all() -> None:
    result = at_the_desk("analyze", values=[2, 4, 4, 4, 5, 5, 7, 9]).result

    assert (result["mean"], result["median"], result["deviation"]) == (5, 4.5, 2)
    refused = at_the_desk("analyze", values=[]).error
    assert refused is not None
    assert "at least one number" in refused.message


def test_the_report_counts_what_was_done() -> None:
    desk = Handler.from_object("handler_12345", Desk())
    run(desk, "process", {"text": "to be or not"})
    run(desk, "process")

    assert run(desk, "report").result["text"] == "2 x process, 1 x report"


def test_schedules_name_methods_that_are_there() -> None:
    offered = {
        "clock_tower": Handler.from_object("clock_tower", ClockTower(ManualClock(NOW))).methods,
        "handler_12345": Handler.from_object("handler_12345", Desk()).methods,
    }

    for schedule in demo_schedules(NOW):
        assert schedule.method_name in offered[schedule.handler_id]
