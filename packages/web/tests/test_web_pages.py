"""The pages of schedules, handlers and executions, as a browser without JavaScript gets them."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec import Raw
from msgspec.structs import asdict

from schedulezero.protocol.answers import (
    Done,
    Drained,
    ExecutionPage,
    HandlerPage,
    LogLine,
    LogPage,
    PongAnswer,
    PreviewAnswer,
    RunAccepted,
    ScheduleCreated,
    SchedulePage,
)
from schedulezero.protocol.commands import (
    ExecutionCancel,
    ExecutionGet,
    ExecutionList,
    ExecutionLogs,
    ExecutionRetry,
    HandlerDrain,
    HandlerGet,
    HandlerList,
    HandlerPause,
    HandlerPing,
    HandlerResume,
    ScheduleCreate,
    ScheduleDelete,
    ScheduleGet,
    ScheduleList,
    SchedulePause,
    ScheduleResume,
    ScheduleRun,
    ScheduleUpdate,
    TriggerPreview,
)
from schedulezero.protocol.errors import Code, Detail, Problem
from schedulezero.protocol.states import HandlerStatus, Status
from schedulezero.protocol.triggers import AndTrigger, CronTrigger, IntervalTrigger
from schedulezero.protocol.values import (
    AttemptRecord,
    ExecutionDetail,
    Failure,
    HandlerDetail,
    MethodSpec,
    Pause,
    RetryOptions,
)

HOSTILE = '<script>alert("x")</script>'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JOB = {"handler_id": "reports", "method_name": "do_work", "job_params": '{"n": 1}'}
EVERY_MINUTE = {"trigger": "interval", "interval.minutes": "1"}


class Page(HTMLParser):
    """A page's elements, its text, the values of its fields, and what describes each of them."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag in ("p", "textarea"):
            self._open.append(attributes.get("id", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "textarea"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open and self._open[-1]:
            self._texts[self._open[-1]] = self._texts.get(self._open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self) -> list[str]:
        return [link["href"] for link in self.all("a")]

    def fault(self, name: str) -> str:
        return self._texts.get(f"field-{name.replace('.', '-')}-error", "")

    def value(self, name: str) -> str:
        for tag, attributes in self.elements:
            if attributes.get("name") == name and tag == "textarea":
                return self._texts.get(attributes["id"], "").removeprefix("\n")
            if attributes.get("name") == name and (attributes.get("type") != "radio" or "checked" in attributes):
                return attributes.get("value", "")
        raise AssertionError(f"no field {name}")


def get(stage: Any, path: str, status: int = 200) -> Page:
    answer = stage.ask("GET", path)
    assert answer.status == status
    return Page(answer.body)


def send(stage: Any, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> Any:
    return stage.ask("POST", path, raw=urlencode(fields or {}).encode(), headers={**FORM, **headers})


def followed(stage: Any, answer: Any) -> Page:
    """Go where a form leads, as a browser does."""
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    page = stage.ask("GET", answer.headers["Location"], headers={"Cookie": cookie})
    assert page.headers["Set-Cookie"].startswith("sz_flash=; Path=/; Max-Age=0")
    return Page(page.body)


def page_of(*records: Any, next_cursor: str | None = None) -> ExecutionPage:
    return ExecutionPage(records=records, count=len(records), limit=50, next_cursor=next_cursor)


@pytest.fixture
def schedule(stage: Any, samples: Any) -> Any:
    """A schedule that the scheduler knows, and answers for what pages ask of it."""
    record = samples.schedule()
    stage.scheduler.answers |= {
        ScheduleGet: record,
        SchedulePause: record,
        ScheduleResume: record,
        ScheduleDelete: Done(),
        ScheduleUpdate: record,
        ScheduleRun: RunAccepted(status="accepted", execution_id="e1"),
        ScheduleCreate: ScheduleCreated(schedule_id="quarters", next_fire_time=samples.now, created=True),
        TriggerPreview: PreviewAnswer(fire_times=(samples.now,), warnings=("02:30 does not exist",)),
        ExecutionGet: detail(samples),
        ExecutionLogs: LogPage(lines=(), count=0, next_after=0),
        ExecutionCancel: samples.execution(status=Status.CANCELLED),
        ExecutionRetry: RunAccepted(status="accepted", execution_id="e1"),
    }
    return record


def detail(samples: Any, **changed: Any) -> ExecutionDetail:
    attempts = changed.pop("attempts", ())
    return ExecutionDetail(**asdict(samples.execution(**changed)), attempts=attempts)


@pytest.fixture
def handler(stage: Any, samples: Any) -> HandlerDetail:
    spec = MethodSpec(name="hour_strokes", doc="Strike the hour.", params_schema=Raw(b'{"type":"object","title":"x"}'))
    known = HandlerDetail(**asdict(samples.handler()), method_specs=(spec,))
    stage.registry.answers |= {HandlerGet: known, HandlerList: HandlerPage(handlers=(samples.handler(),), count=1)}
    stage.scheduler.answers |= {
        HandlerPing: PongAnswer(handler_id="clock_tower", instance_id="i1", round_trip_ms=1.5),
        HandlerPause: Done(),
        HandlerResume: Done(),
        HandlerDrain: Drained(instances=("i1",)),
    }
    return known


def asked(fake: Any, kind: type[Any]) -> Any:
    return next(command for command in reversed(fake.asked) if isinstance(command, kind))


# -- every page ---------------------------------------------------------------------------------------------------

EVERY = (
    "/schedules",
    "/schedule",
    "/schedules/quarters",
    "/schedules/quarters/edit",
    "/schedules/quarters/delete",
    "/handlers",
    "/handlers/clock_tower",
    "/executions",
    "/executions/e1",
)


@pytest.mark.parametrize("path", EVERY)
def test_a_page_needs_nothing_that_the_policy_forbids_and_every_asset_is_there(
    stage: Any, schedule: Any, handler: Any, path: str
) -> None:
    page = get(stage, path)

    assert not page.all("style")
    assert not [name for _, attributes in page.elements for name in attributes if name == "style" or name[:2] == "on"]
    for url in [link["href"] for link in page.all("link")] + [script["src"] for script in page.all("script")]:
        assert stage.ask("GET", url).status == 200


@pytest.mark.parametrize("path", EVERY)
def test_a_page_can_be_used_with_a_screen_reader(stage: Any, schedule: Any, handler: Any, path: str) -> None:
    page = get(stage, path)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    labelled = {label["for"] for label in page.all("label") if "for" in label}

    assert len(page.all("h1")) == 1
    assert len(ids) == len(set(ids))
    shown = [field for tag in ("input", "select", "textarea") for field in page.all(tag)]
    for field in shown:
        within_label = field.get("type") in ("radio", "hidden") or (
            field.get("type") == "checkbox" and "id" not in field
        )
        assert within_label or field["id"] in labelled
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(attributes.get(name, "").split()) <= set(ids)


@pytest.mark.parametrize("path", EVERY)
def test_hostile_text_is_shown_and_never_run(stage: Any, schedule: Any, handler: Any, samples: Any, path: str) -> None:
    failure = Failure(type=HOSTILE, message=HOSTILE, traceback=HOSTILE)
    texts = {"name": HOSTILE, "description": HOSTILE, "runbook_url": "javascript:alert(1)", "tags": (HOSTILE,)}
    record = samples.schedule(
        **texts, pause=Pause(reason=HOSTILE, paused_by=HOSTILE, paused_at=samples.now), error=HOSTILE
    )
    bad = samples.execution(
        method_name=HOSTILE, status=Status.ERROR, error=failure, tags=(HOSTILE,), schedule_id=HOSTILE
    )
    attempt = AttemptRecord(
        attempt_number=1, instance_id=HOSTILE, started_at=None, completed_at=None, status="error", error=failure
    )
    line = LogLine(seq=1, at=samples.now, attempt_number=1, level=HOSTILE, event=HOSTILE, fields=Raw(b'{"a":"</p>"}'))
    spec = MethodSpec(name="m", doc=HOSTILE, params_schema=Raw(b'{"title":"</pre><script>"}'))
    stage.scheduler.answers |= {
        ScheduleGet: record,
        ScheduleList: SchedulePage(schedules=(record,), count=1, limit=50, next_cursor=HOSTILE),
        ExecutionList: page_of(bad, next_cursor=HOSTILE),
        ExecutionGet: ExecutionDetail(**asdict(bad), attempts=(attempt,)),
        ExecutionLogs: LogPage(lines=(line,), count=1, next_after=1),
        TriggerPreview: PreviewAnswer(fire_times=(), warnings=(HOSTILE,)),
    }
    stage.registry.answers |= {
        HandlerGet: HandlerDetail(**asdict(samples.handler(id=HOSTILE)), method_specs=(spec,)),
        HandlerList: HandlerPage(handlers=(samples.handler(id=HOSTILE, methods=(HOSTILE,)),), count=1),
    }

    page = get(stage, path)

    assert all(script.get("src", "").startswith("/assets/container/") for script in page.all("script"))
    assert not [link for link in page.links() if link.startswith("javascript")]


@pytest.mark.parametrize("path", ["/schedules", "/schedules/quarters/edit", "/handlers", "/executions/e1"])
def test_a_page_says_so_while_the_services_are_away(stage: Any, path: str) -> None:
    stage.take_away("scheduler")
    stage.take_away("registry")

    answer = stage.ask("GET", path)

    assert answer.status == 503
    assert b"cannot be reached" in answer.body or b"went away" in answer.body


@pytest.mark.parametrize("path", ["/schedules", "/handlers", "/executions"])
def test_an_empty_list_shows_a_first_handler_to_copy(stage: Any, path: str) -> None:
    page = get(stage, path)

    assert 'handler = Handler("reports")' in page.text
    assert {"for": "first-handler"} in page.all("copy-button")


def test_the_dashboard_leads_to_the_pages(stage: Any, samples: Any, handler: Any) -> None:
    stage.scheduler.answers[ScheduleList] = SchedulePage(
        schedules=(samples.schedule(),), count=1, limit=9, next_cursor=None, total=1
    )
    stage.scheduler.answers[ExecutionList] = page_of(samples.execution())

    links = get(stage, "/dash").links()

    assert {"/schedules", "/handlers", "/executions"} <= set(links)
    assert {"/schedules/quarters", "/handlers/clock_tower", "/executions/e1"} <= set(links)


def test_times_are_given_in_utc_exactly(stage: Any, schedule: Any) -> None:
    times = get(stage, "/executions/e1").all("time")

    assert {"class": "clock", "datetime": "2026-11-23T06:00:00Z", "title": "2026-11-23 06:00:00 UTC"} in times


# -- forms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fields", "command", "told"),
    [
        (
            "/schedules/quarters/pause",
            {"reason": "holiday"},
            SchedulePause(schedule_id="quarters", reason="holiday"),
            "quarters is paused",
        ),
        ("/schedules/quarters/resume", {}, ScheduleResume(schedule_id="quarters"), "quarters is resumed"),
        ("/schedules/quarters/run", {}, ScheduleRun(schedule_id="quarters"), "quarters runs now"),
        ("/schedules/quarters/delete", {}, ScheduleDelete(schedule_id="quarters"), "quarters is deleted"),
        ("/handlers/clock_tower/ping", {}, HandlerPing(handler_id="clock_tower"), "i1 answered within 2 ms"),
        (
            "/handlers/clock_tower/pause",
            {"reason": "oil"},
            HandlerPause(handler_id="clock_tower", reason="oil"),
            "clock_tower is paused",
        ),
        ("/handlers/clock_tower/resume", {}, HandlerResume(handler_id="clock_tower"), "clock_tower is resumed"),
        ("/handlers/clock_tower/drain", {}, HandlerDrain(handler_id="clock_tower"), "finish and stop: i1"),
        ("/executions/e1/cancel", {}, ExecutionCancel(execution_id="e1"), "Cancelled"),
        ("/executions/e1/retry", {}, ExecutionRetry(execution_id="e1"), "runs the job of e1 again"),
    ],
)
def test_a_button_does_its_work_and_leads_to_a_page_that_tells_it_once(
    stage: Any, schedule: Any, handler: Any, path: str, fields: dict[str, str], command: Any, told: str
) -> None:
    answer = send(stage, path, fields)
    page = followed(stage, answer)

    assert asked(stage.scheduler, type(command)) == command
    assert told in page.text
    assert [flash["class"] for flash in page.all("sz-flash")] == ["banner success"]
    assert not get(stage, answer.headers["Location"]).all("sz-flash")


def test_what_cannot_be_done_is_told_on_the_page_that_it_was_asked_on(stage: Any, schedule: Any) -> None:
    stage.scheduler.answers[ExecutionCancel] = Problem(code=Code.CONFLICT, message="it has ended")

    page = followed(stage, send(stage, "/executions/e1/cancel"))

    assert "it has ended" in page.text
    assert [flash["class"] for flash in page.all("sz-flash")] == ["banner error"]


def test_a_button_of_something_that_is_gone_leads_to_a_404_page(stage: Any) -> None:
    stage.scheduler.answers[ScheduleRun] = Problem(code=Code.SCHEDULE_NOT_FOUND, message="no schedule quarters")

    answer = send(stage, "/schedules/quarters/run")

    assert (answer.status, b"no schedule quarters" in answer.body) == (404, True)


@pytest.mark.parametrize("path", ["/schedule", "/schedules/quarters/delete", "/handlers/clock_tower/drain"])
def test_a_form_of_a_foreign_page_is_403_and_nothing_is_asked(stage: Any, schedule: Any, path: str) -> None:
    answer = send(stage, path, {**JOB, **EVERY_MINUTE}, Origin="http://evil.example")

    assert answer.status == 403
    assert not stage.scheduler.asked


def test_what_is_not_a_form_is_415(stage: Any, schedule: Any) -> None:
    assert stage.ask("POST", "/schedule", {"handler_id": "reports"}).status == 415


@pytest.mark.parametrize(("path", "allowed"), [("/schedules/a/run", "POST"), ("/schedule", "GET, HEAD, POST")])
def test_a_wrong_verb_is_405(stage: Any, path: str, allowed: str) -> None:
    answer = stage.ask("PATCH", path)

    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("cookie", ["%%%", "e30=", "bm8=", "x" * 5])
def test_a_cookie_that_is_none_of_ours_tells_nothing(stage: Any, cookie: str) -> None:
    answer = stage.ask("GET", "/executions", headers={"Cookie": f"sz_flash={cookie}"})

    assert answer.status == 200
    assert b"<sz-flash" not in answer.body


# -- schedules ------------------------------------------------------------------------------------------------------


def test_the_list_of_schedules_passes_its_filters_on_and_keeps_them_on_the_next_page(stage: Any, samples: Any) -> None:
    stage.scheduler.answers[ScheduleList] = SchedulePage(
        schedules=(samples.schedule(),), count=1, limit=50, next_cursor="quarters"
    )

    page = get(stage, "/schedules?handler_id=tower&tag=bells&paused=false&q=")

    assert asked(stage.scheduler, ScheduleList) == ScheduleList(handler_id="tower", tag="bells", paused=False, limit=50)
    assert "/schedules?handler_id=tower&tag=bells&paused=false&cursor=quarters" in page.links()
    assert page.value("handler_id") == "tower"
    assert "/schedules?handler_id=tower" in get(stage, "/schedules?handler_id=tower&cursor=quarters").links()


def test_a_filter_that_is_wrong_is_told_beside_it(stage: Any) -> None:
    page = get(stage, "/schedules?paused=perhaps", status=422)

    assert "boolean" in page.fault("paused")
    assert not stage.scheduler.asked


def test_a_schedule_shows_its_next_fire_times_and_its_newest_executions(
    stage: Any, schedule: Any, samples: Any
) -> None:
    stage.scheduler.answers[ExecutionList] = page_of(samples.execution(schedule_id="quarters"))

    page = get(stage, "/schedules/quarters")

    assert asked(stage.scheduler, ExecutionList).filter.schedule_id == "quarters"
    for shown in ("02:30 does not exist", "2026-11-23 06:00:00 UTC", "BONG BONG BONG", "interval[0:15:00]"):
        assert shown in page.text


def test_only_unusual_options_are_listed(stage: Any, schedule: Any, samples: Any) -> None:
    stage.scheduler.answers[ScheduleGet] = samples.schedule(overlap="allow", retry=RetryOptions(max_attempts=7))

    text = get(stage, "/schedules/quarters").text

    assert "When still running" in text
    assert "Attempts" in text
    assert "Jitter" not in text


def test_a_new_schedule_is_created_from_its_form(stage: Any, schedule: Any) -> None:
    fields = {
        **JOB,
        "schedule_id": "nightly",
        "trigger": "cron",
        "cron.hour": "8",
        "cron.day_of_week": "mon-fri",
        "interval.minutes": "of another type, and so not looked at",
        "timezone": "Europe/Berlin",
        "tags": "a, b",
        "priority": "9",
        "retry.max_attempts": "5",
        "retry.on_lost": "false",
        "overlap": "queue_one",
        "timeout_seconds": "1.5",
        "paused": "on",
    }

    page = followed(stage, send(stage, "/schedule", {**fields, "do": "save"}))

    request = asked(stage.scheduler, ScheduleCreate).schedule
    assert (request.handler_id, request.method_name, request.schedule_id) == ("reports", "do_work", "nightly")
    assert bytes(request.job_params) == b'{"n": 1}'
    assert request.trigger_config == CronTrigger(hour=8, day_of_week="mon-fri", timezone="Europe/Berlin")
    assert request.retry == RetryOptions(max_attempts=5, on_lost=False)
    assert (request.tags, request.priority, request.overlap) == (("a", "b"), 9, "queue_one")
    assert (request.timeout_seconds, request.paused) == (1.5, True)
    assert "quarters is created" in page.text


def test_the_form_begins_with_what_its_address_says(stage: Any, handler: Any) -> None:
    page = get(stage, "/schedule?handler_id=clock_tower&method_name=hour_strokes")

    assert (page.value("handler_id"), page.value("method_name")) == ("clock_tower", "hour_strokes")
    assert {"value": "clock_tower"} in page.all("option")


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"interval.minutes": "soon"}, "interval.minutes", "expected number"),
        ({"job_params": "{n: 1}"}, "job_params", "this is not JSON"),
        ({"job_params": "[1]"}, "job_params", "expected object"),
        ({"priority": "10"}, "priority", "<= 9"),
        ({"retry.jitter": "2"}, "retry.jitter", "<= 1"),
        ({"tags": "fine, <b>"}, "tags", "[1]"),
        ({"handler_id": ""}, "handler_id", "is required"),
        ({"schedule_id": "no spaces"}, "schedule_id", "1 to 200 letters"),
        ({"trigger": "json", "json": '{"type": "crom"}'}, "json", "crom"),
        ({"trigger": "json"}, "json", "this is not JSON"),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_is_kept(
    stage: Any, schedule: Any, fields: dict[str, str], field: str, told: str
) -> None:
    typed = {**JOB, **EVERY_MINUTE, "description": "two\r\nlines", **fields}

    answer = send(stage, "/schedule", typed)
    page = Page(answer.body)

    assert answer.status == 422
    assert told in page.fault(field)
    assert page.value(field) == typed.get(field, "")
    assert page.value("description") == "two\nlines"
    assert page.value("method_name") == "do_work"
    assert not [command for command in stage.scheduler.asked if isinstance(command, ScheduleCreate)]


