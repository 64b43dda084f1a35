"""The document of schemas: complete, sound, and the same as the one that is published."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from schedulezero.protocol.schemas import schemas

PUBLISHED = Path(__file__).parents[3] / "docs_site/reference/protocol-schemas.json"
DOCUMENT = schemas()


def fits(name: str, value: Any) -> bool:
    return bool(Draft202012Validator(DOCUMENT | {"$ref": f"#/$defs/{name}"}).is_valid(value))


def test_the_published_document_is_what_the_module_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "schedulezero.protocol.schemas"], check=True, capture_output=True, timeout=30
    ).stdout.decode()

    remedy = f"{sys.executable} -m schedulezero.protocol.schemas > {PUBLISHED}"
    assert PUBLISHED.read_text("utf-8") == printed, f"the protocol has changed; publish it: {remedy}"


def test_the_document_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    named = set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(DOCUMENT)))

    assert named <= set(DOCUMENT["$defs"])


def test_every_command_is_listed_with_its_answer() -> None:
    registry = DOCUMENT["x-commands"]["registry"]

    assert registry["handler.register"] == {
        "command": {"$ref": "#/$defs/HandlerRegister"},
        "answer": {"$ref": "#/$defs/Registered"},
        "changes_something": True,
    }
    assert len(DOCUMENT["x-commands"]["scheduler"]) == 30
    assert len(registry) == 8


@pytest.mark.parametrize(
    ("name", "value", "fitting"),
    [
        ("Request", {"v": 1, "id": "1", "body": {"type": "ping"}}, True),
        ("Request", {"v": 2, "id": "1", "body": {"type": "ping"}}, False),
        ("Request", {"v": 1, "id": "1", "body": {"type": "pong"}}, False),
        ("Reply", {"v": 1, "id": "1", "ok": {}}, True),
        ("Reply", {"v": 1, "id": "1", "error": {"code": "not_found", "message": "m"}}, True),
        ("Reply", {"v": 1, "id": "1", "error": {"code": "gone", "message": "m"}}, False),
        ("Reply", {"v": 1, "id": "1"}, False),
        ("ParcelToInstance", {"v": 1, "messages": [{"type": "probe", "nonce": 1}, {"type": "drain"}]}, True),
        ("ParcelToInstance", {"v": 1, "messages": [{"type": "pulse", "boot_id": "b", "running": 0}]}, False),
        ("ParcelFromInstance", {"v": 1, "messages": [{"type": "pulse", "boot_id": "b", "running": 0}]}, True),
        ("Bulletin", {"v": 1, "epoch": "e", "seq": 1, "time": "2030-01-01T00:00:00Z", "events": []}, True),
        ("Bulletin", {"v": 1, "epoch": "e", "seq": 1, "time": "2030-01-01T00:00:00Z", "events": [{}]}, False),
    ],
)
def test_an_envelope_fits_only_with_what_may_be_in_it(name: str, value: Any, fitting: bool) -> None:
    assert fits(name, value) is fitting
