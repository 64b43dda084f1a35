"""A scheduler over a disk that fails when a test says so."""

from collections.abc import Iterator

import pytest

from schedulezero.scheduler.store.writes import Writer
from schedulezero.testkit.disk import Disk


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The disk of every scheduler that the test starts."""
    disk, real = Disk(), Writer.commit
    monkeypatch.setattr(Writer, "commit", lambda self, groups: disk.commit(lambda some: real(self, some), groups))
    yield disk
    disk.unblock()
