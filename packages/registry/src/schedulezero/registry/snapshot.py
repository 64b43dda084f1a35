"""The snapshot file: what the registry remembers over a restart, as YAML that a person can read.

It spares users an empty list of handlers after a restart. Nothing else rests on it, and it may be removed while the
registry is stopped.
"""

import asyncio
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.validation import decode
from schedulezero.protocol.values import InstanceState, Value
from schedulezero.runtime.errors import StartError
from schedulezero.runtime.logging import get_logger

Instances = tuple[InstanceState, ...]

# The C parts of PyYAML are many times as fast, and absent from some builds.
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HEADING = "# The handlers that the registry has heard of. It writes this file, and reads it when it starts.\n"
_DAMAGE = (yaml.YAMLError, ScheduleZeroError, ValueError, TypeError, RecursionError)

_log = get_logger()


class _Content(Value):
    """What the file holds; one of another form than this reads as damaged."""

    form: Literal[1]
    instances: Instances


class SnapshotFile:
    """Writes and reads the snapshot. Whenever the process is killed, the file is a whole one.

    Args:
        path: the file; its directory is made when missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._draft = path.with_name(f".{path.name}.draft")

    def open(self) -> Instances:
        """Return what the file holds: nothing where there is none, or where it is damaged and was set aside.

        Raises:
            StartError: the file cannot be read, or its directory not be written to.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._write_draft(b"")
            self._draft.unlink()
            return self._parse(self._path.read_bytes()) if self._path.exists() else ()
        except OSError as error:
            message = (
                f"the registry cannot keep its snapshot {self._path} ({error.strerror or error}): make its directory "
                "writable, or choose another file with SCHEDULEZERO_REGISTRY_PATH"
            )
            raise StartError.of(Code.UNAVAILABLE, message, path="registry.path") from error

    def write(self, instances: Instances) -> None:
        """Replace the file. It waits for the disk: call it off the loop.

        Raises:
            OSError: it could not be written; the former file is as it was.
        """
        try:
            self._write_draft(_render(instances))
            self._draft.replace(self._path)
        except OSError:
            self._draft.unlink(missing_ok=True)
            raise

    def _write_draft(self, data: bytes) -> None:
        with self._draft.open("wb") as draft:
            draft.write(data)
            draft.flush()
            os.fsync(draft.fileno())

    def _parse(self, data: bytes) -> Instances:
        try:
            return decode(msgspec.json.encode(yaml.load(data, _Loader)), _Content).instances
        except _DAMAGE as error:
            _log.warning("registry.snapshot_damaged", set_aside=str(self._set_aside()), error=str(error))
            return ()

    def _set_aside(self) -> Path:
        names = (self._path.with_name(f"{self._path.name}.damaged-{number}") for number in itertools.count(1))
        return self._path.rename(next(name for name in names if not name.exists()))


class SnapshotLoop:
    """Writes the snapshot when there is something new to remember, at most once a second, in a thread.

    Args:
        file: where to.
        remembered: gives what is to be written.
    """

    name = "registry.snapshot"
    interval = 1.0

    def __init__(self, file: SnapshotFile, remembered: Callable[[], Instances]) -> None:
        self._file = file
        self._remembered = remembered
        self._dirty = False

    def mark(self) -> None:
        """Have it written in the next round."""
        self._dirty = True

    async def run_once(self) -> None:
        """Write if there is something new. Raises OSError when that fails; the next round tries again."""
        if not self._dirty:
            return
        self._dirty = False
        try:
            await self.write()
        except OSError:
            self._dirty = True
            raise

    async def write(self) -> None:
        """Write what is remembered now. Raises OSError when that fails."""
        await asyncio.to_thread(self._file.write, self._remembered())


def _render(instances: Instances) -> bytes:
    plain = msgspec.json.decode(msgspec.json.encode(_Content(form=1, instances=instances)))
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return (_HEADING + text).encode()
