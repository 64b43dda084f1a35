"""A program: its options, how it tells why it cannot start, how a signal ends it."""

import argparse
import signal
from pathlib import Path

import pytest

from schedulezero.protocol.errors import Code
from schedulezero.runtime.errors import SettingsError, StartError
from schedulezero.runtime.options import OptionParser, add_setting_options, given_options, load_given
from schedulezero.runtime.process import serve
from schedulezero.runtime.program import ending_well, faults_told
from schedulezero.runtime.service import Service
from schedulezero.runtime.settings import FIELDS, load


def parsed(*arguments: str) -> argparse.Namespace:
    parser = OptionParser(prog="mill")
    add_setting_options(parser)
    return parser.parse_args(arguments)


def test_every_setting_has_an_option() -> None:
    given = parsed(*(f"{field.option}=x" for field in FIELDS.values()))

    assert given_options(given) == {field.option: "x" for field in FIELDS.values()}


def test_options_overrule_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("instance_name: mill\n")
    options = parsed("--port", "9001", "--config", str(file), "--deployment", "test")

    loaded = load_given(options, {"SCHEDULEZERO_TORNADO_PORT": "9000", "SCHEDULEZERO_LOGGING_LEVEL": "error"})

    assert (loaded.settings.web.port, loaded.settings.logging.level) == (9001, "error")
    assert (loaded.settings.instance_name, loaded.deployment) == ("mill", "test")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--prot", "1"], "mill: there is no --prot; did you mean --port?; see `mill --help`\n"),
        (["--por", "1"], "mill: there is no --por; did you mean --port?; see `mill --help`\n"),
        (["--port"], "mill: argument --port: expected one argument; see `mill --help`\n"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)

    assert ended.value.code == 2
    assert capsys.readouterr().err == line


def test_the_usage_leaves_the_settings_to_the_list_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--help")

    usage, _, rest = capsys.readouterr().out.partition("\n\n")
    assert usage == "usage: mill [-h] [--config FILE] [--deployment NAME]"
    assert "--port PORT" in rest
    assert "SCHEDULEZERO_TORNADO_PORT" in rest


def test_each_fault_is_a_line_and_the_exit_code_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, faults_told("mill"):
        load(environ={"SCHEDULEZERO_TORNADO_PORT": "x", "SCHEDULEZERO_ZRPC_PORT": "y"})

    told = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert [line.partition(" (")[0] for line in told] == ["mill: web.port", "mill: registry.port"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_outside_of_the_services_ends_the_program_with_exit_code_0(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended, ending_well():
            signal.raise_signal(number)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert ended.value.code == 0


def test_a_state_directory_that_cannot_be_made_is_a_fault_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    loaded = load(environ={"SCHEDULEZERO_STATE_DIR": str(tmp_path / "file" / "state")})

    with pytest.raises(StartError, match="choose another with SCHEDULEZERO_STATE_DIR"):
        serve(loaded, "mill", lambda _loaded, _context: [])


def test_a_settings_error_is_a_start_error() -> None:
    assert issubclass(SettingsError, StartError)


def test_schedules_in_the_file_are_said_not_to_be_applied(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("schedules:\n  - schedule_id: nightly\n")
    loaded = load(environ={"SCHEDULEZERO_STATE_DIR": str(tmp_path)}, config_path=str(file))

    def fail(*_: object) -> list[Service]:
        raise StartError.of(Code.UNAVAILABLE, "enough is seen")

    with pytest.raises(StartError, match="enough is seen"):
        serve(loaded, "mill", fail)

    told = capfd.readouterr()
    assert "config.schedules_ignored" in told.out + told.err