def test_faults_that_the_scheduler_finds_stand_beside_their_fields_too(stage: Any, schedule: Any) -> None:
    details = (
        Detail(path="trigger_config.hour", message="99 is past the field"),
        Detail(path="job_params.n", message="must be a string"),
        Detail(path="elsewhere", message="is odd"),
    )
    stage.scheduler.answers[ScheduleCreate] = Problem(code=Code.INVALID_VALUE, message="no", details=details)

    answer = send(stage, "/schedule", {**JOB, "trigger": "cron", "cron.hour": "99"})
    page = Page(answer.body)

    assert page.fault("cron.hour") == "99 is past the field"
    assert page.fault("job_params") == "n: must be a string"
    assert "elsewhere: is odd" in page.text


def test_what_was_typed_is_kept_while_the_scheduler_is_away(stage: Any) -> None:
    stage.take_away("scheduler")

    answer = send(stage, "/schedule", {**JOB, **EVERY_MINUTE})

    assert answer.status == 503
    assert Page(answer.body).value("job_params") == '{"n": 1}'


def test_fire_times_can_be_looked_at_before_anything_is_saved(stage: Any, schedule: Any) -> None:
    answer = send(stage, "/schedule", {**JOB, **EVERY_MINUTE, "do": "preview"})
    page = Page(answer.body)

    assert asked(stage.scheduler, TriggerPreview).trigger_config == IntervalTrigger(minutes=1)
    assert "2026-11-23 06:00:00 UTC" in page.text
    assert page.value("interval.minutes") == "1"
    assert not [command for command in stage.scheduler.asked if isinstance(command, ScheduleCreate)]


