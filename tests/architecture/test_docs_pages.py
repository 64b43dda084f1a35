"""What the pages say of settings, calls, options, triggers and metrics is what the code has."""

import inspect
import re
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import fields
from prometheus_client import CollectorRegistry

from schedulezero.client import AsyncClient, Client
from schedulezero.handler import Context, Handler
from schedulezero.handler.testing import Ran
from schedulezero.protocol.errors import HTTP_STATUS, Code
from schedulezero.protocol.states import HandlerStatus, Reason, Status
from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.protocol.values import RetryPolicy, RunRequest, ScheduleRequest
from schedulezero.runtime.metrics import HttpMetrics, LoopMetrics, RegistryMetrics, SchedulerMetrics, process_registry
from schedulezero.runtime.settings import FIELDS, SECTIONS
from schedulezero.runtime.settings.fields import Field
from schedulezero.scheduler.core.triggers import preview
from schedulezero.web.api import ROUTES

DOCS = Path(__file__).parents[2] / "docs_site"
UNTOLD = {Code.UNSUPPORTED_VERSION}  # never said over HTTP


def page(name: str) -> str:
    return (DOCS / name).read_text()


def section(text: str, title: str) -> str:
    """The text below a heading, up to the next of its rank."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title}"
    return found[2]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables, their heads included."""
    lines = (line for line in text.splitlines() if line.startswith("| ") and line.endswith(" |"))
    return [[cell.strip() for cell in line[1:-2].split(" |")] for line in lines]


