"""The description of the REST API, OpenAPI 3.1, made from the routes and the structs that validate them."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import Any

import msgspec
from msgspec.structs import fields

from schedulezero.protocol.errors import HTTP_STATUS, Code
from schedulezero.protocol.values import Input
from schedulezero.web.http.errors import ErrorAnswer
from schedulezero.web.live import messages
from schedulezero.web.routes import Call, Nothing, Reply, Route

_OF_WS = (Code.UNKNOWN_HOST, Code.CROSS_ORIGIN, Code.INVALID_VALUE, Code.METHOD_NOT_ALLOWED)
_REF = "#/components/schemas/{name}"
Json = dict[str, Any]


def described(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return `routes` and one more, which describes them all and itself."""

    @cache
    def document() -> Reply:
        return Reply.of(describe(everything))

    async def show(_call: Call[None, Nothing]) -> Reply:
        return document()

    description = Route(
        method="GET",
        path="/api/openapi.json",
        summary="Describe this API.",
        serve=show,
        answers={200: dict[str, Any]},
    )
    everything = (*routes, description)
    return everything


def describe(routes: Sequence[Route]) -> Json:
    """Return the OpenAPI document of `routes` and of the live feed."""
    types = _types(routes)
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    known = dict(zip(types, schemas, strict=True))
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known, components)
    paths["/ws"] = {"get": messages.operation(known, _failures(_OF_WS, known))}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ScheduleZero", "version": version("schedulezero-web"), "description": _INTRODUCTION},
        "paths": paths,
        "components": {"schemas": components},
    }


_INTRODUCTION = (
    "Times are UTC, ISO 8601, ending in Z. Lists take `limit` and `cursor` and answer `count` and `next_cursor`. "
    "Every error is an ErrorAnswer, whose `code` is one of those listed with the call."
)


def _types(routes: Sequence[Route]) -> list[Any]:
    found: list[Any] = [ErrorAnswer, *messages.FROM_CLIENT, *messages.FROM_SERVER]
    for route in routes:
        found += [route.query, *route.answers.values()]
        if route.body is not None:
            found.append(route.body)
    return list(dict.fromkeys(found))


def _operation(route: Route, known: dict[Any, Json], components: Json) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.area],
        "parameters": list(_parameters(route, components)),
        "responses": {**_successes(route, known), **_failures(route.codes, known)},
    }
    if route.body is not None:
        operation["requestBody"] = _request_body(route.body, known)
    return operation


def _parameters(route: Route, components: Json) -> Iterator[Json]:
    for name in route.parameters:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    for name, about in route.headers.items():
        yield {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}
    properties = components[route.query.__name__]["properties"]
    for field in fields(route.query):
        name = field.encode_name
        yield {"name": name, "in": "query", "required": field.required, "explode": False, "schema": properties[name]}


def _request_body(type_: type[Input], known: dict[Any, Json]) -> Json:
    required = any(field.required for field in fields(type_))
    return {"required": required, "content": {"application/json": {"schema": known[type_]}}}


def _successes(route: Route, known: dict[Any, Json]) -> Json:
    return {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": known[answer]}},
        }
        for status, answer in route.answers.items()
    }


def _failures(codes: Iterable[Code], known: dict[Any, Json]) -> Json:
    codes = sorted(codes, key=HTTP_STATUS.__getitem__)
    return {str(status): _failure(list(group), known[ErrorAnswer]) for status, group in groupby(codes, HTTP_STATUS.get)}


def _failure(codes: list[Code], error: Json) -> Json:
    narrowed = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    return {
        "description": ", ".join(codes),
        "content": {"application/json": {"schema": {"allOf": [error, narrowed]}}},
    }
