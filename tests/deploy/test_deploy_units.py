"""The units of systemd, checked with the programs that the page about them installs."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schedulezero.handler.settings import Overrides, read_settings
from schedulezero.runtime.settings import FIELDS, load

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
ENVIRONMENT = ROOT / "deploy/systemd/schedulezero.env"
# What systemd calls the exposure of a unit, in tenths of a point; the strictest units have about 10.
MOST_EXPOSURE = {"schedulezero-handler@.service": 30}

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze; install with apt-get install systemd"
)


def analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def settings_of(unit: Path) -> dict[str, list[str]]:
    """What is written in a unit, by name."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def printed(title: str) -> str:
    """The commands that the page prints under this title."""
    page = (ROOT / "docs_site/deployment/systemd.md").read_text()
    (block,) = re.findall(rf'^```bash title="{title}"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture(scope="session")
def machine(context: Any, scripts: Callable[..., str], tmp_path_factory: pytest.TempPathFactory, uv: str) -> Path:
    """The root of a machine on which the page's commands were carried out."""
    root, checkout = tmp_path_factory.mktemp("machine"), tmp_path_factory.mktemp("checkout")
    (root / "etc/systemd/system").mkdir(parents=True)
    (root / "opt").mkdir()
    for path in context.sent:
        context.copy(path, checkout / path)
    scripts(re.sub(r" /(?=opt|etc)", f" {root}/", printed("install")), directory=checkout)
    return root


def placed(unit: Path, machine: Path, into: Path) -> Path:
    """A unit as the page installs it, with the programs where they are here, as an instance where it is a template."""
    python = re.compile(r"/opt/schedulezero-handlers/%i/venv/bin/python")
    text = python.sub("/opt/schedulezero/bin/python", (machine / "etc/systemd/system" / unit.name).read_text())
    here = into / unit.name.replace("@.", "@test.")
    here.write_text(text.replace("=/opt/", f"={machine}/opt/"))
    return here


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong(machine: Path, tmp_path: Path, unit: Path) -> None:
    verified = analyze("verify", placed(unit, machine, tmp_path))

    assert verified.stderr + verified.stdout == ""
    assert verified.returncode == 0


def test_systemd_would_find_a_fault(tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.service"
    faulty.write_text("[Service]\nExecStart=/no/such/program\nProtectSytem=strict\n")

    verified = analyze("verify", faulty)

    assert "is not executable" in verified.stderr
    assert "ProtectSytem" in verified.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_little_is_left_open(tmp_path: Path, unit: Path) -> None:
    here = shutil.copy(unit, tmp_path / unit.name.replace("@.", "@test."))
    most = MOST_EXPOSURE.get(unit.name, 20)

    judged = analyze("security", "--offline=yes", "--no-pager", f"--threshold={most}", here)

    assert judged.returncode == 0, judged.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_permits_what_zeromq_does(unit: Path) -> None:
    """It lists the interfaces when it binds, and sets the scheduling of its threads."""
    written = settings_of(unit)
    filters = " ".join(written.get("SystemCallFilter", ()))

    assert "AF_NETLINK" in written["RestrictAddressFamilies"][0].split()
    assert not re.search(r"~.*@(resources|setuid)", filters)
    assert written.get("SystemCallErrorNumber") == (["EPERM"] if filters else None)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_setting_that_cannot_be_used_is_not_tried_again_and_a_drain_is_waited_for(unit: Path) -> None:
    written = settings_of(unit)
    longest = load(environ={}, config_path=str(ROOT / "deploy/deployments/production.yaml")).settings.drain_seconds

    assert (written["Restart"], written["RestartPreventExitStatus"]) == (["on-failure"], ["2"])
    assert float(written["TimeoutStopSec"][0]) > longest


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_variables_of_a_unit_are_settings(unit: Path) -> None:
    given = dict(pair.split("=", 1) for pair in settings_of(unit).get("Environment", ()))

    assert load(environ=given).settings
    assert [value.removeprefix("%S/") for value in given.values()] == (
        [] if "handler" in unit.name else settings_of(unit).get("StateDirectory", [])
    )


def test_the_example_of_an_environment_shows_the_defaults_of_settings() -> None:
    text = ENVIRONMENT.read_text()
    shown = dict(re.findall(r"^#(SCHEDULEZERO_\w+)=(.*)$", text, re.MULTILINE))
    given = dict(re.findall(r"^(SCHEDULEZERO_\w+)=(.*)$", text, re.MULTILINE))
    fields = {variable: field for field in FIELDS.values() for variable in field.variables}

    assert load(environ=given).settings
    assert read_settings("reports", given, Overrides())
    for variable, value in shown.items():
        default = fields[variable].default
        assert default == () if value == "" else fields[variable].from_text(value) == default


def test_the_page_tells_of_every_unit() -> None:
    page = (ROOT / "docs_site/deployment/systemd.md").read_text()

    assert {unit.name.replace("@.", "@NAME.") for unit in UNITS} <= set(re.findall(r"`([^`\s]+\.service)`", page))