def form_of(stage: Any) -> dict[str, str]:
    """What a browser would send of the form as it is shown."""
    page = get(stage, "/schedules/quarters/edit")
    names = {attributes["name"] for tag in ("input", "textarea") for attributes in page.all(tag)}
    told_of = [box["value"] for box in page.all("input") if box["name"] == "notify.on" and "checked" in box]
    return {name: page.value(name) for name in names if name != "allow_offline"} | {
        "overlap": "skip",
        "catch_up": "latest",
        "notify.on": ",".join(told_of),
    }


def test_a_form_that_was_not_touched_changes_nothing(stage: Any, schedule: Any) -> None:
    page = followed(stage, send(stage, "/schedules/quarters/edit", form_of(stage)))

    assert "Nothing was changed" in page.text
    assert not [command for command in stage.scheduler.asked if isinstance(command, ScheduleUpdate)]


def test_only_what_was_touched_is_changed_and_what_was_emptied_goes_back_to_its_default(
    stage: Any, schedule: Any, samples: Any
) -> None:
    stage.scheduler.answers[ScheduleGet] = samples.schedule(
        owner="Ann", misfire_grace_seconds=5.0, retry=RetryOptions(max_attempts=2, jitter=0.1)
    )
    changed = {"owner": "", "misfire_grace_seconds": "", "retry.max_attempts": "4", "description": "New"}

    send(stage, "/schedules/quarters/edit", form_of(stage) | changed)

    command = asked(stage.scheduler, ScheduleUpdate)
    given = {name: value for name, value in asdict(command.patch).items() if value is not command.patch.name}
    assert given == {
        "owner": None,
        "misfire_grace_seconds": 60.0,
        "retry": RetryOptions(max_attempts=4, jitter=0.1),
        "description": "New",
    }
    assert command.if_version == 7


