"""What the pages tell people to type works as it is printed: calls by curl, and commands of `schedulezero`."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schedulezero.standalone.commands import _parser
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.printed_calls import lacking
from schedulezero.testkit.waiting import eventually

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs_site"
PAGES = {file.relative_to(DOCS).as_posix(): file.read_text() for file in sorted(DOCS.rglob("*.md"))}
PAGES["README.md"] = (ROOT / "README.md").read_text()
SERVER = "http://127.0.0.1:8888"

_BLOCK = re.compile(r"^ *```(?P<language>bash|json)\b.*?\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"^curl (?:'[^']*'|\\\n|[^\n'])*", re.MULTILINE)
_COMMAND = re.compile(r"\bschedulezero (?=[a-z])([^#\n]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as printed, with the answer that is printed below it, if there is one."""

    command: str
    answer: Any

    @property
    def is_refused(self) -> bool:
        return (
            isinstance(self.answer, dict)
            and isinstance(self.answer.get("error"), dict)
            and "code" in self.answer["error"]
        )


def calls(page: str) -> list[Call]:
    """The calls of a page, in order."""
    blocks = [(match["language"], match["text"]) for match in _BLOCK.finditer(page)]
    found = []
    for (language, text), (next_language, next_text) in pairwise([*blocks, ("", "")]):
        printed = [command for command in _CALL.findall(text) if SERVER in command] if language == "bash" else []
        answers = [None] * (len(printed) - 1) + [json.loads(next_text) if next_language == "json" else None]
        found += [Call(command=command, answer=answer) for command, answer in zip(printed, answers, strict=False)]
    return found


def commands(page: str) -> list[str]:
    """What is typed after `schedulezero`, in the page's blocks."""
    blocks = [match["text"] for match in _BLOCK.finditer(page) if match["language"] == "bash"]
    return [command.strip() for text in blocks for command in _COMMAND.findall(text)]


# -- calls ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The demo, the handler of the pages and the one of plain sockets, as the pages have them started."""
    with Deployment(tmp_path_factory.mktemp("pages")) as deployment:
        (code,) = re.findall(
            r'```python title="reports.py"\n(.*?)```', PAGES["getting-started/first-handler.md"], re.DOTALL
        )
        (deployment.directory / "reports.py").write_text(code)
        deployment.up("--demo")
        deployment.program("reports", (sys.executable, "reports.py")).start()
        deployment.program("plain", (sys.executable, str(DOCS / "examples/plain_handler.py"))).start()
        for handler_id in ("reports", "plain"):
            eventually(lambda one=handler_id: deployment.api.do(f"/api/handlers/{one}/ping"), what=handler_id)
        deployment.api.do("/api/schedules/demo-report/run", {"wait_seconds": 30})
        deployment.api.run("clock_tower", "quarter_bells", wait_seconds=30)
        yield deployment


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl; install with apt-get install curl")
@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if calls(page)])
def test_every_call_of_the_pages_is_answered_as_printed(deployment: Deployment, name: str) -> None:
    for call in calls(PAGES[name]):
        status, answer = typed(call.command, deployment)

        assert (status >= 400) == call.is_refused, (call.command, status, answer)
        assert call.answer is None or differing(call.answer, answer) == [], call.command


def differing(printed: Any, answered: Any) -> list[str]:
    """What of the printed answer is not as answered; a field may be null in one and have a value in the other."""
    return [fault for fault in lacking(printed, answered) if ": None is not" not in fault and "of None" not in fault]


def typed(command: str, deployment: Deployment) -> tuple[int, Any]:
    """Type a call in a shell, and return the status and what was answered."""
    page = deployment.api.read("/api/executions", method_name="quarter_bells", status="success", limit="1")
    placed = command.replace(SERVER, deployment.api.url)
    placed = placed.replace("EXECUTION_ID", page["records"][0]["execution_id"])
    placed = placed.replace("NEXT_CURSOR", deployment.api.read("/api/executions", limit="1")["next_cursor"])
    asked = placed.replace("curl ", "curl --silent --show-error --max-time 30 --write-out '\\n%{http_code}' ", 1)
    run = subprocess.run(["sh", "-c", asked], capture_output=True, text=True, timeout=40, check=True)
    body, _, status = run.stdout.rpartition("\n")
    return int(status), json.loads(body) if body.startswith(("{", "[")) else body


# -- commands -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted({command for page in PAGES.values() for command in commands(page)}))
def test_every_schedulezero_command_of_the_pages_is_known(command: str) -> None:
    arguments = shlex.split(command.removesuffix("&"))

    assert _parser().parse_args(arguments).run


def test_a_command_that_is_not_known_would_be_noticed() -> None:
    with pytest.raises(SystemExit):
        _parser().parse_args(["up", "--no-such-option"])


def test_calls_and_commands_are_found_with_what_belongs_to_them() -> None:
    page = "```bash\ncurl -X POST http://127.0.0.1:8888/a -d '{\n  \"b\": 1}'\ncurl \\\n  'http://127.0.0.1:8888/c'\n```\n\n```json\n{}\n```\n"

    assert [(call.command.count("\n"), call.answer) for call in calls(page)] == [(1, None), (1, {})]
    assert commands("```bash\nX=1 uv run schedulezero up --demo  # so\n```\n") == ["up --demo"]
