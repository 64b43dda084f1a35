"""Every command, answer, event and message: it round-trips through JSON, has a schema, and fits it."""

import json
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from msgspec import inspect

from schedulezero.protocol import handling
from schedulezero.protocol.commands import (
    HandlerHeartbeat,
    HandlerRegister,
    Query,
    RegistryCommand,
    SchedulerCommand,
    answer_type,
)
from schedulezero.protocol.errors import Problem
from schedulezero.protocol.events import RegistryEvent, SchedulerEvent, Sequences, family
from schedulezero.protocol.handling import FromInstance, ToInstance
from schedulezero.protocol.schemas import schemas
from schedulezero.protocol.values import WEBHOOK_URL_PATTERN

COMMANDS = sorted({*get_args(SchedulerCommand), *get_args(RegistryCommand)}, key=lambda type_: type_.__name__)
EVENTS = [*get_args(SchedulerEvent), *get_args(RegistryEvent)]
MESSAGES = [*get_args(ToInstance), *get_args(FromInstance)]
ANSWERS = sorted({answer_type(command) for command in COMMANDS}, key=lambda type_: type_.__name__)
EVERYTHING = [*COMMANDS, *ANSWERS, *EVENTS, *MESSAGES, Problem, Sequences]
DOCUMENT = schemas()


def example(info: inspect.Type, *, full: bool) -> Any:
    """Build a value of a type: with every field when `full`, else with those alone that are required."""
    match info:
        case inspect.StructType():
            given = [field for field in info.fields if full or field.required]
            return info.cls(**{field.name: example(field.type, full=full) for field in given})
        case inspect.Metadata():
            return example(info.type, full=full)
        case inspect.UnionType():
            return example(next(member for member in info.types if not _is_absence(member)), full=full)
        case inspect.ListType() | inspect.VarTupleType():
            return [example(info.item_type, full=full)]
        case inspect.TupleType():
            return tuple(example(item, full=full) for item in info.item_types)
        case inspect.DictType():
            return {"key": example(info.value_type, full=full)}
        case inspect.LiteralType():
            return info.values[0]
        case inspect.EnumType():
            return next(iter(info.cls))
        case inspect.StrType(pattern=pattern) if pattern == WEBHOOK_URL_PATTERN:
            return "https://hooks.example/path"
        case _:
            return SCALARS[type(info)]


SCALARS: dict[type[inspect.Type], Any] = {
    inspect.StrType: "text",
    inspect.IntType: 1,
    inspect.FloatType: 1.0,
    inspect.BoolType: True,
    inspect.DateTimeType: datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    inspect.RawType: msgspec.Raw(b'{"any":[1,null]}'),
    inspect.AnyType: {"any": [1, None]},
}


def _is_absence(info: inspect.Type) -> bool:
    return isinstance(info, inspect.NoneType) or getattr(info, "cls", None) is msgspec.UnsetType


def encoded(type_: type, *, full: bool) -> bytes:
    return msgspec.json.encode(example(inspect.type_info(type_), full=full))


both_sizes = pytest.mark.parametrize("full", [True, False], ids=["every field", "required fields"])
every_type = pytest.mark.parametrize("type_", EVERYTHING, ids=lambda type_: type_.__name__)


@both_sizes
@every_type
def test_it_round_trips_through_json(type_: type, full: bool) -> None:
    data = encoded(type_, full=full)

    assert msgspec.json.encode(msgspec.json.decode(data, type=type_)) == data


@both_sizes
@every_type
def test_it_fits_its_schema(type_: type, full: bool) -> None:
    schema = DOCUMENT | {"$ref": f"#/$defs/{type_.__name__}"}

    Draft202012Validator(schema).validate(json.loads(encoded(type_, full=full)))


@every_type
def test_what_is_no_object_does_not_fit_its_schema(type_: type) -> None:
    schema = DOCUMENT | {"$ref": f"#/$defs/{type_.__name__}"}

    assert not Draft202012Validator(schema).is_valid([])


@pytest.mark.parametrize(
    "union", [SchedulerCommand, RegistryCommand, SchedulerEvent, RegistryEvent, ToInstance, FromInstance]
)
def test_the_type_of_a_message_tells_which_it_is(union: Any) -> None:
    for type_ in get_args(union):
        assert type(msgspec.json.decode(encoded(type_, full=True), type=union)) is type_


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_every_command_names_what_it_is_answered_with(command: Any) -> None:
    answer = answer_type(command)

    assert issubclass(answer, msgspec.Struct)
    assert command.__orig_bases__[0].__args__ == (answer,)


def test_a_query_is_told_from_a_change_by_its_kind() -> None:
    queries = {command.__struct_config__.tag for command in COMMANDS if issubclass(command, Query)}

    assert queries == {
        "ping", "schedule.get", "schedule.list", "schedule.explain",
        "execution.list", "execution.get", "execution.logs", "execution.stats", "execution.errors",
        "trigger.preview", "system.health", "handler.pauses", "handler.ping", "handler.list", "handler.get",
        "registry.snapshot",
    }  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_the_family_of_an_event_is_its_type_before_the_dot(event: Any) -> None:
    value = example(inspect.type_info(event), full=False)

    assert family(value) == event.__struct_config__.tag.split(".")[0]
    assert family(value) in {"execution", "schedule", "handler"}


def test_no_two_commands_or_messages_share_a_type() -> None:
    for group in (COMMANDS, EVENTS, MESSAGES):
        tags = [type_.__struct_config__.tag for type_ in group]

        assert len(set(tags)) == len(tags)


def test_every_message_of_the_link_can_be_sent_by_one_side() -> None:
    tagged = {
        type_
        for type_ in vars(handling).values()
        if isinstance(type_, type) and issubclass(type_, handling.Message) and type_.__struct_config__.tag
    }
    untagged_bases = {handling.Message, handling.Claimed}

    assert tagged - untagged_bases == set(MESSAGES)


def test_what_has_its_default_value_is_left_out_of_a_message() -> None:
    heartbeat = HandlerHeartbeat(instance_id="i", boot_id="b")

    assert msgspec.json.encode(heartbeat) == b'{"type":"handler.heartbeat","instance_id":"i","boot_id":"b"}'


def test_a_message_is_frozen_and_built_by_keyword() -> None:
    heartbeat = HandlerHeartbeat(instance_id="i", boot_id="b")

    with pytest.raises(AttributeError):
        heartbeat.running = 5
    with pytest.raises(TypeError):
        HandlerRegister(None)  # type: ignore[arg-type]