def test_a_changed_field_of_the_trigger_changes_the_trigger(stage: Any, schedule: Any) -> None:
    send(stage, "/schedules/quarters/edit", form_of(stage) | {"interval.minutes": "20"})

    assert asked(stage.scheduler, ScheduleUpdate).patch.trigger_config == IntervalTrigger(minutes=20)


def test_a_trigger_of_triggers_is_edited_as_json(stage: Any, schedule: Any, samples: Any) -> None:
    both = AndTrigger(triggers=[IntervalTrigger(hours=1), CronTrigger(minute=0)])
    stage.scheduler.answers[ScheduleGet] = samples.schedule(trigger_config=both)

    page = get(stage, "/schedules/quarters/edit")

    assert page.value("trigger") == "json"
    assert '"type": "and"' in page.value("json")


def test_a_schedule_that_was_changed_meanwhile_is_not_overwritten_unasked(
    stage: Any, schedule: Any, samples: Any
) -> None:
    form = form_of(stage) | {"description": "Mine"}
    stage.scheduler.answers[ScheduleGet] = samples.schedule(updated_at=samples.now.replace(minute=1))

    answer = send(stage, "/schedules/quarters/edit", form)
    page = Page(answer.body)

    assert (answer.status, page.value("description")) == (409, "Mine")
    assert "Somebody has changed this schedule" in page.text
    assert not [command for command in stage.scheduler.asked if isinstance(command, ScheduleUpdate)]


