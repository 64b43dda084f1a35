"""The command line before anything runs: what it says, and the exit codes that scripts rely on."""

import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

# The class is in conftest.py, which cannot be imported from.
Console = Any

APP = """
from schedulezero.handler import Handler
number = 3
broken = Handler("broken")
"""


def the_line(text: str) -> str:
    """Return the only line that was written."""
    (line,) = text.splitlines()
    return line


def test_the_version_is_told(console: Console) -> None:
    told = console.run("--version")

    assert (told.returncode, told.stdout) == (0, f"schedulezero {version('schedulezero')}\n")


def test_a_handler_without_a_configuration_file_loads_no_more_than_it_needs() -> None:
    needless = {"email", "http", "multiprocessing", "prometheus_client", "sqlalchemy", "tornado", "yaml", "zipfile"}
    script = (
        "import sys; import schedulezero.handler.serve, schedulezero.standalone.handlers;"
        "from schedulezero.standalone.commands import run\n"
        "try: run(['handler', 'nowhere:handler'])\n"
        "finally: print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd="/").stdout.split()

    assert "zmq" in loaded
    assert sorted(needless & set(loaded)) == []


@pytest.mark.parametrize("command", ["up", "registry", "scheduler", "web", "handler", "selftest", "config", "db"])
def test_help_tells_of_each_command(console: Console, command: str) -> None:
    assert f"\n    {command} " in console.run("--help").stdout.replace(f"    {command}\n", f"    {command} \n")
    assert f"usage: schedulezero {command} " in console.run(command, "--help").stdout


def test_parts_of_the_inside_are_not_told(console: Console) -> None:
    told = console.run("--help").stdout + console.run("web", "--help").stdout

    assert "lifeline" not in told
    assert "demo " not in told


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "schedulezero: the following arguments are required: COMMAND; see `schedulezero --help`"),
        (
            ["up", "--prot", "1"],
            "schedulezero up: there is no --prot; did you mean --port?; see `schedulezero up --help`",
        ),
        (
            ["up", "--port", "70000"],
            "schedulezero: web.port (--port): '70000' is not a port from 1 to 65535, or 0 for a free one",
        ),
        (["config", "show", "--config", "x.yaml"], "schedulezero: x.yaml: there is no such file; "),
        (["handler", "app"], "schedulezero: handler app: write MODULE:HANDLER, such as reports.app:handler"),
        (["handler", "nowhere:x"], "schedulezero: handler nowhere:x: importing nowhere failed with ModuleNotFound"),
        (["handler", "app:x"], "schedulezero: handler app:x: there is no x in app; name a schedulezero.handler.Hand"),
        (["handler", "app:number"], "schedulezero: handler app:number: number is of type int; name a schedulezero"),
        (["selftest", "--handler", "h"], "schedulezero: selftest: give --handler and --method together, or neither"),
        (
            ["selftest", "--handler", "h", "--method", "m", "--params", "[]"],
            "schedulezero: selftest: --params '[]' is no JSON object; write ",
        ),
        (["up", "--state-dir", "app.py/state"], "schedulezero: the state directory app.py/state cannot be made ("),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(console: Console, arguments: list[str], line: str) -> None:
    (console.directory / "app.py").write_text(APP)

    refused = console.run(*arguments)

    assert refused.returncode == 2
    assert the_line(refused.stderr).startswith(line)


@pytest.mark.parametrize("variable", ["TORNADO_PORT", "ZRPC_PORT", "SCHEDULER_EVENTS_PORT", "REGISTRY_METRICS_PORT"])
def test_a_port_that_is_taken_is_one_line_that_names_its_setting(console: Console, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        console.environment |= {f"SCHEDULEZERO_{variable}": port, "SCHEDULEZERO_LOGGING_LEVEL": "error"}

        refused = console.run("up")

    assert refused.returncode == 2
    assert port in the_line(refused.stderr)
    assert f"SCHEDULEZERO_{variable}" in refused.stderr


def test_a_database_in_a_directory_that_cannot_be_is_one_line(console: Console) -> None:
    (console.directory / "file").touch()

    refused = console.run("up", "--database-url", "sqlite:///file/x.db", "--logging-level", "error", "--port", "0")

    assert refused.returncode == 2
    assert "SCHEDULEZERO_DATABASE_URL" in the_line(refused.stderr)


def test_a_server_that_is_not_there_is_exit_code_3(console: Console) -> None:
    refused = console.run("selftest", "--url", "http://127.0.0.1:1")

    assert refused.returncode == 3
    assert "http://127.0.0.1:1 cannot be reached" in the_line(refused.stderr)


def test_a_configuration_is_written_once_and_is_good_as_it_stands(console: Console) -> None:
    written = console.run("config", "init")
    again = console.run("config", "init")
    checked = console.run("config", "check")

    assert (written.returncode, again.returncode, checked.returncode) == (0, 1, 0)
    assert "config.yaml is there already" in the_line(again.stderr)
    assert checked.stdout == "config.yaml: the settings are good\n"


def test_a_configuration_that_cannot_be_written_is_one_line(console: Console, tmp_path: Path) -> None:
    refused = console.run("config", "init", "--config", str(tmp_path / "none" / "c.yaml"))

    assert refused.returncode == 2
    assert "cannot be written" in the_line(refused.stderr)


def test_effective_settings_are_shown_with_their_origin(console: Console) -> None:
    (console.directory / "config.yaml").write_text("instance_name: mill\n")

    shown = console.run("config", "show", "--port", "8889", SCHEDULEZERO_LOGGING_LEVEL="debug").stdout

    assert 'instance_name: "mill"  # config.yaml' in shown
    assert "port: 8889  # --port" in shown
    assert 'level: "debug"  # SCHEDULEZERO_LOGGING_LEVEL' in shown
