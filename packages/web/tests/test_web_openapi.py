"""The description of the API: valid, complete, and in accord with what is served."""

import re
from typing import Any

import pytest
from msgspec.structs import fields
from openapi_spec_validator import validate

from schedulezero.protocol.errors import HTTP_STATUS, Code
from schedulezero.web.api import ROUTES
from schedulezero.web.routes import Route

CALLS = {
    "GET /api/health",
    "GET /api/health/live",
    "GET /api/health/ready",
    "GET /api/config",
    "GET /api/handlers",
    "GET /api/handlers/{handler_id}",
    "POST /api/handlers/{handler_id}/ping",
    "POST /api/handlers/{handler_id}/drain",
    "POST /api/handlers/{handler_id}/pause",
    "POST /api/handlers/{handler_id}/resume",
    "POST /api/schedule",
    "GET /api/schedules",
    "GET /api/schedules/{schedule_id}",
    "PATCH /api/schedules/{schedule_id}",
    "DELETE /api/schedules/{schedule_id}",
    "POST /api/schedules/{schedule_id}/pause",
    "POST /api/schedules/{schedule_id}/resume",
    "POST /api/schedules/{schedule_id}/run",
    "GET /api/schedules/{schedule_id}/explain",
    "POST /api/run_now",
    "POST /api/run_now/batch",
    "GET /api/executions",
    "GET /api/executions/{execution_id}",
    "POST /api/executions/{execution_id}/cancel",
    "POST /api/executions/{execution_id}/retry",
    "GET /api/executions/{execution_id}/logs",
    "POST /api/executions/bulk",
    "GET /api/executions/stats",
    "GET /api/executions/errors",
    "POST /api/executions/clear",
    "POST /api/triggers/preview",
    "POST /api/pause",
    "POST /api/resume",
    "GET /api/openapi.json",
    "GET /ws",
}


@pytest.fixture
def document(stage: Any) -> Any:
    return stage.ask("GET", "/api/openapi.json").json


def operation(document: Any, route: Route) -> Any:
    return document["paths"][route.path][route.method.lower()]


def test_it_is_valid(document: Any) -> None:
    validate(document)

    assert document["openapi"].startswith("3.1")


def test_it_describes_every_call_and_no_other(document: Any) -> None:
    described = {f"{verb.upper()} {path}" for path, verbs in document["paths"].items() for verb in verbs}

    assert described == CALLS


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_is_described_is_served(stage: Any, route: Route) -> None:
    path = re.sub(r"\{\w+\}", "x", route.path)

    answer = stage.ask(route.method, f"{path}?no_such_parameter=1")

    assert (answer.status, answer.error["code"]) == (422, "unknown_field")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_call_has_its_error_codes_under_their_statuses(document: Any, route: Route) -> None:
    listed: dict[Code, int] = {}
    for status, response in operation(document, route)["responses"].items():
        for narrowed in response["content"]["application/json"]["schema"].get("allOf", [])[1:]:
            codes = narrowed["properties"]["error"]["properties"]["code"]["enum"]
            listed |= {Code(code): int(status) for code in codes}

    assert listed == {code: HTTP_STATUS[code] for code in route.codes}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_each_call_has_its_parameters(document: Any, route: Route) -> None:
    listed = {(given["in"], given["name"]) for given in operation(document, route)["parameters"]}

    expected = {("path", name) for name in route.parameters} | {("header", name) for name in route.headers}
    assert listed == expected | {("query", field.encode_name) for field in fields(route.query)}


def test_a_body_is_required_where_a_field_is(document: Any) -> None:
    bodies = {
        route.path: operation(document, route)["requestBody"]["required"]
        for route in ROUTES
        if route.body is not None and route.method == "POST"
    }

    assert {path for path, required in bodies.items() if required} == {
        "/api/schedule",
        "/api/run_now",
        "/api/run_now/batch",
        "/api/executions/bulk",
        "/api/executions/clear",
        "/api/triggers/preview",
    }


def test_names_of_operations_are_unique(document: Any) -> None:
    names = [verb["operationId"] for verbs in document["paths"].values() for verb in verbs.values()]

    assert len(set(names)) == len(CALLS)


def test_the_live_feed_is_described_with_its_messages(document: Any) -> None:
    feed = document["paths"]["/ws"]["get"]
    schemas = document["components"]["schemas"]

    messages = [message["$ref"].rpartition("/")[2] for side in feed["x-websocket"].values() for message in side]
    assert messages == ["LiveSubscription", "LiveEvent", "LiveGap", "LiveError"]
    assert list(feed["responses"]) == ["101", "403", "405", "422"]
    assert set(schemas["LiveEvent"]["properties"]) == {"type", "epoch", "seq", "time", "data"}
    assert set(schemas["LiveGap"]["properties"]) == {"type", "family", "from", "to"}