# -- executions -----------------------------------------------------------------------------------------------------


def test_a_list_that_has_found_nothing_yet_says_that_the_next_page_looks_further(stage: Any) -> None:
    stage.scheduler.answers[ExecutionList] = page_of(next_cursor="c")
    page = get(stage, "/executions?method_name=rare")
    assert "the next page looks further" in page.text
    assert "/executions?method_name=rare&cursor=c" in page.links()

    stage.scheduler.answers[ExecutionList] = page_of()
    assert "No execution is like that." in get(stage, "/executions?method_name=rare").text


def test_the_list_of_executions_passes_its_filters_on_and_keeps_them_on_the_next_page(stage: Any, samples: Any) -> None:
    stage.scheduler.answers[ExecutionList] = page_of(samples.execution(), next_cursor="c")

    page = get(stage, "/executions?handler_id=tower&status=error&status=timeout&since=2026-11-23T06:00&q=")

    command = asked(stage.scheduler, ExecutionList)
    assert (command.limit, command.filter.handler_id, command.filter.since) == (50, "tower", samples.now)
    assert command.filter.status == (Status.ERROR, Status.TIMEOUT)
    following = "/executions?handler_id=tower&status=error,timeout&since=2026-11-23T06:00:00Z&cursor=c"
    assert following in page.links()
    assert get(stage, following).value("since") == "2026-11-23T06:00:00Z"
    checked = [box["value"] for box in page.all("input") if "checked" in box]
    assert checked == ["error", "timeout"]


