"""`and` and `or`: what they fire at, how their parts are anchored, and that no search is without bound."""

import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.scheduler.core.triggers import Trigger, anchor

At = Callable[[str], int]
Fires = Callable[..., list[str]]
Make = Callable[..., Trigger]
Refusal = Callable[..., tuple[str, str]]

CREATED = "2026-11-23T05:00:00Z"


def cron(expression: str, **more: Any) -> dict[str, Any]:
    return {"type": "cron", "expression": expression, **more}


def all_of(*triggers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "and", "triggers": list(triggers), **more}


def any_of(*triggers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "or", "triggers": list(triggers), **more}


NEVER = all_of(cron("0 * * * *"), cron("30 * * * *"))


def test_or_merges_and_fires_a_shared_instant_once(fires: Fires) -> None:
    assert fires(any_of(cron("0 */2 * * *"), cron("0 */3 * * *")), count=4) == [
        "2026-11-23T06:00:00Z",
        "2026-11-23T08:00:00Z",
        "2026-11-23T09:00:00Z",
        "2026-11-23T10:00:00Z",
    ]


def test_and_fires_at_shared_instants_only(fires: Fires) -> None:
    assert fires(all_of(cron("0 */2 * * *"), cron("0 */3 * * *")), count=2) == [
        "2026-11-23T06:00:00Z",
        "2026-11-23T12:00:00Z",
    ]
    assert fires(all_of(cron("0 9 13 * *"), cron("0 9 * * fri")), count=1) == ["2027-08-13T09:00:00Z"]


def test_and_takes_instants_a_second_apart_for_different(fires: Fires) -> None:
    assert fires(all_of(cron("0 0 * * * *"), cron("1 0 * * * *"))) == []


def test_or_outlives_the_parts_that_have_ended(fires: Fires) -> None:
    either = any_of({"type": "date", "run_date": "2020-01-01"}, {"type": "date", "run_date": "2027-01-01"})
    assert fires(either) == ["2027-01-01T00:00:00Z"]


def test_and_ends_with_the_first_of_its_parts(fires: Fires) -> None:
    both = all_of(cron("0 * * * *"), cron("0 * * * *", end_time="2026-11-23T07:00:00Z"))
    assert fires(both) == ["2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"]


def test_parts_take_the_zone_of_the_whole_unless_they_have_their_own(fires: Fires) -> None:
    either = any_of(cron("0 9 * * *"), cron("0 9 * * *", timezone="Asia/Tokyo"), timezone="Europe/Berlin")
    assert fires(either, count=2) == ["2026-11-23T08:00:00Z", "2026-11-24T00:00:00Z"]


def test_parts_are_anchored_where_they_stand(config: Callable[[dict[str, Any]], TriggerConfig], at: At) -> None:
    nested = any_of({"type": "interval", "hours": 1}, all_of({"type": "calendarinterval", "days": 1}))
    anchored = anchor(config(nested), created=at(CREATED), timezone="Europe/Berlin")
    zone = {"timezone": "Europe/Berlin"}
    assert msgspec.to_builtins(anchored) == any_of(
        {"type": "interval", "hours": 1.0, "start_time": "2026-11-23T06:00:00Z", **zone},
        all_of({"type": "calendarinterval", "days": 1, "start_date": "2026-11-23", **zone}, **zone),
        **zone,
    )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (any_of(), "triggers"),
        (any_of(*[cron("0 0 * * *")] * 1001), "triggers"),
        (any_of(cron("0 0 * * *"), cron("x")), "triggers[1].expression"),
        (any_of(cron("0 0 * * *"), all_of({"type": "cron", "hour": 24})), "triggers[1].triggers[0].hour"),
        (any_of(cron("0 0 * * *", timezone="Nowhere")), "triggers[0].timezone"),
        (all_of({"type": "interval"}), "triggers[0]"),
    ],
)
def test_a_part_that_is_refused_is_named_by_its_place(refusal: Refusal, fields: dict[str, Any], path: str) -> None:
    assert refusal(fields)[0] == path


def test_nesting_is_bounded(refusal: Refusal, trigger: Make) -> None:
    fields = cron("0 0 * * *")
    for _ in range(15):
        fields = any_of(fields)
    assert trigger(fields).description.startswith("or[or[")
    assert refusal(any_of(fields))[0].endswith("triggers[0].triggers")


def test_an_and_that_never_meets_gives_up_soon(trigger: Make, at: At) -> None:
    began = time.process_time()
    never = trigger(NEVER)
    now = at(CREATED)
    assert never.next(now) is None
    assert never.upcoming(now, 3) == []
    assert never.latest(0, now) is None
    assert never.count(now, at("2026-11-24T05:00:00Z")) == (0, True)
    assert never.count(now, at("2126-11-24T05:00:00Z"), limit=100) == (0, False)
    assert time.process_time() - began < 2


def test_an_and_that_never_meets_does_not_slow_the_or_around_it(trigger: Make, at: At) -> None:
    either = trigger(any_of(NEVER, cron("* * * * *")))
    either.next(at(CREATED))
    began = time.process_time()
    assert len(either.upcoming(at(CREATED), 100)) == 100
    assert time.process_time() - began < 0.1


def test_descriptions_list_the_parts(trigger: Make) -> None:
    parts = ({"type": "interval", "hours": 1}, {"type": "cron", "hour": 2})
    assert trigger(any_of(*parts)).description == "or[interval[1:00:00], cron[hour='2']]"
    assert trigger(all_of(*parts)).description == "and[interval[1:00:00], cron[hour='2']]"
