"""What the pages about deploying say to type."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {
    name: (ROOT / f"docs_site/deployment/{name}.md").read_text() for name in ("containers", "systemd", "prometheus")
}


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_is_there(name: str) -> None:
    named = set(re.findall(r"(?<![\w/.-])deploy/[\w./*-]+\b", PAGES[name]))

    assert named
    assert [path for path in named if not list(ROOT.glob(path))] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_that_a_page_names_is_there(name: str) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = [target for line in re.findall(r"^make (.+)$", PAGES[name], re.MULTILINE) for target in line.split()]

    assert set(named) <= set(targets)


def test_every_service_that_a_command_names_is_in_the_composition(composition: dict[str, Any]) -> None:
    named = set(re.findall(r"docker compose .*(?:--scale|--follow) (\w+)", PAGES["containers"]))

    assert named == {"reports", "scheduler"}
    assert named <= set(composition["services"])


def test_the_job_that_is_printed_runs(running: Any) -> None:
    (printed,) = re.findall(r"^(curl -X POST .*?)\n```$", PAGES["containers"], re.MULTILINE | re.DOTALL)
    words = shlex.split(printed.replace("\\\n", " "))
    address, body = next(word for word in words if word.startswith("http")), words[words.index("-d") + 1]

    answer = running.api.post(
        address.removeprefix("http://127.0.0.1:8888"), content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.json()["status"] == "success"