@pytest.mark.parametrize(("query", "field"), [("since=yesterday", "since"), ("until=2026-13-01", "until")])
def test_a_time_that_is_none_is_told_beside_its_field(stage: Any, query: str, field: str) -> None:
    page = get(stage, f"/executions?{query}&method_name=kept", status=422)

    assert page.fault(field)
    assert page.value("method_name") == "kept"


def test_an_execution_shows_everything(stage: Any, schedule: Any, samples: Any) -> None:
    failure = Failure(type="ValueError", message="no bell", traceback="Traceback: line 7")
    attempts = (
        AttemptRecord(
            attempt_number=1,
            instance_id="i1",
            started_at=samples.now,
            completed_at=samples.now,
            status="lost",
            error=Failure(type="Lost", message="it went away"),
        ),
    )
    line = LogLine(seq=3, at=samples.now, attempt_number=1, level="info", event="rung", fields=Raw(b'{"bells":12}'))
    stage.scheduler.answers[ExecutionGet] = detail(
        samples,
        status=Status.ERROR,
        error=failure,
        attempts=attempts,
        job_params=Raw(b'{"big":12345678901234567890.10}'),
        retry_of="e0",
        tags=("bells",),
    )
    stage.scheduler.answers[ExecutionLogs] = LogPage(lines=(line,), count=1, next_after=3)

    page = get(stage, "/executions/e1")

    for shown in ("no bell", "Traceback: line 7", "Lost: it went away", "lost", "rung", '{"bells":12}'):
        assert shown in page.text
    assert '"big": 12345678901234567890.10' in page.text
    assert {"/executions/e0", "/executions?tag=bells", "?after=3", "/handlers/clock_tower"} <= set(page.links())


