"""What the README tells people to type."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schedulezero.client import Client

Console = Any

README = (Path(__file__).parents[3] / "README.md").read_text()
HANDLER = re.findall(r"```python\n# reports.py[^\n]*\n(.*?)```", README, re.DOTALL)
BODIES = re.findall(r"(POST) http://127\.0\.0\.1:8888(/\S+).*?-d '(\{.*?\})'", README, re.DOTALL)


@pytest.fixture
def client(console: Console) -> Iterator[Client]:
    """The demo and the README's handler, both started."""
    (code,) = HANDLER
    (console.directory / "reports.py").write_text(code)
    url = console.start("up", "--demo", "--port", "0").url
    console.start("handler", "reports:handler").until("registered reports")
    with Client(url) as client:
        yield client


def test_every_request_of_the_readme_is_accepted(client: Client) -> None:
    answers = [client._http.request(verb, path, json=json.loads(body)) for verb, path, body in BODIES]

    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "success"), (201, "success")]
    ran = client.run_now("reports", "build", {"month": "2026-11"}, wait_seconds=10)
    assert ran["result"] == {"file": "/reports/2026-11.pdf"}