def codes(text: str) -> list[str]:
    """What is written as code within the text."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def words(text: str) -> set[str]:
    """The names in it."""
    return set(re.findall(r"\w+", " ".join(codes(text))))


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


# -- settings -------------------------------------------------------------------------------------------------------


def setting_row(field: Field) -> str:
    default = msgspec.json.encode(field.default).decode().strip('[]"').replace('","', ",").removesuffix(".0")
    shown = f"`{default}`" if default not in ("", "null") else ""
    return f"| `{field.key}` | `{field.variable}` | {shown} | {field.setting.about} |"


def test_the_page_of_settings_has_each_in_its_section() -> None:
    text = page("deployment/settings.md")
    for name in ("", *SECTIONS):
        expected = [setting_row(field) for field in FIELDS.values() if field.key.rpartition(".")[0] == name]
        listed = re.findall(r"^\| `.*$", section(text, name.capitalize() or "General"), re.MULTILINE)

        assert listed == expected


@pytest.mark.parametrize("file", sorted(DOCS.rglob("*.md")), ids=lambda file: file.relative_to(DOCS).as_posix())
def test_every_variable_that_a_page_names_exists(file: Path) -> None:
    known = {name for field in FIELDS.values() for name in field.variables}
    choosers = {"SCHEDULEZERO_CONFIG_PATH", "SCHEDULEZERO_DEPLOYMENT", "SCHEDULEZERO_SECTION_FIELD"}

    assert set(re.findall(r"SCHEDULEZERO_[A-Z_]+[A-Z]", file.read_text())) <= known | choosers


# -- the REST API ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("area", sorted({route.area for route in ROUTES}))
def test_each_area_of_the_api_is_described_with_its_calls_and_their_fields(area: str) -> None:
    routes = [route for route in ROUTES if route.area == area]
    text = section(page("api/rest.md"), {"openapi": "OpenAPI"}.get(area, area.capitalize()))
    taken = {
        field.encode_name for route in routes for field in (*fields(route.query), *fields(route.body or msgspec.Struct))
    }

    calls = [cells for cells in rows(text) if re.match(r"`[A-Z]+ /", cells[0])]
    assert calls == [[f"`{route.method} {route.path}`", route.summary] for route in routes]
    assert taken - words(text) == set()


def test_each_error_code_is_told_with_its_status() -> None:
    told = {
        code: int(cells[1]) for cells in rows(section(page("api/rest.md"), "Errors"))[1:] for code in codes(cells[0])
    }

    assert told == {code: status for code, status in HTTP_STATUS.items() if code not in UNTOLD}


# -- policies and executions ----------------------------------------------------------------------------------------


def test_each_option_is_told_with_its_default_and_where_it_can_be_given() -> None:
    introduction = page("concepts/policies.md").partition("\n## ")[0]
    defaults = {field.name: field.default for field in fields(ScheduleRequest)}
    for name, default, *_ in (cells for cells in rows(introduction) if cells[0].startswith("`")):
        for option in codes(name):
            assert name.endswith("●") == (option in RunRequest.__struct_fields__)
            assert defaults[option] is None or option == "retry" or codes(default) == [shown(defaults[option])]

    elsewhere = {"handler_id", "method_name", "job_params", "trigger_config", "schedule_id", "paused"}
    assert set(defaults) - elsewhere - words(introduction) == set()


def test_the_retry_policy_is_told_with_its_defaults() -> None:
    told = {
        codes(cells[0])[0]: codes(cells[1])[0] for cells in rows(section(page("concepts/policies.md"), "Retries"))[1:]
    }

    assert told == {field.name: shown(field.default) for field in fields(RetryPolicy)}


@pytest.mark.parametrize(
    ("title", "known"), [("Status", Status), ("Reasons of a skip", Reason)], ids=["status", "reason"]
)
def test_statuses_and_reasons_are_all_explained(title: str, known: Any) -> None:
    explained = rows(section(page("concepts/executions-and-the-ledger.md"), title))[1:]

    assert [codes(cells[0])[0] for cells in explained] == [str(one) for one in known]


def test_the_statuses_of_a_handler_are_all_explained() -> None:
    explained = rows(section(page("concepts/handlers.md"), "Status"))[1:]

    assert [codes(cells[0])[0] for cells in explained] == [str(status) for status in HandlerStatus]


def shown(default: object) -> str:
    return default if isinstance(default, str) else msgspec.json.encode(default).decode()


# -- triggers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", page("concepts/triggers.md"), re.DOTALL))
def test_every_trigger_that_is_shown_fires(example: str) -> None:
    config = msgspec.json.decode(example, type=TriggerConfig)

    assert preview(config, after=instant("2026-11-23T06:00:00Z"), count=1, timezone="UTC").fire_times


@pytest.mark.parametrize(
    "cells",
    rows(section(page("concepts/triggers.md"), "When clocks change").partition("| expression in")[2]),
    ids=lambda cells: cells[0],
)
def test_the_table_of_clock_changes_says_what_happens(cells: list[str]) -> None:
    config: TriggerConfig = msgspec.convert(
        {"type": "cron", "expression": codes(cells[0])[0], "timezone": "Europe/Berlin"}, type=TriggerConfig
    )
    for day, told in zip(("2027-03-28", "2027-10-31"), cells[1:], strict=True):
        first, last = instant(f"{day}T00:00:00Z"), instant(f"{day}T02:00:00Z")
        fires = preview(config, after=first - 1, count=10, timezone="UTC").fire_times

        assert [clock(fire) for fire in fires if fire <= last] == told.split()


def clock(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1_000_000, UTC).strftime("%H:%M")


# -- metrics, client, SDK -------------------------------------------------------------------------------------------


def test_each_metric_is_told_with_its_labels_and_kind() -> None:
    registry: CollectorRegistry = process_registry()
    for group in (SchedulerMetrics, RegistryMetrics, HttpMetrics, LoopMetrics):
        group.on(registry)
    ours = {metric.name: metric.type for metric in registry.collect() if metric.name.startswith("schedulezero_")}
    suffixes = {"counter": "_total", "info": "_info"}

    told = rows(section(page("deployment/metrics-and-health.md"), "Metrics").partition("```")[0])[1:]
    assert {codes(cells[0])[0]: cells[2] for cells in told} == {
        name + suffixes.get(kind, ""): kind for name, kind in ours.items()
    }


def test_each_call_of_the_client_is_told_with_its_parameters() -> None:
    told = codes(page("api/python-client.md"))

    for client in (Client, AsyncClient):
        for name, call in inspect.getmembers(client, inspect.isfunction):
            if not name.startswith("_"):
                assert f"{name}({parameters(call)})" in told


def test_the_sdk_is_told_with_all_that_it_offers() -> None:
    offered = chain(dir(Context), dir(Handler), Ran.__slots__)

    assert {name for name in offered if not name.startswith("_")} - words(page("api/handler-sdk.md")) == set()


def parameters(call: Any) -> str:
    """The parameters of a method as the page writes them: names and defaults, no types."""
    signature = inspect.signature(call)
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values() if one.name != "self"]
    return str(inspect.Signature(plain))[1:-1]


# -- decisions ------------------------------------------------------------------------------------------------------


def test_the_index_of_decisions_has_them_all_by_their_titles() -> None:
    listed = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", page("decisions/index.md"), re.MULTILINE)

    assert [(f"# {number}. {title}", name) for number, title, name in listed] == [
        (file.read_text().partition("\n")[0], file.name) for file in sorted((DOCS / "decisions").glob("0*.md"))
    ]
