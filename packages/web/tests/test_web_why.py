"""A schedule's page says why it did, did not, or will run at an instant, and other pages lead there."""

import re
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import asdict

from schedulezero.protocol.answers import ExecutionPage, Explanation, LogPage, PreviewAnswer
from schedulezero.protocol.commands import (
    ExecutionGet,
    ExecutionList,
    ExecutionLogs,
    ScheduleExplain,
    ScheduleGet,
    TriggerPreview,
)
from schedulezero.protocol.errors import Code, Problem, invalid_value
from schedulezero.protocol.states import Reason, Status
from schedulezero.protocol.triggers import CronTrigger
from schedulezero.protocol.values import ExecutionDetail

TEXT = "It was skipped because the schedule was paused by ann."
HOSTILE = '<script>alert("x")</script>'
SIX, SEVEN = "2026-11-23T06:00:00Z", "2026-11-23T07:00:00Z"
SHOWN_SIX, SHOWN_SEVEN = "2026-11-23 06:00:00 UTC", "2026-11-23 07:00:00 UTC"
AT_SIX = "/schedules/quarters?why=2026-11-23T06:00:00Z#why"


def explained(samples: Any, **changed: Any) -> Explanation:
    values: dict[str, Any] = {
        "schedule_id": "quarters",
        "at": samples.now,
        "decision": "skipped",
        "reason": "paused",
        "text": TEXT,
        "evidence": {"paused_at": samples.now, "paused_by": "ann", "note": None},
        "execution_id": "e1",
    }
    return Explanation(**values | changed)


@pytest.fixture
def page(stage: Any, samples: Any) -> Any:
    """Asks for the schedule's page, and returns its HTML."""
    stage.scheduler.answers |= {
        ScheduleGet: samples.schedule(),
        TriggerPreview: PreviewAnswer(fire_times=(samples.now,), warnings=()),
        ScheduleExplain: explained(samples),
    }

    def get(query: str = "", status: int = 200) -> str:
        answer = stage.ask("GET", f"/schedules/quarters{query}")
        assert answer.status == status
        html: str = answer.body.decode()
        return html

    return get


def asked(stage: Any) -> list[ScheduleExplain]:
    return [command for command in stage.scheduler.asked if isinstance(command, ScheduleExplain)]


def facts(html: str) -> dict[str, str]:
    """The evidence as the page lists it, without its markup."""
    shown = html[html.index('id="explanation"') :].partition("</dl>")[0]
    pairs = re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", shown, re.DOTALL)
    return {name: " ".join(re.sub("<[^>]+>", " ", value).split()) for name, value in pairs}


def test_an_instant_is_explained_with_its_decision_its_text_and_its_evidence(stage: Any, page: Any) -> None:
    html = page("?why=2026-11-23T06:00")

    assert asked(stage) == [ScheduleExplain(schedule_id="quarters", at="2026-11-23T06:00")]
    assert TEXT in html
    assert 'class="status status-skipped"' in html[html.index('id="explanation"') :]
    assert facts(html) == {
        "Reason": "paused",
        "Execution": "e1",
        "Paused at": SHOWN_SIX,
        "Paused by": "ann",
    }
    assert 'href="/executions/e1"' in html
    assert 'value="2026-11-23T06:00"' in html


def test_nothing_is_explained_before_somebody_asks(stage: Any, page: Any) -> None:
    for query in ("", "?why=", "?other=1"):
        html = page(query)

        assert 'name="why"' in html
        assert 'id="explanation"' not in html
    assert asked(stage) == []


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        ({"scheduler_down": [{"from": SIX, "to": SEVEN}]}, {"Scheduler down": f"from {SHOWN_SIX} to {SHOWN_SEVEN}"}),
        ({"offline": [{"from": SIX, "to": None}]}, {"Offline": f"since {SHOWN_SIX}"}),
        ({"offline": [{"from": None, "to": SIX}]}, {"Offline": f"until {SHOWN_SIX}"}),
        ({"offline": [{"from": None, "to": None}]}, {"Offline": "ever since"}),
        ({"offline": []}, {}),
        ({"late_by_seconds": 420.5}, {"Late by": "7 min"}),
        (
            {"waits_for": {"cause": "handler_paused", "from": SIX, "to": None, "by": "ann", "note": "oil"}},
            {"Waits for": f"handler paused since {SHOWN_SIX} by ann note oil"},
        ),
        (
            {"field": "hour", "value": 11, "wanted": "10,16", "previous": SIX, "next": None},
            {"Field": "hour", "Value": "11", "Wanted": "10,16", "Previous": SHOWN_SIX},
        ),
        (
            {"parts": [{"field": "triggers[0].hour", "value": 11}, {"field": "triggers[1].run_date", "value": SIX}]},
            {"Parts": f"field triggers[0].hour value 11 field triggers[1].run_date value {SHOWN_SIX}"},
        ),
        ({"value": "second_pass Z"}, {"Value": "second_pass Z"}),
    ],
)
def test_evidence_is_shown_in_words_with_times_as_everywhere(
    stage: Any, samples: Any, page: Any, evidence: dict[str, Any], shown: dict[str, str]
) -> None:
    stage.scheduler.answers[ScheduleExplain] = explained(samples, reason=None, execution_id=None, evidence=evidence)

    assert facts(page("?why=now")) == shown


