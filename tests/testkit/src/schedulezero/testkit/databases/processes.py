"""Database servers that tests start themselves: a directory and a port of their own, and no rights of root.

They survive being killed, as a server does whose machine goes on; losing power is not tested here, so they never wait
for the disk.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from schedulezero.scheduler.store.engine import open_engines
from schedulezero.testkit.ports import free_ports
from schedulezero.testkit.waiting import eventually

_DEBIAN = "/usr/lib/postgresql/*/bin"
_START_SECONDS = 60.0
_END_SECONDS = 30.0


class NotInstalled(Exception):
    """A server's program is not there; the text says what to install."""


class ServerProcess(ABC):
    """A database server as a process. It can be ended, killed, held and started again; its data stay.

    Args:
        options: further options of the server.

    Raises:
        NotInstalled: its programs are not there.
    """

    lacking: str

    def __init__(self, *options: str) -> None:
        self._options = options
        self._find()
        self.directory = Path(tempfile.mkdtemp(prefix="schedulezero-database-"))
        (self.port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._as_owner(self.directory)
            self._create()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    @abstractmethod
    def url(self) -> str:
        """Where its administrator connects."""

    def start(self) -> None:
        """Start it, and return once it answers."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command(), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self._environment(),
                **_unprivileged(),
            )
        eventually(self._answers, within=_START_SECONDS, what=f"an answer of {type(self).__name__}")

    def end(self) -> None:
        """Let it end in order, throwing its clients out."""
        self._end(self._fast)

    def kill(self) -> None:
        """End it at once, as it would end by a crash."""
        self._end(self._crash)

    def close(self) -> None:
        """End it and remove its data."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def text(self) -> str:
        """What it has written."""
        return (self.directory / "log").read_text(errors="replace")

    _fast = signal.SIGTERM
    _crash = signal.SIGKILL

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(timeout=_END_SECONDS)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"{type(self).__name__} has ended: {self.text[-2000:]}")
        open_engines(self.url).close()
        return True

    def _run(self, command: Sequence[str]) -> None:
        how: dict[str, Any] = {"cwd": self.directory, "env": self._environment(), **_unprivileged()}
        done = subprocess.run(command, capture_output=True, text=True, **how)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _environment(self) -> dict[str, str]:
        """Return an environment with a place of its own for temporary tables: MariaDB clears that where it starts."""
        return {**os.environ, "TMPDIR": str(self.directory)}

    def _as_owner(self, directory: Path) -> None:
        if identity := _unprivileged():
            os.chown(directory, identity["user"], identity["group"])

    @abstractmethod
    def _find(self) -> None: ...

    @abstractmethod
    def _create(self) -> None: ...

    @abstractmethod
    def _command(self) -> Sequence[str]: ...


class Postgresql(ServerProcess):
    """PostgreSQL, with `postgres` as the administrator, who needs no password."""

    lacking = "needs PostgreSQL; install with apt-get install postgresql"
    _fast = signal.SIGINT
    # Immediate: nothing is written any more, and the next start recovers.
    _crash = signal.SIGQUIT

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _find(self) -> None:
        newest_first = sorted(Path("/").glob(_DEBIAN.removeprefix("/")), reverse=True)
        self._initdb = _found("initdb", newest_first, self.lacking)
        self._postgres = _found("postgres", newest_first, self.lacking)

    def _create(self) -> None:
        options = ("--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres", "--no-sync")
        self._run([self._initdb, *options, "--no-instructions", "-D", str(self.directory / "data")])

    def _command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "shared_buffers": "32MB",
            "max_connections": "60",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self._postgres, "-D", str(self.directory / "data"), "-p", str(self.port), *options]


class Mariadb(ServerProcess):
    """MariaDB, with `root` as the administrator, who needs no password."""

    lacking = "needs MariaDB; install with apt-get install mariadb-server"

    @property
    def url(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/mysql"

    def _find(self) -> None:
        self._install = _found("mariadb-install-db", (), self.lacking)
        self._mariadbd = _found("mariadbd", [Path("/usr/sbin")], self.lacking)

    def _create(self) -> None:
        how = ("--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db")
        self._run([self._install, *how, "--innodb-log-file-size=4M", f"--datadir={self.directory / 'data'}"])

    def _command(self) -> Sequence[str]:
        settings = {
            "datadir": self.directory / "data",
            "socket": self.directory / "socket",
            "pid-file": self.directory / "pid",
            "bind-address": "127.0.0.1",
            "port": self.port,
            "innodb-log-file-size": "16M",
            "innodb-buffer-pool-size": "64M",
            "innodb-flush-log-at-trx-commit": 2,
            "innodb-doublewrite": 0,
            "performance-schema": 0,
        }
        return [self._mariadbd, "--no-defaults", *(f"--{name}={value}" for name, value in settings.items())]


def _found(program: str, folders: Iterable[Path], lacking: str) -> str:
    path = shutil.which(program) or next((shutil.which(program, path=str(folder)) for folder in folders), None)
    if path is None:
        raise NotInstalled(lacking)
    return path


def _unprivileged() -> dict[str, Any]:
    """Return what makes a process run as nobody where we are root, which the servers refuse to be."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
