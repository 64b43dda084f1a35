"""Every policy and every reason, past and future: what is explained of it, word for word.

The schedule fires at ten and at four o'clock in Berlin; the present is Thursday, 4 March 2027, noon, there.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from schedulezero.protocol.states import Reason, Status
from schedulezero.protocol.values import Failure, Pause, RetryPolicy, ScheduleRequest
from schedulezero.runtime.clock import to_datetime
from schedulezero.scheduler.core.explain import Facts, Presence, accounting_row, explain
from schedulezero.scheduler.core.model import SECOND, Attempt, Execution, Schedule, Spell, SpellKind
from schedulezero.scheduler.core.triggers import find_zone

BERLIN = find_zone("Europe/Berlin")
CRON = {"type": "cron", "hour": "10,16", "timezone": "Europe/Berlin"}
MINUTE = 60 * SECOND


def on(local: str) -> int:
    """Return the instant of a time in Berlin, such as `3-01 10:00` of 2027."""
    moment = datetime.fromisoformat(f"2027-{local}" if local[4] != "-" else local)
    return BERLIN.instant(moment)


NOW = on("03-04 12:00")
PAST = on("03-03 10:00")
TODAY = on("03-04 10:00")
FUTURE = on("03-04 16:00")


def schedule(**changed: Any) -> Schedule:
    options = {"trigger_config": CRON, "handler_id": "reports", "method_name": "build", **changed.pop("options", {})}
    fields: dict[str, Any] = {
        "id": "daily",
        "shard": 1,
        "generation": "g2",
        "version": 9,
        "request": msgspec.convert(options, ScheduleRequest, str_keys=True),
        "state": "active",
        "decided_through": on("03-04 10:00"),
        "created_at": on("02-01 08:30"),
        "updated_at": on("02-01 08:30"),
        "last_fire": on("03-04 10:00"),
        "runs": 5,
    }
    return Schedule(**fields | changed)


def execution(status: str, at: int = PAST, **changed: Any) -> Execution:
    fields: dict[str, Any] = {
        "id": "e1",
        "shard": 1,
        "handler_id": "reports",
        "method_name": "build",
        "params": "{}",
        "status": Status(status),
        "priority": 5,
        "created_at": at,
        "ready_at": at,
        "retry": RetryPolicy(),
        "schedule_id": "daily",
        "generation": "g2",
        "fire_time": at,
        **_of_status(status, at),
    }
    return Execution(**fields | changed)


def _of_status(status: str, at: int) -> dict[str, Any]:
    if status == "pending":
        return {}
    if status == "skipped":
        return {"completed_at": at}
    ran = {"attempt": 1, "claim": 1, "instance_id": "reports-1", "boot_id": "b", "started_at": at}
    return ran if status in ("running", "retrying") else {**ran, "completed_at": at + 5 * SECOND}


def skipped(reason: str, at: int = PAST, **changed: Any) -> Execution:
    return execution("skipped", at, reason=Reason(reason), **changed)


def spell(kind: SpellKind, began: str, ended: str | None = None, **told: Any) -> Spell:
    subject = "reports" if kind.startswith("handler") else "daily" if kind in ("schedule_pause", "quarantine") else ""
    return Spell(kind=kind, subject=subject, began=on(began), ended=on(ended) if ended else None, **told)


def paused(began: str) -> Pause:
    return Pause(reason="stocktaking", paused_by="ann", paused_at=to_datetime(on(began)))


BY_ANN: dict[str, Any] = {"actor": "ann", "note": "stocktaking"}
DOWN = (spell("scheduler_up", "03-01 08:00", "03-03 09:58"), spell("scheduler_up", "03-03 10:07", "03-04 12:00"))
OFFLINE = spell("handler_offline", "03-03 09:50", "03-03 10:04")
OFFLINE_NOW = spell("handler_offline", "03-04 11:00")
READY = Presence(online=1, ready=1, running=2, capacity=16)


class Case(NamedTuple):
    """What there is, what is asked, and what is answered; the text is under the case's name in `explained.md`."""

    name: str
    at: int
    decision: str
    reason: str | None
    evidence: str
    rows: Sequence[Execution] = ()
    schedule: Schedule | None = schedule()
    spells: Sequence[Spell] = ()
    other: Execution | None = None
    attempts: Sequence[Attempt] = ()
    presence: Presence | None = READY
    seen: bool = True
    now: int = NOW

    def facts(self) -> Facts:
        earlier = [row for row in self.rows if row.fire_time is not None and row.fire_time <= self.at]
        later = [row for row in self.rows if row.fire_time is not None and row.fire_time > self.at]
        before, after = next(iter(earlier[-1:]), None), next(iter(later), None)
        return Facts(
            schedule_id="daily",
            zone=BERLIN,
            schedule=self.schedule,
            row=accounting_row(before, after, self.at),
            earlier=before,
            later=after,
            attempts=tuple(self.attempts),
            other=self.other,
            spells={kind: tuple(s for s in self.spells if s.kind == kind) for kind in {s.kind for s in self.spells}},
            seen=self.seen,
            presence=self.presence,
        )