@pytest.mark.parametrize("decision", ["not_due", "upcoming", "unknown"])
def test_what_is_no_status_of_an_execution_has_a_shape_and_a_word_too(
    stage: Any, samples: Any, page: Any, decision: str
) -> None:
    stage.scheduler.answers[ScheduleExplain] = explained(samples, decision=decision, reason=None)

    html = page("?why=now")

    assert f'id="mark-{decision}"' in html
    assert f'href="#mark-{decision}"' in html
    assert f"</svg>{decision.replace('_', ' ')}</span>" in html


def test_the_instants_before_and_after_lead_to_their_own_explanation(stage: Any, samples: Any, page: Any) -> None:
    stage.scheduler.answers[ScheduleExplain] = explained(
        samples, decision="not_due", reason="not_due", evidence={"previous": samples.now, "next": None}
    )

    html = page("?why=2026-11-23T06:07")

    assert f'href="{AT_SIX}"' in html[html.index('id="explanation"') :]


def test_hostile_text_is_shown_and_never_run(stage: Any, samples: Any, page: Any) -> None:
    evidence = {HOSTILE: HOSTILE, "offline": [{HOSTILE: HOSTILE}], "running_execution_id": HOSTILE}
    stage.scheduler.answers[ScheduleExplain] = explained(
        samples, text=HOSTILE, reason=HOSTILE, execution_id=HOSTILE, evidence=evidence
    )

    html = page(f"?why={HOSTILE.replace('<', '%3C').replace('>', '%3E')}")

    assert "alert(" in html
    assert "<script>" not in html


def test_a_time_that_is_none_is_told_at_its_field_and_is_kept(stage: Any, page: Any) -> None:
    stage.scheduler.answers[ScheduleExplain] = Problem(
        code=Code.INVALID_VALUE,
        message="at: 'someday' is not an ISO 8601 time",
        details=invalid_value("at", "'someday' is not an ISO 8601 time").problem.details,
    )

    html = page("?why=someday", status=422)

    assert re.search(r'<p class="fault" id="field-why-error">.*is not an ISO 8601 time</p>', html)
    assert 'value="someday"' in html
    assert 'aria-invalid="true"' in html
    assert "quarter_bells" in html, "the rest of the page is there"


def test_the_page_says_so_while_nobody_can_explain(stage: Any, page: Any) -> None:
    stage.scheduler.answers[ScheduleExplain] = Problem(code=Code.UNAVAILABLE, message="the store is away")

    assert "the store is away" in page("?why=now", status=503)


@pytest.mark.parametrize(("zone", "said"), [("Europe/Berlin", "in Europe/Berlin"), (None, "the schedule")])
def test_the_field_says_in_which_zone_a_time_is_meant(
    stage: Any, samples: Any, page: Any, zone: str | None, said: str
) -> None:
    stage.scheduler.answers[ScheduleGet] = samples.schedule(trigger_config=CronTrigger(hour=1, timezone=zone))

    hint = re.search('id="field-why-hint">(.*?)</p>', page())

    assert hint is not None
    assert said in hint[1]


# -- what leads there -------------------------------------------------------------------------------------------------


def test_fire_times_and_executions_lead_to_their_explanation(stage: Any, samples: Any, page: Any) -> None:
    later = samples.now + timedelta(minutes=15, microseconds=1)
    by_hand = samples.execution(execution_id="e2", scheduled_for=None)
    records = (samples.execution(scheduled_for=later), by_hand)
    stage.scheduler.answers[ExecutionList] = ExecutionPage(records=records, count=2, limit=10, next_cursor=None)

    html = page()

    leading = re.findall(r'href="(/schedules/quarters\?why=[^"]*)"', html)
    assert leading == ["/schedules/quarters?why=2026-11-23T06:15:00.000001Z#why", AT_SIX]


def test_a_preview_of_what_is_not_saved_leads_nowhere(stage: Any, page: Any) -> None:
    form = b"handler_id=h&method_name=m&trigger=interval&interval.minutes=1&do=preview"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    html = stage.ask("POST", "/schedule", raw=form, headers=headers).body.decode()

    assert "It would fire at" in html
    assert "why=" not in html


@pytest.mark.parametrize(
    ("changed", "question"),
    [
        ({"status": Status.SKIPPED, "reason": Reason.OVERLAP, "lateness_ms": None}, "Why was it skipped?"),
        ({"lateness_ms": 1_500.0}, "Why was it late?"),
        ({"status": Status.PENDING, "lateness_ms": None}, "What does it wait for?"),
        ({"status": Status.RETRYING}, "What does it wait for?"),
        ({"lateness_ms": 12.0}, None),
        ({"status": Status.SKIPPED, "reason": Reason.EXPIRED, "scheduled_for": None}, None),
        ({"lateness_ms": 1_500.0, "schedule_id": None}, None),
    ],
)
def test_an_execution_that_was_skipped_waits_or_was_late_leads_to_why(
    stage: Any, samples: Any, changed: dict[str, Any], question: str | None
) -> None:
    record = samples.execution(**{"schedule_id": "quarters", **changed})
    stage.scheduler.answers |= {
        ExecutionGet: ExecutionDetail(**asdict(record), attempts=()),
        ExecutionLogs: LogPage(lines=(), count=0, next_after=0),
    }

    html = stage.ask("GET", "/executions/e1").body.decode()

    assert re.findall(r'<a class="button" id="why" href="([^"]*)">([^<]*)</a>', html) == (
        [(AT_SIX, question)] if question else []
    )
