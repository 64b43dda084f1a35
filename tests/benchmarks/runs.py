"""One run of a figure, in a process of its own, so that it can be given up and leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .machine import ROOT

_MODULE = "tests.benchmarks.one"
_END_SECONDS = 20.0
_TAIL = 800


class RunFailedError(Exception):
    """A run came to nothing; the text says why."""


def run(figure: str, contestant: str, shared: Path, *, seconds: float, prepare: bool = False) -> dict[str, float]:
    """Make one run and return what it has measured.

    Args:
        shared: the directory of what was prepared.
        seconds: after which it is given up.
        prepare: make the preparation instead, and return nothing.

    Raises:
        RunFailedError: it has failed, or has taken too long.
    """
    directory = Path(tempfile.mkdtemp(prefix="benchmark-"))
    process = subprocess.Popen(
        [*_command(figure, contestant, directory, shared), *(["--prepare"] if prepare else [])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        with process:
            told, wrong = _awaited(process, seconds)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if process.returncode != 0:
        raise RunFailedError(wrong.strip()[-_TAIL:] or f"it ended with exit code {process.returncode}")
    measured: dict[str, Any] = json.loads(told.splitlines()[-1])
    return measured


def _awaited(process: "subprocess.Popen[str]", seconds: float) -> tuple[str, str]:
    """Return what a run has said, and what it has complained of."""
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return "", f"it was given up after {seconds:g} s"
    finally:
        _end(process)


def _command(figure: str, contestant: str, directory: Path, shared: Path) -> list[str]:
    return [sys.executable, "-m", _MODULE, figure, contestant, str(directory), str(shared)]


def _end(process: "subprocess.Popen[str]") -> None:
    """End a run that goes on, in order; then whatever of its group is still there."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
