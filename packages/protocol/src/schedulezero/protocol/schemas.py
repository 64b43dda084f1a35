"""The protocol as one JSON Schema document (2020-12), for a handler or a tool in another language.

`python -m schedulezero.protocol.schemas` prints it. It is made from the structs that do the validation, so it says
what they accept; `docs_site/reference/protocol-schemas.json` is its output.
"""

import inspect
import json
import re
import sys
from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from schedulezero.protocol.commands import Command, Query, RegistryCommand, SchedulerCommand, answer_type
from schedulezero.protocol.envelope import VERSION, Bulletin, Parcel, Reply, Request
from schedulezero.protocol.events import RegistryEvent, SchedulerEvent, Sequences
from schedulezero.protocol.handling import FromInstance, ToInstance

Schema = dict[str, Any]

_SERVICES = {"scheduler": get_args(SchedulerCommand), "registry": get_args(RegistryCommand)}
_UNIONS = {
    "SchedulerCommand": SchedulerCommand,
    "RegistryCommand": RegistryCommand,
    "SchedulerEvent": SchedulerEvent,
    "RegistryEvent": RegistryEvent,
    "ToInstance": ToInstance,
    "FromInstance": FromInstance,
}
_ENVELOPES = (Request, Reply, Parcel, Bulletin, Sequences)
_ROLE = re.compile(r":\w+:`~?(?:\w+\.)*(\w+)`")


def schemas() -> Schema:
    """Return the document: every type under `$defs`, and under `x-commands` each service's commands and answers."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"ScheduleZero protocol, version {VERSION}",
        "description": "See the page on the protocol for the frames in which these travel.",
        "x-commands": {service: _commands(commands) for service, commands in _SERVICES.items()},
        "$defs": _plain_words(dict(sorted(_definitions().items()))),
    }


def _commands(commands: Iterable[type[Command[Any]]]) -> Schema:
    return {_tag(command): _command(command) for command in commands}


def _command(command: type[Command[Any]]) -> Schema:
    return {
        "command": _ref(command.__name__),
        "answer": _ref(answer_type(command).__name__),
        "changes_something": not issubclass(command, Query),
    }


def _definitions() -> Schema:
    answers = [answer_type(command) for commands in _SERVICES.values() for command in commands]
    types = [*_UNIONS.values(), *answers, *_ENVELOPES]
    unions, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    envelopes = _envelopes(components)
    return components | dict(zip(_UNIONS, unions, strict=False)) | envelopes


def _envelopes(components: Schema) -> Schema:
    """What msgspec cannot know: the version, and what the undecoded inside of an envelope is."""
    parcel = components.pop("Parcel")
    filled = {
        "Request": _with(components["Request"], body=_any_of("SchedulerCommand", "RegistryCommand")),
        "Reply": components["Reply"] | {"oneOf": [{"required": ["ok"]}, {"required": ["error"]}]},
        "ParcelToInstance": _with(parcel, messages={"type": "array", "items": _ref("ToInstance")}),
        "ParcelFromInstance": _with(parcel, messages={"type": "array", "items": _ref("FromInstance")}),
        "Bulletin": _with(
            components["Bulletin"], events={"type": "array", "items": _any_of("SchedulerEvent", "RegistryEvent")}
        ),
    }
    return {name: _with(schema, v={"const": VERSION}) | {"title": name} for name, schema in filled.items()}


def _with(schema: Schema, **properties: Schema) -> Schema:
    return schema | {"properties": schema["properties"] | properties}


def _any_of(*names: str) -> Schema:
    return {"anyOf": [_ref(name) for name in names]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _tag(command: type[Command[Any]]) -> str:
    return str(command.__struct_config__.tag)


def _plain_words(value: Any) -> Any:
    """Take the indentation and the documentation tool's roles out of the descriptions."""
    if isinstance(value, dict):
        return {
            key: _described(item) if key == "description" and isinstance(item, str) else _plain_words(item)
            for key, item in value.items()
        }
    return [_plain_words(item) for item in value] if isinstance(value, list) else value


def _described(text: str) -> str:
    return _ROLE.sub(r"`\1`", inspect.cleandoc(text))


def main() -> None:
    """Print the document."""
    sys.stdout.write(json.dumps(schemas(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
