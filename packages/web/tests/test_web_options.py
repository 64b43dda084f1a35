"""The form of a schedule has every option of the API, with help, and opens the groups that have something to show."""

import re
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from schedulezero.protocol.answers import HandlerPage, ScheduleCreated
from schedulezero.protocol.commands import HandlerList, ScheduleCreate, ScheduleGet, ScheduleUpdate
from schedulezero.protocol.values import Notify, RetryOptions, ScheduleRequest
from schedulezero.web.microsites.schedules import fields

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JOB = {"handler_id": "reports", "method_name": "do_work", "trigger": "interval", "interval.minutes": "1"}
HOOK = "https://example.org/hook"


def send(stage: Any, typed: dict[str, str], path: str = "/schedule") -> Any:
    return stage.ask("POST", path, raw=urlencode(typed).encode(), headers=FORM)


def created(stage: Any) -> ScheduleRequest:
    request: ScheduleRequest = stage.scheduler.asked[-1].schedule
    return request


@pytest.fixture(autouse=True)
def answers(stage: Any, samples: Any) -> None:
    stage.registry.answers[HandlerList] = HandlerPage(handlers=(), count=0)
    stage.scheduler.answers |= {
        ScheduleCreate: ScheduleCreated(schedule_id="q", next_fire_time=None, created=True),
        ScheduleGet: samples.schedule(),
        ScheduleUpdate: samples.schedule(),
    }


def test_every_option_has_a_field_with_help() -> None:
    names = {field.name.partition(".")[0] for field in fields.EVERY} | {"trigger_config"}
    parts = {
        f"{part}.{name}" for part, type_ in (("retry", RetryOptions), ("notify", Notify)) for name in _names(type_)
    }

    assert _names(ScheduleRequest) <= names
    assert parts <= {field.name for field in fields.EVERY}
    assert not [field.name for field in fields.OPTION_FIELDS if not field.hint]


def _names(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def test_a_webhook_is_told_of_failures_unless_others_are_chosen(stage: Any) -> None:
    shown = stage.ask("GET", "/schedule").body.decode()
    send(stage, {**JOB, "notify.url": HOOK})
    usual = created(stage).notify
    send(stage, {**JOB, "notify.url": HOOK, "notify.on": "success,skipped"})

    assert re.findall(r'name="notify.on" value="(\w+)" checked', shown) == ["error", "timeout"]
    assert usual == Notify(url=HOOK)
    assert created(stage).notify == Notify(url=HOOK, on=("success", "skipped"))


def test_without_a_webhook_what_it_would_be_told_of_says_nothing(stage: Any) -> None:
    send(stage, {**JOB, "notify.on": "error,timeout"})

    assert created(stage).notify is None


def test_a_webhook_that_is_none_is_told_beside_its_field(stage: Any) -> None:
    answer = send(stage, {**JOB, "notify.url": "ftp://example.org"})

    assert answer.status == 422
    assert re.search(rb'id="field-notify-url-error">[^<]*http', answer.body)
    assert re.search(rb"<details[^>]* open>\s*<summary>Notify", answer.body)


def test_a_webhook_is_shown_and_taken_away(stage: Any, samples: Any) -> None:
    schedule = samples.schedule(notify=Notify(url=HOOK, on=("timeout", "error", "success")))
    stage.scheduler.answers[ScheduleGet] = schedule
    shown = stage.ask("GET", "/schedules/quarters/edit").body.decode()

    typed = {**JOB, "interval.minutes": "15", "updated_at": schedule.updated_at.isoformat(), "overlap": "skip"}
    send(stage, {**typed, "notify.on": "success,error,timeout"}, "/schedules/quarters/edit")

    assert f'value="{HOOK}"' in shown
    assert re.findall(r'name="notify.on" value="(\w+)" checked', shown) == ["success", "error", "timeout"]
    assert stage.scheduler.asked[-1].patch.notify is None


def test_an_id_that_is_taken_may_be_kept_or_put_in_its_place(stage: Any) -> None:
    stage.scheduler.answers[ScheduleCreate] = ScheduleCreated(schedule_id="q", next_fire_time=None, created=False)

    answer = send(stage, {**JOB, "schedule_id": "q", "if_exists": "keep"})
    told = stage.ask("GET", "/dash", headers={"Cookie": answer.headers["Set-Cookie"].partition(";")[0]})

    assert b"q is there already, and was kept as it is." in told.body


@pytest.mark.parametrize(
    ("changed", "opened"),
    [
        ({}, []),
        ({"jitter_seconds": 5.0}, ["Bounds"]),
        ({"overlap": "allow", "retry": RetryOptions(jitter=0.1)}, ["When it overlaps, or comes too late", "Retries"]),
    ],
)
def test_the_groups_are_open_that_say_something_unusual(
    stage: Any, samples: Any, changed: dict[str, Any], opened: list[str]
) -> None:
    stage.scheduler.answers[ScheduleGet] = samples.schedule(**changed)

    html = stage.ask("GET", "/schedules/quarters/edit").body.decode()

    assert re.findall(r'<details class="card group" open>\s*<summary>([^<]+)', html) == opened
