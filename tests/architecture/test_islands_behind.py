"""Building behind `make run`: not before the program serves, not without memory, and never longer than the program."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from schedulezero.service.web_gateway.announcement import announced
from schedulezero.testkit.waiting import eventually

ROOT = Path(__file__).parents[2]
SERVES = "ScheduleZero serves http://127.0.0.1:8888"
BUILDING = "Building islands and documentation behind it; they appear on reload."
GIB_IN_KIB = 1024 * 1024

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash; install with apt-get install bash")

# Serves when it is told so, and ends when it is told how.
PROGRAM = f"""#!/bin/sh
echo starting
read -r go
echo "{SERVES}"
read -r code
exit "$code"
"""

# Says what it was asked for; does it, fails, or goes on for ever, with a child.
MAKE = """#!/bin/sh
[ "$1" = -q ] && exit "${UP_TO_DATE:-1}"
echo "$1" >>asked
case " $FAILING " in *" $1 "*) echo "no network for $1"; exit 2 ;; esac
[ -n "$ENDLESS" ] || exit 0
sleep 600 &
echo $$ $! >pids
wait
"""


class Started:
    """A program that runs with something built behind it."""

    def __init__(self, checkout: Path, **environ: str) -> None:
        self.checkout = checkout
        self.process = subprocess.Popen(
            [".ci/behind", "./program"],
            cwd=checkout,
            env={**os.environ, "PATH": f"{checkout}/bin{os.pathsep}{os.environ['PATH']}", **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.line() == "starting"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def serve(self) -> None:
        self.tell("go")
        assert self.line() == SERVES

    def end(self, code: int = 0) -> list[str]:
        """End it, and return what was said after it served."""
        self.tell(str(code))
        rest, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == code
        return rest.splitlines()

    def close(self) -> None:
        """End it where a test has not."""
        self.process.kill()
        with self.process:
            pass

    @property
    def asked(self) -> list[str]:
        """What was built, or begun."""
        file = self.checkout / "asked"
        return file.read_text().split() if file.exists() else []

    @property
    def builders(self) -> list[psutil.Process]:
        """What builds without an end, once it does."""
        file = self.checkout / "pids"
        pids = eventually(lambda: file.exists() and file.read_text().endswith("\n") and file.read_text().split())
        return [psutil.Process(int(pid)) for pid in pids or []]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / ".ci/behind", tmp_path / ".ci/behind")
    for name, script in (("program", PROGRAM), ("bin/make", MAKE)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.fixture
def start(checkout: Path) -> Iterator[Callable[..., Started]]:
    """Starts the program; the variables are for what builds behind it."""
    started: list[Started] = []

    def one(**environ: str) -> Started:
        started.append(Started(checkout, **environ))
        return started[-1]

    yield one
    for program in started:
        program.close()


@pytest.fixture
def meminfo(tmp_path: Path) -> Path:
    file = tmp_path / "meminfo"
    file.write_text(f"MemTotal: 4000000 kB\nMemFree: 100 kB\nMemAvailable: {GIB_IN_KIB - 1} kB\n")
    return file


def is_free(checkout: Path) -> bool:
    return not (checkout / ".ci/behind.lock").is_symlink()


def test_it_knows_the_program_by_what_the_gateway_announces() -> None:
    assert announced("http://127.0.0.1:8888", ()).splitlines()[0] == SERVES


def test_where_no_pipe_can_be_made_the_program_runs_and_nothing_is_built(checkout: Path) -> None:
    ran = subprocess.run(
        [".ci/behind", "echo", SERVES],
        cwd=checkout,
        env={**os.environ, "TMPDIR": f"{checkout}/missing"},
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert (ran.stdout, ran.returncode) == (f"{SERVES}\n", 0)
    assert not (checkout / "asked").exists()


def test_nothing_is_built_before_the_program_serves(start: Callable[..., Started]) -> None:
    started = start()
    assert started.asked == []

    started.serve()

    assert started.line() == BUILDING
    eventually(lambda: started.asked == ["islands", "docs"])
    assert started.end() == []


def test_nothing_is_built_or_said_where_all_is_there(start: Callable[..., Started]) -> None:
    started = start(UP_TO_DATE="0")
    started.serve()

    assert started.end() == []
    assert started.asked == []


def test_with_less_than_a_gib_of_free_memory_it_says_that_nothing_is_built(
    start: Callable[..., Started], meminfo: Path
) -> None:
    started = start(MEMINFO=str(meminfo))
    started.serve()

    said = started.line()

    assert "are not built: less than 1 GiB of memory is free" in said
    assert "make islands docs" in said
    assert started.end() == []
    assert started.asked == []


def test_with_a_gib_of_free_memory_it_builds(start: Callable[..., Started], meminfo: Path) -> None:
    meminfo.write_text(f"MemAvailable: {GIB_IN_KIB} kB\n")
    started = start(MEMINFO=str(meminfo))
    started.serve()

    assert started.line() == BUILDING
    started.end()


@pytest.mark.parametrize(
    ("failing", "named"),
    [("islands", "islands"), ("docs", "documentation"), ("islands docs", "islands and documentation")],
)
def test_what_cannot_be_built_is_one_line_and_the_program_serves_on(
    checkout: Path, start: Callable[..., Started], failing: str, named: str
) -> None:
    started = start(FAILING=failing)
    started.serve()
    assert started.line() == BUILDING

    said = started.line()

    assert said.startswith(f"Not built: {named} (.ci/behind.log says why).")
    assert started.asked == ["islands", "docs"]
    assert f"no network for {failing.split()[0]}" in (checkout / ".ci/behind.log").read_text()
    assert started.end() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_what_is_being_built_ends_with_the_program(
    checkout: Path, start: Callable[..., Started], number: signal.Signals
) -> None:
    started = start(ENDLESS="1")
    started.serve()
    assert started.line() == BUILDING
    builders = started.builders

    started.process.send_signal(number)

    assert started.process.wait(timeout=20) == -number
    assert psutil.wait_procs(builders, timeout=20)[1] == []
    eventually(lambda: is_free(checkout))


def test_the_program_ends_at_once_with_its_own_exit_code_while_something_is_built(
    start: Callable[..., Started],
) -> None:
    started = start(ENDLESS="1")
    started.serve()
    assert started.line() == BUILDING
    builders = started.builders

    assert started.end(code=7) == []

    assert psutil.wait_procs(builders, timeout=20)[1] == []


def test_what_builds_leaves_the_processors_to_the_program(start: Callable[..., Started]) -> None:
    started = start(ENDLESS="1")
    started.serve()
    assert started.line() == BUILDING

    assert {builder.nice() for builder in started.builders} == {min(psutil.Process().nice() + 10, 19)}

    started.end()


def test_of_two_programs_of_one_checkout_one_builds(checkout: Path, start: Callable[..., Started]) -> None:
    first = start(ENDLESS="1")
    first.serve()
    assert first.line() == BUILDING
    builders = first.builders
    second = start()
    second.serve()

    assert second.end() == []
    assert all(builder.is_running() for builder in builders)
    assert not is_free(checkout)
    first.end()


def test_a_lock_whose_owner_is_gone_is_nobodys(checkout: Path, start: Callable[..., Started]) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait(timeout=20)
    (checkout / ".ci/behind.lock").symlink_to(str(gone.pid))

    started = start()
    started.serve()

    assert started.line() == BUILDING
    started.end()
    eventually(lambda: is_free(checkout))
