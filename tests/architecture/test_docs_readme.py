"""What the first page of the repository says is what there is: its links, calls, settings, metrics and figures."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.runtime.settings import FIELDS
from schedulezero.scheduler.core.triggers import preview
from schedulezero.web.api import ROUTES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text()
LONGEST_LINES = 340
A_DAY = 1_795_392_000_000_000  # 2026-11-23, in microseconds
NOT_SETTINGS = {"SCHEDULEZERO_CONFIG_PATH", "SCHEDULEZERO_DEPLOYMENT"}  # they choose where settings come from


def section(title: str) -> str:
    """The text below a heading, up to the next of its rank."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title}"
    return found[2]


def cells(text: str) -> list[list[str]]:
    """The cells of each row of a table, its heads left out."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def anchors(text: str) -> set[str]:
    """What headings are called in links."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_it_is_read_in_one_sitting() -> None:
    assert len(PAGE.splitlines()) <= LONGEST_LINES


LINKS = sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE)))


@pytest.mark.parametrize("link", [link for link in LINKS if not link.startswith("https://")])
def test_a_link_leads_to_what_is_there(link: str) -> None:
    place, _, anchor = link.partition("#")
    file = ROOT / (place or "README.md")

    assert file.exists()
    assert not anchor or anchor in anchors(file.read_text())


def test_it_says_how_far_it_can_be_trusted() -> None:
    status = " ".join(section("Status").split())

    for told in ("**Alpha.**", "Do not trust it with critical work yet", "pre-release", "no users and no keys"):
        assert told in status


def test_every_call_of_the_api_is_in_its_table_and_no_other() -> None:
    told = set()
    for row in cells(section("REST API")):
        first = ""
        for part in row[0].split(";"):
            methods = re.findall(r"\b(GET|POST|PATCH|DELETE)\b", part)
            for path in re.findall(r"(/api/[\w/{}.]+|…/\w+)", part):
                first = path if path.startswith("/api/") else first
                told |= {(method, path.replace("…", first)) for method in methods}

    assert told == {(route.method, route.path) for route in ROUTES}


def test_triggers_are_accepted_as_they_are_printed() -> None:
    (printed,) = re.findall(r"```json\n(.*?)```", section("REST API"), re.DOTALL)
    configs: list[dict[str, Any]] = json.loads(printed)

    for config in configs:
        trigger: TriggerConfig = msgspec.convert(config, type=TriggerConfig)
        assert preview(trigger, after=A_DAY, count=1, timezone="UTC").fire_times, config
    assert {config["type"] for config in configs} == {"date", "interval", "cron", "calendarinterval"}


def test_settings_have_the_defaults_that_it_tells() -> None:
    by_variable = {variable: field for field in FIELDS.values() for variable in field.variables}
    told = {row[0].strip("`"): row[1].strip("`") for row in cells(section("Settings"))}

    assert set(told) > NOT_SETTINGS
    for variable in set(told) - NOT_SETTINGS:
        default = by_variable[variable].default
        assert told[variable] == (default if isinstance(default, str) else json.dumps(default)), variable


def test_metrics_have_the_labels_that_the_page_of_metrics_tells() -> None:
    page = (ROOT / "docs_site/deployment/metrics-and-health.md").read_text()
    known = {row[0]: row[1].replace(", ", "; ") for row in cells(page) if row[0].startswith("`schedulezero_")}
    for names, labels in (row[:2] for row in cells(section("Metrics"))):
        told = [known[name] for name in names.split(", ")]
        assert "; ".join(told) == labels.replace(", ", "; "), names


def test_the_figures_of_apscheduler_are_those_of_the_decision() -> None:
    told = " ".join(section("What we use of APScheduler").split())
    decided = " ".join((ROOT / "docs_site/decisions/0001-own-loop-apscheduler-triggers.md").read_text().split())

    for figure in ("79 of 600", "99 of 200", "4.0.0a6"):
        assert figure in told
        assert figure in decided
    assert "105 to 132" in told
    assert "105 to 193" in decided
