"""The page on the protocol says what the protocol is: its tables, figures and examples are held against the code."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from schedulezero.protocol import schemas
from schedulezero.protocol.commands import HandlerHeartbeat, Query, RegistryCommand, SchedulerCommand
from schedulezero.protocol.envelope import (
    MAX_PARCEL_ITEMS,
    MAX_PART_BYTES,
    MAX_REQUEST_BYTES,
    VERSION,
    decode_bulletin,
    decode_from_instance,
    decode_reply,
    decode_request,
    decode_to_instance,
)
from schedulezero.protocol.errors import HTTP_STATUS, Code
from schedulezero.protocol.events import RegistryEvent, SchedulerEvent, Sequences
from schedulezero.protocol.handling import FromInstance, ToInstance
from schedulezero.protocol.link.sockets import HEARTBEAT_MS, SILENCE_MS
from schedulezero.protocol.states import FINAL, TRANSITIONS, Reason, Status, Step
from schedulezero.protocol.validation import decode
from schedulezero.protocol.values import MAX_VALUE_BYTES, InstanceInfo, MethodSpec

DOCS = Path(__file__).parents[3] / "docs_site"
PAGE = (DOCS / "reference/protocol.md").read_text("utf-8")
EXAMPLES = re.findall(r'^```json title="(\w+)"\n(.*?)^```$', PAGE, re.DOTALL | re.MULTILINE)
MIB = 1024 * 1024


def section(title: str) -> str:
    """The text below a heading, up to the next of its rank."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title}"
    return found[2]


def tag(type_: Any) -> str:
    return str(type_.__struct_config__.tag)


def test_the_state_diagram_is_the_transition_table() -> None:
    life = section("An execution's life")
    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)$", life, re.MULTILINE)
    ends = re.findall(r"^    (\w+) --> \[\*\]$", life, re.MULTILINE)

    assert {(Status(begin), Step(step)): Status(to) for begin, to, step in drawn} == TRANSITIONS
    assert {Status(end) for end in ends} == FINAL
    assert all(f"`{reason}`" in life for reason in Reason)


@pytest.mark.parametrize("message", [*get_args(ToInstance), *get_args(FromInstance)], ids=tag)
def test_every_message_of_the_link_is_described_with_all_its_fields(message: Any) -> None:
    row = re.search(rf"^\| `{tag(message)}` \| .*$", section("Messages of the link"), re.MULTILINE)

    assert row
    named = set(re.findall(r"`(\w+)`|\"(\w+)\"", row[0])) | {("execution_id", ""), ("attempt", ""), ("claim", "")}
    assert set(message.__struct_fields__) <= {first or second for first, second in named}


@pytest.mark.parametrize("struct", [InstanceInfo, MethodSpec])
def test_every_field_of_a_registration_is_described(struct: Any) -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", section("Registering"), re.MULTILINE))

    assert set(struct.__struct_fields__) <= described


def test_every_field_of_a_heartbeat_is_described() -> None:
    row = re.search(r"^\| `handler.heartbeat` \| .*$", section("Registering"), re.MULTILINE)

    assert row
    assert all(f"`{name}`" in row[0] for name in HandlerHeartbeat.__struct_fields__)


def test_every_command_stands_in_its_column() -> None:
    rows = [row.split("|") for row in section("Commands").splitlines() if row.startswith("|")][2:]
    listed = {
        kind: {name for row in rows for name in re.findall(r"`([\w.]+)`", row[column])}
        for column, kind in ((2, "changes"), (3, "queries"))
    }
    commands = {*get_args(SchedulerCommand), *get_args(RegistryCommand)}

    assert listed["queries"] == {tag(command) for command in commands if issubclass(command, Query)}
    assert listed["changes"] == {tag(command) for command in commands if not issubclass(command, Query)}


def test_every_event_is_listed_in_its_family() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| (.*?) \|", section("Events"), re.MULTILINE))
    listed = {name: set(re.findall(r"`([\w.]+)`", events)) for name, events in rows.items()}
    events = {tag(event) for event in (*get_args(SchedulerEvent), *get_args(RegistryEvent))}

    assert set().union(*listed.values()) == events
    assert all(event.split(".")[0] == name for name, events in listed.items() for event in events)


def test_every_code_is_listed_with_its_status() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d+) \|", section("Problems"), re.MULTILINE)
    listed = {Code(code): int(status) for codes, status in rows for code in re.findall(r"`(\w+)`", codes)}

    assert listed == HTTP_STATUS


@pytest.mark.parametrize(
    "words",
    [
        f"version **{VERSION}** of the protocol",
        f"at most **{MAX_PART_BYTES // MIB} MiB** (`MAXMSGSIZE`)",
        f"most **{MAX_REQUEST_BYTES // MIB} MiB** in all",
        f"at most **{MAX_VALUE_BYTES // MIB} MiB** encoded each",
        f"at most {MAX_PARCEL_ITEMS}, and about 1 MiB",
        f"`HEARTBEAT_IVL` {HEARTBEAT_MS} ms, `HEARTBEAT_TIMEOUT` {SILENCE_MS} ms",
    ],
)
def test_the_figures_are_those_of_the_code(words: str) -> None:
    assert words in PAGE


DECODERS: dict[str, Any] = {
    "Request": lambda data: decode(decode_request([data]).body, SchedulerCommand | RegistryCommand),
    "Reply": lambda data: decode_reply([data]),
    "ParcelToInstance": decode_to_instance,
    "ParcelFromInstance": decode_from_instance,
    "Bulletin": lambda data: [decode(event, RegistryEvent) for event in decode_bulletin(data).events],
    "Sequences": lambda data: decode(data, Sequences),
}


@pytest.mark.parametrize(("kind", "text"), EXAMPLES, ids=[kind for kind, _ in EXAMPLES])
def test_the_examples_are_what_the_protocol_reads(kind: str, text: str) -> None:
    assert DECODERS[kind](text.encode())


def test_every_kind_of_envelope_has_an_example() -> None:
    assert {kind for kind, _ in EXAMPLES} == set(DECODERS) <= set(schemas.schemas()["$defs"])


def test_every_page_and_file_it_points_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#][^)]*)\)", PAGE)

    assert links
    assert all((DOCS / "reference" / link).exists() for link in links)


def test_the_glossary_defines_each_term_once_in_order_and_points_to_its_own() -> None:
    glossary = (DOCS / "glossary.md").read_text("utf-8")
    terms = re.findall(r"^### (.+)$", glossary, re.MULTILINE)
    anchors = {term.lower().replace(" ", "-") for term in terms}

    assert terms == sorted(set(terms), key=str.lower)
    assert set(re.findall(r"\]\(#([\w-]+)\)", glossary)) <= anchors