def test_an_attempt_that_runs_shows_where_and_since_when(stage: Any, schedule: Any, samples: Any) -> None:
    attempt = AttemptRecord(
        attempt_number=2,
        instance_id="belfry-2",
        started_at=samples.now,
        completed_at=None,
        status="running",
        error=None,
    )
    stage.scheduler.answers[ExecutionGet] = detail(samples, status=Status.RUNNING, attempts=(attempt,))

    page = get(stage, "/executions/e1")

    (row,) = [one for one in page.all("li") if one.get("id") == "attempt-2"]
    assert row
    assert "belfry-2" in page.text
    assert len([one for one in page.all("span") if one.get("class") == "status status-running"]) == 2
    assert "None has begun." not in page.text


@pytest.mark.parametrize(("status", "action"), [(Status.RUNNING, "cancel"), (Status.ERROR, "retry")])
def test_an_execution_offers_what_can_be_done_to_it(
    stage: Any, schedule: Any, samples: Any, status: Status, action: str
) -> None:
    stage.scheduler.answers[ExecutionGet] = detail(samples, status=status)

    forms = [form["action"] for form in get(stage, "/executions/e1").all("form")]

    assert forms == [f"/executions/e1/{action}"]


# -- handlers -------------------------------------------------------------------------------------------------------


def test_handlers_show_their_instances_and_how_they_are_by_shape_and_word(
    stage: Any, handler: Any, samples: Any
) -> None:
    stage.registry.answers[HandlerList] = HandlerPage(
        handlers=(samples.handler(status=HandlerStatus.UNRESPONSIVE),), count=1
    )

    page = get(stage, "/handlers")

    assert {"href": "#mark-unresponsive"} in page.all("use")
    for shown in ("Unresponsive", "tcp://127.0.0.1:5001", "0 of 16 running"):
        assert shown in page.text
    assert "/handlers/clock_tower#method-hour_strokes" in page.links()


def test_a_handler_shows_its_methods_with_docstring_and_schema(stage: Any, handler: Any) -> None:
    page = get(stage, "/handlers/clock_tower")

    assert "Strike the hour." in page.text
    assert '"title": "x"' in page.text
    assert "/schedule?handler_id=clock_tower&method_name=hour_strokes" in page.links()