RUN = "attempts late_by_seconds waited_for"
WAITS = "attempts waits_for"
OF_SKIP = {
    "overlap": "running_execution_id started_at ended_at",
    "misfire": "scheduler_down late_by_seconds",
    "paused": "paused_at paused_by note scope resumed_at",
    "expired": "expires_at offline waited_for",
    "no_handler": "offline",
    "quarantined": "error since until",
}
OF_REASON = {
    "overlap": "running_execution_id started_at",
    "paused": "paused_at paused_by note scope",
    "everything_paused": "paused_at paused_by note scope",
    "handler_paused": "paused_at paused_by note scope",
    "no_handler": "offline",
    "quarantined": "error since",
}
NOT_DUE = "field value previous next"
UPCOMING = "due_at in_seconds against"

FAILED = Failure(type="ValueError", message="no such file")
LATE = {"created_at": PAST + 7 * MINUTE, "started_at": PAST + 7 * MINUTE, "completed_at": PAST + 8 * MINUTE}
WAITED = {"started_at": PAST + 4 * MINUTE, "completed_at": PAST + 5 * MINUTE}
EARLIER_RUN = execution("success", on("03-02 16:00"), id="e0", completed_at=on("03-03 10:03"))
PENDING = execution("pending", TODAY)
STILL_RUNNING = execution("running", on("03-02 16:00"), id="e0")
BROKEN = "ZoneInfoNotFoundError: the zone is gone"
QUARANTINED = {"state": "quarantined", "error": BROKEN, "decided_through": on("03-02 16:00")}
ON_HOLD = {"state": "paused", "pause": paused("03-03 08:00"), "decided_through": on("03-02 16:00")}


def an_attempt(status: Any, at: int, number: int = 1) -> Attempt:
    return Attempt(
        execution_id="e1",
        attempt=number,
        claim=number,
        instance_id="reports-1",
        started_at=at,
        completed_at=at + SECOND,
        status=status,
        error=FAILED,
    )


def overlap(policy: str) -> Schedule:
    return schedule(options={"overlap": policy})


def catch_up(policy: str) -> Schedule:
    return schedule(options={"catch_up": policy})


def fires(trigger: dict[str, Any], **changed: Any) -> Schedule:
    return schedule(options={"trigger_config": {"timezone": "Europe/Berlin", **trigger}}, **changed)


def with_options(**options: Any) -> Schedule:
    return schedule(options=options)


# -- the answers, by what their evidence is like ---------------------------------------------------------------------


def ran(name: str, at: int = PAST, decision: str = "success", **facts: Any) -> Case:
    return Case(name, at, decision, None, RUN, **facts)


def waits(name: str, decision: str, reason: str, **facts: Any) -> Case:
    return Case(name, TODAY, decision, reason, f"{WAITS} {OF_REASON.get(reason, '')}", **facts)


def skip(name: str, reason: str, **facts: Any) -> Case:
    return Case(name, PAST, "skipped", reason, OF_SKIP[reason], **facts)


def not_due(name: str, at: int, **facts: Any) -> Case:
    return Case(name, at, "not_due", "not_due", NOT_DUE, **facts)


def upcoming(name: str, at: int = FUTURE, reason: str | None = None, **facts: Any) -> Case:
    return Case(name, at, "upcoming", reason, f"{UPCOMING} {OF_REASON.get(reason or '', '')}", **facts)


