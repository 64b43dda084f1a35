"""Programs under test: started as a user would, ended by their process id, with all that they have said."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

_END_SECONDS = 20.0
_TAIL_BYTES = 6_000

CONSOLE_SCRIPTS = Path(sys.executable).parent
"""Where the console scripts of this environment are."""


class Program:
    """One program and its lives: it may be ended and started again; its log goes on in the same file.

    Args:
        name: what failures call it.
        command: the program and its arguments.
        environ: all of its environment.
        directory: its working directory; its log is `NAME.log` there.
    """

    def __init__(self, name: str, command: Sequence[str], *, environ: Mapping[str, str], directory: Path) -> None:
        self.name = name
        self.log = directory / f"{name}.log"
        self._command, self._environ, self._directory = list(command), dict(environ), directory
        self._process: subprocess.Popen[bytes] | None = None

    def under(self, **environ: str) -> Self:
        """Add to its environment, from its next start on."""
        self._environ |= environ
        return self

    def start(self, **environ: str) -> Self:
        """Start it, or start it again; `environ` adds to its environment from now on."""
        assert not self.running, f"{self.name} runs already"
        self.under(**environ)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                env=self._environ,
            )
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self, within: float = _END_SECONDS) -> int:
        """Return its exit code once it has ended by itself; negative where a signal has killed it."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.wait(timeout=within)

    def end(self, number: signal.Signals = signal.SIGTERM, within: float = _END_SECONDS) -> int:
        """Send it a signal and return its exit code."""
        self.send(number)
        return self.wait(within)

    def kill(self) -> None:
        """Kill it, as if its machine had lost power."""
        self.end(signal.SIGKILL)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Let it do nothing at all in the block, as if its machine were suspended; it goes on afterwards."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def close(self) -> None:
        """End it if it runs, in whatever way it takes."""
        if not self.running:
            return
        try:
            self.end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()

    # -- what it has said ------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """All that it has written, in all its lives."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    @property
    def tail(self) -> str:
        """The end of it."""
        return self.text[-_TAIL_BYTES:]

    def lines(self, action: str = "", **fields: Any) -> list[dict[str, Any]]:
        """Return its log lines with this action and these fields, in order."""
        wanted = fields | ({"action": action} if action else {})
        return [line for line in self._parsed() if wanted.items() <= line.items()]

    def said(self, text: str) -> list[str]:
        """Return the lines that contain `text`."""
        return [line for line in self.text.splitlines() if text in line]

    def _parsed(self) -> list[dict[str, Any]]:
        return [_hashable(json.loads(line)) for line in self.text.splitlines() if line.startswith("{")]


def _hashable(line: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in line.items()}
