"""Every page there is: where it is, how it answers, whose system it is looked at on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One page.

    Attributes:
        name: what tests call it.
        path: its path, given what has happened on the system.
        heading: its first-level heading.
        status: with which it answers.
        on: the system it is looked at on.
        island: the island that takes the place of its table where scripts run.
    """

    name: str
    path: Callable[[History], str]
    heading: str
    status: int = 200
    on: Literal["system", "fresh", "alone"] = "system"
    island: str = ""

    def __str__(self) -> str:
        return self.name


def _fixed(path: str) -> Callable[[History], str]:
    return lambda _: path


def _every() -> Iterator[Place]:
    yield Place(name="dash", path=_fixed("/dash"), heading="Dashboard")
    yield Place(name="schedules", path=_fixed("/schedules"), heading="Schedules", island="schedule-grid")
    yield Place(
        name="schedules, none found",
        path=_fixed("/schedules?q=nowhere"),
        heading="Schedules",
        island="schedule-grid",
    )
    yield Place(
        name="schedules, wrong filter", path=_fixed("/schedules?paused=perhaps"), heading="Schedules", status=422
    )
    yield Place(name="schedule, new", path=_fixed("/schedule"), heading="New schedule")
    yield Place(
        name="schedule, edited", path=lambda seen: f"/schedules/{seen.schedule}/edit", heading="Edit Yearly report"
    )
    yield Place(name="schedule", path=lambda seen: f"/schedules/{seen.schedule}", heading="Yearly report")
    yield Place(
        name="schedule, explained",
        path=lambda seen: f"/schedules/{seen.schedule}?why=2030-12-24T18:30",
        heading="Yearly report",
    )
    yield Place(
        name="schedule, wrong instant",
        path=lambda seen: f"/schedules/{seen.schedule}?why=soon",
        heading="Yearly report",
        status=422,
    )
    yield Place(name="schedule, paused", path=lambda seen: f"/schedules/{seen.paused}", heading="sleeping-one")
    yield Place(
        name="schedule, deleted",
        path=lambda seen: f"/schedules/{seen.schedule}/delete",
        heading="Delete Yearly report?",
    )
    yield Place(name="handlers", path=_fixed("/handlers"), heading="Handlers", island="handler-grid")
    yield Place(
        name="handlers, none found", path=_fixed("/handlers?q=nowhere"), heading="Handlers", island="handler-grid"
    )
    yield Place(name="handlers, wrong order", path=_fixed("/handlers?sort=luck"), heading="Handlers", status=422)
    yield Place(name="handler", path=_fixed("/handlers/work"), heading="work")
    yield Place(name="executions", path=_fixed("/executions"), heading="Executions", island="execution-log-grid")
    yield Place(
        name="executions, wrong filter", path=_fixed("/executions?since=soon"), heading="Executions", status=422
    )
    yield Place(name="success", path=lambda seen: f"/executions/{seen.succeeded}", heading="echo")
    yield Place(name="failure", path=lambda seen: f"/executions/{seen.failed}", heading="fail_times")
    yield Place(name="waiting", path=lambda seen: f"/executions/{seen.waiting}", heading="noop")
    yield Place(name="skipped", path=lambda seen: f"/executions/{seen.skipped}", heading="noop")
    yield Place(name="nowhere", path=_fixed("/nowhere"), heading="Not found", status=404)
    yield Place(name="no such schedule", path=_fixed("/schedules/none"), heading="Schedule not found", status=404)
    yield Place(name="dash, services away", path=_fixed("/dash"), heading="Dashboard", on="alone")
    for name, heading in (
        ("dash", "Dashboard"),
        ("schedules", "Schedules"),
        ("handlers", "Handlers"),
        ("executions", "Executions"),
        ("docs", "Documentation"),
    ):
        yield Place(name=f"{name}, first day", path=_fixed(f"/{name}"), heading=heading, on="fresh")


PLACES = tuple(_every())
"""The pages that are ours."""

DOCS = (
    Place(name="docs", path=_fixed("/docs"), heading="ScheduleZero"),
    Place(name="docs, a page", path=_fixed("/docs/concepts/triggers/"), heading="Triggers"),
    Place(name="docs, a page by itself", path=_fixed("/docs-content/concepts/triggers/"), heading="Triggers"),
)
"""The pages that the documentation's theme makes, within ours and by themselves."""
