"""A disk of a test's own that is small enough to be filled: a tmpfs, which root may mount."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_BLOCK = bytes(64 * 1024)


class SmallDisk:
    """A mounted disk.

    Args:
        root: where it is mounted.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ballast = root / "ballast"

    def fill(self) -> None:
        """Leave no byte of it free."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (len(_BLOCK), 4096, 1):
                _write_until_full(ballast.fileno(), _BLOCK[:size])

    def make_room(self) -> None:
        """Give back what `fill` has taken."""
        self._ballast.unlink()

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free


@contextmanager
def small_disk(root: Path, mebibytes: int) -> Iterator[SmallDisk]:
    """Mount a disk of this size in the block. End first what has files open on it.

    Args:
        root: where; the directory is made.
        mebibytes: its size.

    Raises:
        pytest.skip.Exception: this user may not mount one.
    """
    root.mkdir()
    options = f"size={mebibytes}m,mode=700,uid={os.getuid()},gid={os.getgid()}"
    mounted = _as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(root))
    if mounted.returncode:
        why = mounted.stderr.decode().strip()
        pytest.skip(f"needs a small disk, which root may mount ({why}); run as root, in a container with SYS_ADMIN")
    try:
        yield SmallDisk(root)
    finally:
        _as_root("umount", "--lazy", str(root)).check_returncode()


def _as_root(*command: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a command as root, where this is root or may be it without a password."""
    prefix = () if os.getuid() == 0 else ("sudo", "-n")
    try:
        return subprocess.run([*prefix, *command], capture_output=True, check=False)
    except FileNotFoundError as error:
        return subprocess.CompletedProcess(command, 127, b"", str(error).encode())


def _write_until_full(descriptor: int, block: bytes) -> None:
    try:
        while True:
            os.write(descriptor, block)
    except OSError:
        return
