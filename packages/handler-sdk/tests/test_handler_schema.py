"""Parameters: what is said of them, and what the function is given."""

import dataclasses
import enum
import typing
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import pytest

from schedulezero.handler import Context, HandlerError
from schedulezero.handler.schema import Parameters
from schedulezero.protocol.errors import ScheduleZeroError


@dataclasses.dataclass
class Address:
    street: str
    zip: int = 0


class Item(msgspec.Struct):
    sku: str
    parts: "list[Item]" = []


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Plain:
    pass


def schema_of(function: Any) -> dict[str, Any]:
    schema: dict[str, Any] = msgspec.json.decode(Parameters("m", function).schema)
    return schema


def arguments(function: Any, params: str) -> dict[str, Any]:
    return Parameters("m", function).arguments(params.encode())


def test_required_and_defaulted_parameters_are_described_and_nothing_else_is_let_in() -> None:
    def function(input_file: str, output_dir: str = "/results/") -> dict[str, str]: ...  # type: ignore[empty-body]

    assert schema_of(function) == {
        "title": "m",
        "type": "object",
        "properties": {"input_file": {"type": "string"}, "output_dir": {"type": "string", "default": "/results/"}},
        "required": ["input_file"],
        "additionalProperties": False,
    }


def test_a_function_without_annotations_takes_anything_by_its_names() -> None:
    def function(a, b=None): ...  # type: ignore[no-untyped-def]

    assert schema_of(function)["properties"] == {"a": {}, "b": {"default": None}}
    assert arguments(function, '{"a": [1, {"x": null}]}') == {"a": [1, {"x": None}], "b": None}


@pytest.mark.parametrize("other", ["ctx", "context"])
def test_the_context_is_no_parameter(other: str) -> None:
    def named(ctx, n: int): ...  # type: ignore[no-untyped-def]
    def annotated(context: Context, n: int) -> None: ...

    function = named if other == "ctx" else annotated

    assert list(schema_of(function)["properties"]) == ["n"]
    assert Parameters("m", function).context_name == other


def test_an_optional_context_is_found() -> None:
    def function(c: Context | None = None) -> None: ...

    assert Parameters("m", function).context_name == "c"


def test_any_further_parameter_is_taken_where_the_function_does() -> None:
    def function(n: int, **params: Any) -> None: ...

    assert schema_of(function)["additionalProperties"] is True
    assert arguments(function, '{"n": 1, "x": "y"}') == {"n": 1, "x": "y"}


def test_further_parameters_are_converted_to_their_annotation() -> None:
    def function(**addresses: Address) -> None: ...

    schema = schema_of(function)

    assert schema["additionalProperties"] == {"$ref": "#/$defs/Address"}
    assert "Address" in schema["$defs"]
    assert arguments(function, '{"home": {"street": "s"}}') == {"home": Address("s")}
    with pytest.raises(ScheduleZeroError, match="street"):
        arguments(function, '{"home": {}}')


def test_a_parameter_that_is_called_like_the_further_ones_is_one_of_them() -> None:
    def function(**params: Any) -> None: ...

    assert arguments(function, '{"params": 1, "ctx": 2}') == {"params": 1, "ctx": 2}


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        (int | None, "null", None),
        (list[int], "[1, 2]", [1, 2]),
        (dict[str, float], '{"a": 1}', {"a": 1.0}),
        (Address, '{"street": "s"}', Address("s")),
        (Item, '{"sku": "a", "parts": [{"sku": "b"}]}', Item("a", [Item("b")])),
        (Color, '"red"', Color.RED),
        (Literal["a", 1], '"a"', "a"),
        (datetime, '"2026-01-01T00:00:00Z"', datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_values_are_converted_to_what_is_annotated(annotation: Any, given: str, expected: Any) -> None:
    def function(value: Any) -> None: ...

    function.__annotations__["value"] = annotation

    assert arguments(function, f'{{"value": {given}}}') == {"value": expected}


def test_a_schema_refers_to_nothing_outside_itself() -> None:
    def function(item: Item, addresses: list[Address]) -> None: ...

    schema = schema_of(function)

    assert set(schema["$defs"]) == {"Item", "Address"}
    assert schema["properties"]["item"] == {"$ref": "#/$defs/Item"}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("{}", "n: is required"),
        ('{"n": "1"}', "n: expected integer, got string"),
        ('{"n": 1, "m": 2}', "m: unknown field; known are n"),
        ("[]", r"\$: expected object"),
    ],
)
def test_params_that_do_not_fit_are_refused_with_the_field(params: str, message: str) -> None:
    def function(n: int) -> None: ...

    with pytest.raises(ScheduleZeroError, match=message):
        arguments(function, params)


def test_a_default_is_the_very_object_of_the_function_and_is_shown_where_json_has_it() -> None:
    marker = Plain()

    def function(a=marker, b: Color = Color.BLUE, c: list[int] = [1]) -> None: ...  # type: ignore[no-untyped-def]  # noqa: B006

    assert arguments(function, "{}")["a"] is marker
    properties = schema_of(function)["properties"]
    assert properties["a"] == {}
    assert (properties["b"]["default"], properties["c"]["default"]) == ("blue", [1])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(a, /): ...", "method m: a cannot be filled from a JSON object.*keyword"),
        ("def f(*args): ...", r"method m: \*args cannot be filled"),
        ("def f(ctx, c: Context): ...", "ctx and c are both the Context"),
        ("def f(p: Plain): ...", "the annotation Plain of p has no JSON form"),
        ("def f(ok: int, p: list[Plain]): ...", "of p has no JSON form"),
        ("def f(p: 'Missing'): ...", "Missing.*import the name"),
        ("def f(p: Item | Other): ...", "of p has no JSON form"),
        ("def f(**p: Plain): ...", "have no JSON form"),
    ],
)
def test_what_no_json_object_can_fill_is_refused_when_it_is_declared(source: str, message: str) -> None:
    scope: dict[str, Any] = {"Context": Context, "Plain": Plain, "Item": Item, "Other": msgspec.defstruct("O", [])}
    exec(source, scope)

    with pytest.raises(HandlerError, match=message):
        Parameters("m", scope["f"])


def test_annotations_of_bound_methods_and_type_aliases_are_read() -> None:
    class Service:
        def send(self, to: typing.Annotated[str, msgspec.Meta(min_length=1)]) -> None: ...

    assert schema_of(Service().send)["properties"] == {"to": {"type": "string", "minLength": 1}}
