"""What the shared system has lived through before anybody looks at it."""

from dataclasses import dataclass

from schedulezero.testkit.api import Api
from schedulezero.testkit.deployment import Deployment

SELDOM = {"type": "cron", "month": 1, "day": 1, "timezone": "Europe/Berlin"}
"""A trigger that does not disturb."""

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    '"><svg/onload=alert(3)>',
    "{{7*7}}${alert(4)}",
)
"""Texts that run as programs where a page does not escape them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is there, by its id."""

    schedule: str
    paused: str
    succeeded: str
    failed: str
    waiting: str
    skipped: str
    hostile_schedule: str
    hostile_success: str
    hostile_failure: str


def lived_in(system: Deployment) -> History:
    """Create schedules and run jobs of each kind; return once all have ended."""
    api = system.api
    return History(
        schedule=api.schedule(
            "work",
            "echo",
            SELDOM,
            {"input_file": "orders.csv", "rows": 12_000},
            schedule_id="yearly-report",
            name="Yearly report",
            description="Closes the year.\nRun by hand when the auditors call.",
            owner="finance",
            runbook_url="https://wiki.example.com/yearly-report",
            tags=["finance", "yearly"],
            priority=7,
        ),
        paused=_paused(api),
        succeeded=_run(api, "echo", {"message": "done", "rows": 3}, tags=["finance"]),
        failed=_run(api, "fail_times", {"times": 9}, retry={"max_attempts": 2, "base_seconds": 0.1}),
        waiting=_for_nobody(api),
        skipped=_for_nobody(api, expires_after_seconds=0),
        hostile_schedule=api.schedule(
            "work",
            "echo",
            SELDOM,
            {HOSTILE[0]: list(HOSTILE)},
            schedule_id="hostile",
            name=HOSTILE[0],
            description=" ".join(HOSTILE),
            owner=HOSTILE[1],
            runbook_url=f"javascript:alert(5)//{HOSTILE[2]}",
        ),
        hostile_success=_run(api, "echo", {"text": list(HOSTILE)}),
        hostile_failure=_run(api, "fail_for_good", {"why": " ".join(HOSTILE)}),
    )


def _paused(api: Api) -> str:
    id_ = api.schedule("work", "noop", SELDOM, schedule_id="sleeping-one", tags=["yearly"])
    api.do(f"/api/schedules/{id_}/pause", {"reason": HOSTILE[2]})
    return id_


def _for_nobody(api: Api, **options: object) -> str:
    """A run for a handler that has never come."""
    return str(api.run("absent", "noop", {"since": "ever"}, allow_offline=True, **options)["execution_id"])


def _run(api: Api, method: str, params: dict[str, object], **options: object) -> str:
    id_ = str(api.run("work", method, params, **options)["execution_id"])
    api.ended(id_)
    return id_