CASES = (
    # -- success, by what it began late for
    ran("on time", rows=[execution("success")]),
    ran("late: scheduler was down", rows=[execution("success", **LATE)], spells=DOWN),
    ran("late: scheduler was behind", rows=[execution("success", **LATE)]),
    ran("late: no handler", rows=[execution("success", **WAITED)], spells=[OFFLINE]),
    ran(
        "late: handler paused",
        rows=[execution("success", **WAITED)],
        spells=[spell("handler_pause", "03-03 09:00", "03-03 10:04", **BY_ANN)],
    ),
    ran(
        "late: everything paused",
        rows=[execution("success", **WAITED)],
        spells=[spell("system_pause", "03-03 10:00:01", "03-03 10:04", actor="ann")],
    ),
    ran("late: every slot taken", rows=[execution("success", **WAITED)]),
    ran(
        "late: one after another",
        rows=[execution("success", serial=True, **WAITED)],
        schedule=overlap("queue_all"),
        other=EARLIER_RUN,
    ),
    ran(
        "late: jitter",
        rows=[
            execution(
                "success", created_at=PAST + 18 * SECOND, started_at=PAST + 18 * SECOND, completed_at=PAST + 20 * SECOND
            )
        ],
        schedule=with_options(jitter_seconds=60),
    ),
    ran(
        "missed, and one run stands for all",
        at=on("03-02 16:00"),
        rows=[execution("success", covers_from=on("03-02 10:00"), covers_to=PAST, covers_count=3, **LATE)],
        spells=[
            spell("scheduler_up", "03-01 08:00", "03-02 09:00"),
            spell("scheduler_up", "03-03 10:07", "03-04 12:00"),
        ],
    ),
    ran(
        "in the third attempt",
        rows=[execution("success", attempt=3, completed_at=PAST + 20 * SECOND, started_at=PAST + 15 * SECOND)],
        attempts=[an_attempt("error", PAST), an_attempt("lost", PAST + 5 * SECOND, 2)],
    ),
    ran(
        "overlap allow: it ran beside another",
        rows=[execution("success")],
        schedule=overlap("allow"),
        other=STILL_RUNNING,
    ),
    # -- other ends
    ran("error", decision="error", rows=[execution("error", attempt=3, error=FAILED)]),
    ran("error without a reason", decision="error", rows=[execution("error", retry=RetryPolicy(max_attempts=1))]),
    ran("timeout", decision="timeout", rows=[execution("timeout", timeout_seconds=5, attempt=3)]),
    ran("timeout of its method", decision="timeout", rows=[execution("timeout", attempt=3)]),
    ran("cancelled by hand while it ran", decision="cancelled", rows=[execution("cancelled")]),
    ran(
        "cancelled by hand before it began",
        decision="cancelled",
        rows=[execution("cancelled", started_at=None, attempt=0)],
    ),
    ran(
        "cancelled by the policy",
        decision="cancelled",
        rows=[execution("cancelled")],
        schedule=overlap("cancel_running"),
    ),
    ran("running", at=TODAY, decision="running", rows=[execution("running", TODAY)]),
    ran(
        "running, asked to stop",
        at=TODAY,
        decision="running",
        rows=[execution("running", TODAY, cancel_requested=True)],
    ),
    # -- waiting
    waits("pending: no handler", "pending", "no_handler", rows=[PENDING], spells=[OFFLINE_NOW], presence=Presence()),
    waits("pending: handler never seen", "pending", "no_handler", rows=[PENDING], seen=False, presence=Presence()),
    waits("pending: handler drains", "pending", "no_handler", rows=[PENDING], presence=Presence(online=1)),
    waits("pending: no such method", "pending", "no_method", rows=[PENDING], presence=Presence(online=1, refusing=1)),
    waits(
        "pending: handler paused",
        "pending",
        "handler_paused",
        rows=[PENDING],
        spells=[spell("handler_pause", "03-04 09:00", **BY_ANN)],
    ),
    waits(
        "pending: everything paused",
        "pending",
        "everything_paused",
        rows=[PENDING],
        spells=[spell("system_pause", "03-04 10:01", **BY_ANN)],
    ),
    waits(
        "pending: every slot taken",
        "pending",
        "no_slot",
        rows=[PENDING],
        presence=Presence(online=1, ready=1, running=16, capacity=16),
    ),
    waits(
        "pending: its turn",
        "pending",
        "overlap",
        rows=[execution("pending", TODAY, serial=True)],
        schedule=overlap("queue_all"),
        other=STILL_RUNNING,
    ),
    waits("retrying: its time", "retrying", "retry", rows=[execution("retrying", TODAY, ready_at=NOW + MINUTE)]),
    waits(
        "retrying: no handler",
        "retrying",
        "no_handler",
        rows=[execution("retrying", TODAY)],
        spells=[OFFLINE_NOW],
        presence=Presence(),
    ),
    # -- skipped
    skip("overlap: skip", "overlap", rows=[skipped("overlap")], schedule=overlap("skip"), other=EARLIER_RUN),
    skip("overlap: the other still runs", "overlap", rows=[skipped("overlap")], other=STILL_RUNNING),
    skip(
        "overlap: the other still waits",
        "overlap",
        rows=[skipped("overlap")],
        other=execution("pending", on("03-02 16:00"), id="e0"),
    ),
    skip("overlap: queue_one", "overlap", rows=[skipped("overlap")], schedule=overlap("queue_one"), other=EARLIER_RUN),
    skip("overlap: the other is not stored any more", "overlap", rows=[skipped("overlap")]),
    skip(
        "misfire: catch_up skip",
        "misfire",
        rows=[skipped("misfire", created_at=PAST + 7 * MINUTE)],
        schedule=catch_up("skip"),
        spells=DOWN,
    ),
    skip(
        "misfire: catch_up all",
        "misfire",
        rows=[skipped("misfire", created_at=PAST + 7 * MINUTE)],
        schedule=catch_up("all"),
        spells=DOWN,
    ),
    skip(
        "misfire: the clock was put ahead",
        "misfire",
        rows=[skipped("misfire", created_at=PAST + 7 * MINUTE)],
        schedule=catch_up("skip"),
        spells=(DOWN[0], spell("scheduler_up", "03-03 10:07", "03-04 12:00", note="its clock was put ahead")),
    ),
    skip(
        "misfire: no time down is known",
        "misfire",
        rows=[skipped("misfire", created_at=PAST + 7 * MINUTE)],
        schedule=catch_up("skip"),
    ),
    skip(
        "misfire: of an earlier generation",
        "misfire",
        rows=[skipped("misfire", created_at=PAST + 7 * MINUTE, generation="g1")],
        spells=DOWN,
    ),
    skip(
        "paused: the schedule",
        "paused",
        rows=[skipped("paused")],
        spells=[spell("schedule_pause", "03-03 08:00", "03-03 11:00", **BY_ANN)],
    ),
    skip(
        "paused: everything",
        "paused",
        rows=[skipped("paused", completed_at=on("03-03 11:00"))],
        spells=[spell("system_pause", "03-03 08:00", "03-03 11:00", actor="ann")],
    ),
    skip(
        "paused: within the range of a row",
        "paused",
        rows=[
            skipped(
                "paused",
                on("03-02 16:00"),
                covers_from=on("03-02 16:00"),
                covers_to=on("03-03 16:00"),
                covers_count=3,
                completed_at=on("03-03 17:00"),
            )
        ],
        spells=[
            spell("schedule_pause", "03-02 15:00", "03-02 18:00", actor="bob"),
            spell("schedule_pause", "03-03 08:00", "03-03 17:00", **BY_ANN),
        ],
    ),
    skip("paused: when is not known", "paused", rows=[skipped("paused")]),
    skip(
        "paused: no row yet",
        "paused",
        schedule=schedule(**ON_HOLD),
        spells=[spell("schedule_pause", "03-03 08:00", **BY_ANN)],
    ),
    skip(
        "paused: everything, no row yet",
        "paused",
        schedule=schedule(decided_through=on("03-02 16:00")),
        spells=[spell("system_pause", "03-03 08:00", **BY_ANN)],
    ),
    skip(
        "expired: no handler",
        "expired",
        rows=[skipped("expired", completed_at=PAST + 3 * MINUTE, expires_at=PAST + 3 * MINUTE)],
        spells=[OFFLINE],
    ),
    skip(
        "expired: handler paused",
        "expired",
        rows=[skipped("expired", completed_at=PAST + 3 * MINUTE, expires_at=PAST + 3 * MINUTE)],
        spells=[spell("handler_pause", "03-03 09:00", **BY_ANN)],
    ),
    skip(
        "expired: every slot taken",
        "expired",
        rows=[skipped("expired", completed_at=PAST + 3 * MINUTE, expires_at=PAST + 3 * MINUTE)],
    ),
    skip(
        "expired: within a second",
        "expired",
        rows=[skipped("expired", completed_at=PAST + SECOND // 2, expires_at=PAST + SECOND // 2)],
    ),
    skip("no_handler", "no_handler", rows=[skipped("no_handler")], spells=[OFFLINE]),
    skip(
        "no_handler: still offline",
        "no_handler",
        rows=[skipped("no_handler")],
        spells=[spell("handler_offline", "03-03 09:50")],
    ),
    skip("no_handler: never seen", "no_handler", rows=[skipped("no_handler")], seen=False),
    skip(
        "quarantined",
        "quarantined",
        rows=[skipped("quarantined", completed_at=on("03-03 11:00"))],
        spells=[spell("quarantine", "03-02 16:00", "03-03 11:00", note=BROKEN)],
    ),
    skip("quarantined: when is not known", "quarantined", rows=[skipped("quarantined")]),
    skip(
        "quarantined: no row yet",
        "quarantined",
        schedule=schedule(**QUARANTINED),
        spells=[spell("quarantine", "03-02 16:00", note=BROKEN)],
    ),
    # -- not due
    not_due("cron: hour", on("03-03 11:00")),
    not_due("cron: minute", on("03-03 10:30")),
    not_due("cron: second", on("03-03 10:00:05")),
    not_due("cron: fraction of a second", PAST + 250_000),
    not_due(
        "cron: day of the week, before the hour",
        on("03-06 11:00"),
        schedule=fires({"type": "cron", "expression": "0 10 * * mon-fri"}),
    ),
    not_due(
        "cron: day of the month", on("03-03 10:00"), schedule=fires({"type": "cron", "day": "last,1st mon", "hour": 10})
    ),
    not_due(
        "cron: neither kind of day",
        on("03-03 10:00"),
        schedule=fires({"type": "cron", "expression": "0 10 1,15 * mon"}),
    ),
    not_due(
        "cron: month", on("03-03 10:00"), schedule=fires({"type": "cron", "month": "jun-aug", "day": 3, "hour": 10})
    ),
    not_due(
        "cron: week",
        on("03-03 10:00"),
        schedule=fires({"type": "cron", "week": "10,20", "day_of_week": "wed", "hour": 10}),
    ),
    not_due(
        "cron: day of the week, by its position",
        on("03-03 10:00"),
        schedule=fires({"type": "cron", "day_of_week": "fri#2,tue,sunL", "hour": 10}),
    ),
    not_due("cron: year", on("03-03 10:00"), schedule=fires({"type": "cron", "year": "2030", "hour": 10})),
    not_due(
        "cron: the second pass of an overlap",
        on("2026-10-25 02:30") + 60 * MINUTE,
        schedule=fires({"type": "cron", "hour": 2, "minute": 30}, created_at=on("2026-10-01 00:00")),
    ),
    not_due(
        "cron: before start_time",
        on("03-03 10:00"),
        schedule=fires({"type": "cron", "hour": 10, "start_time": "2027-03-10"}),
    ),
    not_due(
        "cron: after end_time",
        on("03-03 10:00"),
        schedule=fires({"type": "cron", "hour": 10, "end_time": "2027-03-01"}),
    ),
    not_due(
        "interval",
        on("03-03 10:07"),
        schedule=fires({"type": "interval", "minutes": 30, "start_time": "2027-03-01T00:00"}),
    ),
    not_due(
        "interval: before its start",
        on("03-03 10:07"),
        schedule=fires({"type": "interval", "hours": 36, "start_time": "2027-03-04T00:00"}),
    ),
    not_due(
        "calendar: the date",
        on("03-03 10:00"),
        schedule=fires({"type": "calendarinterval", "weeks": 2, "hour": 10, "start_date": "2027-02-24"}),
    ),
    not_due(
        "calendar: the time of day",
        on("03-10 11:00"),
        schedule=fires({"type": "calendarinterval", "weeks": 2, "hour": 10, "start_date": "2027-02-24"}),
    ),
    not_due(
        "calendar: before its start",
        on("03-03 10:00"),
        schedule=fires({"type": "calendarinterval", "months": 1, "days": 1, "hour": 10, "start_date": "2027-04-01"}),
    ),
    not_due(
        "calendar: after its end",
        on("03-03 10:00"),
        schedule=fires(
            {"type": "calendarinterval", "days": 1, "hour": 10, "start_date": "2027-02-01", "end_date": "2027-03-01"}
        ),
    ),
    not_due("date: over", on("03-03 10:00"), schedule=fires({"type": "date", "run_date": "2027-03-01T10:00"})),
    not_due(
        "and: which part",
        on("03-03 10:00"),
        schedule=fires(
            {
                "type": "and",
                "triggers": [
                    {"type": "cron", "hour": 10, "timezone": "Europe/Berlin"},
                    {"type": "cron", "day_of_week": "mon", "hour": 10, "timezone": "Europe/Berlin"},
                ],
            }
        ),
    ),
    not_due(
        "or: none of the parts",
        on("03-03 11:00"),
        schedule=fires(
            {
                "type": "or",
                "triggers": [
                    {"type": "cron", "hour": 10, "timezone": "Europe/Berlin"},
                    {"type": "date", "run_date": "2027-03-01T10:00", "timezone": "Europe/Berlin"},
                ],
            }
        ),
    ),
    not_due("before start_at", on("03-03 10:00"), schedule=with_options(start_at="2027-03-10T00:00:00+01:00")),
    not_due("after end_at, past", on("03-03 10:00"), schedule=with_options(end_at="2027-03-01T00:00:00+01:00")),
    not_due("after end_at, future", on("03-08 10:00"), schedule=with_options(end_at="2027-03-05T00:00:00+01:00")),
    not_due(
        "out of runs, past",
        TODAY,
        schedule=schedule(options={"max_runs": 5}, state="finished", decided_through=PAST, last_fire=PAST),
    ),
    not_due("out of runs, future", on("03-06 10:00"), schedule=schedule(options={"max_runs": 7})),
    not_due("before it was created", on("01-10 10:00")),
    not_due("before its times were changed", PAST, schedule=schedule(times_since=on("03-04 09:00"))),
    not_due(
        "within a range, but not one of its instants",
        on("03-03 11:00"),
        rows=[
            skipped(
                "paused", on("03-02 16:00"), covers_from=on("03-02 16:00"), covers_to=on("03-03 16:00"), covers_count=3
            )
        ],
    ),
    not_due(
        "a deleted schedule, not recorded",
        on("03-03 11:00"),
        rows=[execution("success"), execution("success", on("03-03 16:00"), id="e2")],
        schedule=None,
    ),
    ran("a deleted schedule, recorded", rows=[execution("success")], schedule=None),
    skip(
        "a deleted schedule that was paused",
        "paused",
        rows=[skipped("paused")],
        schedule=None,
        spells=[spell("schedule_pause", "03-03 08:00", "03-03 11:00", **BY_ANN)],
    ),
    Case(name="a row that was removed", at=PAST, decision="unknown", reason="removed", evidence="decided_through"),
    # -- clock changes
    ran(
        "a local time that did not exist",
        at=on("03-28 02:30"),
        rows=[execution("success", on("03-28 02:30"))],
        schedule=fires({"type": "cron", "hour": 2, "minute": 30}, decided_through=on("03-29 02:30")),
        now=on("03-29 12:00"),
    ),
    upcoming(
        "a local time that will occur twice",
        at=on("10-31 02:30"),
        schedule=fires({"type": "cron", "hour": 2, "minute": 30}),
    ),
    # -- upcoming
    upcoming("upcoming"),
    upcoming("upcoming: jitter", schedule=with_options(jitter_seconds=60)),
    upcoming("upcoming: in this moment", at=on("03-04 16:00"), now=on("03-04 16:00")),
    upcoming(
        "upcoming: the schedule is paused",
        reason="paused",
        schedule=schedule(**ON_HOLD),
        spells=[spell("schedule_pause", "03-03 08:00", **BY_ANN)],
    ),
    upcoming(
        "upcoming: everything is paused",
        reason="everything_paused",
        spells=[spell("system_pause", "03-03 08:00", actor="ann")],
    ),
    upcoming(
        "upcoming: quarantined",
        reason="quarantined",
        schedule=schedule(**QUARANTINED),
        spells=[spell("quarantine", "03-02 16:00", note=BROKEN)],
    ),
    upcoming(
        "upcoming: the handler is paused",
        reason="handler_paused",
        schedule=with_options(expires_after_seconds=60),
        spells=[spell("handler_pause", "03-03 08:00", **BY_ANN)],
    ),
    upcoming("upcoming: no handler, it will wait", reason="no_handler", spells=[OFFLINE_NOW]),
    upcoming(
        "upcoming: no handler, it will be skipped",
        reason="no_handler",
        schedule=with_options(expires_after_seconds=0),
        spells=[OFFLINE_NOW],
    ),
    upcoming("upcoming: handler never seen", reason="no_handler", seen=False),
    upcoming(
        "upcoming: several things at once",
        reason="everything_paused",
        spells=[spell("system_pause", "03-03 08:00", actor="ann"), OFFLINE_NOW],
    ),
)

TEXTS = dict(re.findall(r"^## (.+)\n\n(.+)$", (Path(__file__).parent / "explained.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_explained_and_how(case: Case) -> None:
    explained = explain(case.facts(), case.at, case.now)

    assert (explained.decision, explained.reason) == (case.decision, case.reason)
    assert set(explained.evidence) - {"wanted", "parts"} == set(case.evidence.split())
    assert explained.text == TEXTS[case.name]
    assert msgspec.json.decode(msgspec.json.encode(explained))["at"].endswith("Z")


def test_every_text_is_of_a_case() -> None:
    assert list(TEXTS) == [case.name for case in CASES]


def test_every_status_and_every_reason_is_in_the_table() -> None:
    assert {case.decision for case in CASES} == {*map(str, Status), "not_due", "upcoming", "unknown"}
    assert {str(reason) for reason in Reason} <= {case.reason for case in CASES}


PROMISED = {
    "paused": {"paused_at", "paused_by", "note"},
    "overlap": {"running_execution_id", "started_at"},
    "misfire": {"scheduler_down", "late_by_seconds"},
    "no_handler": {"offline"},
    "expired": {"expires_at"},
    "quarantined": {"error", "since"},
    "not_due": {"field", "value", "previous", "next"},
}


@pytest.mark.parametrize("reason", PROMISED)
def test_a_reason_has_its_evidence_whatever_the_decision(reason: str) -> None:
    explained = [explain(case.facts(), case.at, case.now) for case in CASES if case.reason == reason]

    assert explained
    assert [one.decision for one in explained if not PROMISED[reason] <= set(one.evidence)] == []


def test_the_pause_of_an_instant_to_come_is_told_as_that_of_one_that_was_skipped() -> None:
    pause = spell("schedule_pause", "03-03 08:00", **BY_ANN)
    on_hold = upcoming("", schedule=schedule(**ON_HOLD), spells=[pause])
    was_skipped = skip("", "paused", rows=[skipped("paused")], spells=[pause])

    coming, skip_ = (explain(case.facts(), case.at, case.now).evidence for case in (on_hold, was_skipped))

    assert coming["paused_at"] == to_datetime(pause.began)
    assert {name: coming[name] for name in PROMISED["paused"]} == {name: skip_[name] for name in PROMISED["paused"]}


@pytest.mark.parametrize(
    ("name", "offline"),
    [
        ("pending: no handler", [{"from": to_datetime(OFFLINE_NOW.began), "to": None}]),
        ("pending: handler never seen", [{"from": None, "to": None}]),
        ("pending: handler drains", []),
    ],
)
def test_a_handler_that_drains_is_not_said_to_be_offline(name: str, offline: list[dict[str, Any]]) -> None:
    (case,) = (case for case in CASES if case.name == name)

    assert explain(case.facts(), case.at, case.now).evidence["offline"] == offline


def test_every_policy_is_in_the_table() -> None:
    requests = [case.schedule.request for case in CASES if case.schedule is not None]

    assert {request.overlap for request in requests} == {"skip", "queue_one", "queue_all", "cancel_running", "allow"}
    assert {request.catch_up for request in requests} == {"latest", "all", "skip"}


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_names_the_zone_of_its_times_and_says_what_to_do(name: str) -> None:
    text = TEXTS[name]

    assert len(re.findall(r"[.] [A-Z]", text)) >= 1
    assert not re.search(r"[0-9]{2}:[0-9]{2}:[0-9]{2}", text) or "Europe/Berlin" in text
