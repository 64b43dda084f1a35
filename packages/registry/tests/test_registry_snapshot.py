"""The snapshot on real files: whole after a kill, set aside when damaged, clear when it cannot be kept."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec import Raw
from structlog.testing import capture_logs

from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceInfo, InstanceState, MethodSpec, RetryOptions
from schedulezero.registry.snapshot import SnapshotFile, SnapshotLoop
from schedulezero.runtime.errors import StartError

AWKWARD = "yes: 'no' \"#\" - 2026-01-01\t\u0085\u2028\n  null é 漢 😀 \x07"


def state(instance_id: str = "i1", *, doc: str | None = None) -> InstanceState:
    method = MethodSpec(
        name="do_work",
        params_schema=Raw(b'{"type":"object","properties":{"n":{"type":"integer","maximum":1e300}}}'),
        doc=doc,
        timeout_seconds=2.5,
        retry=RetryOptions(max_attempts=2),
    )
    info = InstanceInfo(
        handler_id="reports", instance_id=instance_id, boot_id="1e3", address="tcp://[::1]:5001", methods=(method,)
    )
    seen = datetime(2026, 11, 23, 5, 0, 0, 123456, tzinfo=UTC)
    return InstanceState(info=info, status=HandlerStatus.CONNECTED, running=3, last_seen=seen)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "handler_registry.yaml"


def files(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir())


# -- reading and writing --------------------------------------------------------------------------------------------


def test_without_a_file_nothing_is_remembered_and_its_directory_is_made(path: Path) -> None:
    assert SnapshotFile(path).open() == ()
    assert files(path) == []


def test_what_was_written_is_read_back(path: Path) -> None:
    written = (state("i1", doc=AWKWARD), state("2026-01-01"), state("null", doc=""))
    SnapshotFile(path).open()

    SnapshotFile(path).write(written)

    assert SnapshotFile(path).open() == written
    assert files(path) == ["handler_registry.yaml"]


def test_the_file_can_be_read_by_people(path: Path) -> None:
    SnapshotFile(path).open()
    SnapshotFile(path).write((state(doc="Grüße"),))

    lines = path.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith("# The handlers that the registry has heard of.")
    assert "    handler_id: reports" in lines
    assert "      doc: Grüße" in lines


# -- killed and failing ---------------------------------------------------------------------------------------------

_WRITER = """
import itertools, sys
from pathlib import Path
import msgspec
from schedulezero.protocol.values import InstanceState
from schedulezero.registry.snapshot import SnapshotFile

state = msgspec.json.decode(sys.argv[2], type=InstanceState)
file = SnapshotFile(Path(sys.argv[1]))
file.open()
for number in itertools.count(1):
    file.write((state,) * (number % 50 + 1))
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is for POSIX")
def test_the_file_is_a_whole_one_whenever_the_writer_is_killed(path: Path) -> None:
    encoded = msgspec.json.encode(state(doc="x" * 2_000)).decode()
    for writes in (1, 2, 5, 13):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), encoded], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            while int(writer.stdout.readline()) < writes:
                pass
            writer.send_signal(signal.SIGKILL)

        assert len(SnapshotFile(path).open()) >= 2
        assert files(path) == ["handler_registry.yaml"]


def test_a_write_that_fails_leaves_the_former_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SnapshotFile(path)
    file.open()
    file.write((state("former"),))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            file.write((state("later"),))

    assert files(path) == ["handler_registry.yaml"]
    assert [found.info.instance_id for found in file.open()] == ["former"]


# -- damaged --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"form: 1\ninstances: [",
        b"\x00\xff\xfe binary",
        b"form: 1\n",
        b"form: 2\ninstances: []\n",
        b"form: 1\ninstances:\n- info: {}\n",
        b"form: 1\ninstances: 2026-99-99\n",
        b"? [a, b]\n: c\n",
        b"!!python/object/apply:os.system ['true']\n",
        b"[" * 5_000,
    ],
    ids=[
        "empty",
        "cut off",
        "binary",
        "field missing",
        "later form",
        "incomplete",
        "no such day",
        "odd key",
        "code",
        "deep",
    ],
)
def test_a_damaged_file_is_set_aside_and_told_of(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with capture_logs() as logs:
        found = SnapshotFile(path).open()

    aside = path.with_name("handler_registry.yaml.damaged-1")
    assert found == ()
    assert aside.read_bytes() == content
    assert files(path) == [aside.name]
    assert [(line["event"], line["log_level"], line["set_aside"]) for line in logs] == [
        ("registry.snapshot_damaged", "warning", str(aside))
    ]


def test_an_earlier_damaged_file_is_kept(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"first", b"second"):
        path.write_bytes(content)
        SnapshotFile(path).open()

    assert files(path) == ["handler_registry.yaml.damaged-1", "handler_registry.yaml.damaged-2"]
    assert path.with_name("handler_registry.yaml.damaged-2").read_bytes() == b"second"


# -- cannot be kept -------------------------------------------------------------------------------------------------


def test_a_directory_that_cannot_be_written_to_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartError) as failure:
        SnapshotFile(tmp_path / "file" / "handler_registry.yaml").open()

    assert str(tmp_path / "file" / "handler_registry.yaml") in str(failure.value)
    assert "SCHEDULEZERO_REGISTRY_PATH" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_path_that_is_a_directory_is_one_clear_line(path: Path) -> None:
    path.mkdir(parents=True)

    with pytest.raises(StartError, match="SCHEDULEZERO_REGISTRY_PATH"):
        SnapshotFile(path).open()


# -- the loop -------------------------------------------------------------------------------------------------------


class Recorder(SnapshotFile):
    """Counts what is written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.writes: list[tuple[str, ...]] = []

    def write(self, instances: tuple[InstanceState, ...]) -> None:
        self.writes.append(tuple(found.info.instance_id for found in instances))
        super().write(instances)


def test_it_is_written_once_for_all_that_is_new(path: Path) -> None:
    file = Recorder(path)
    file.open()
    loop = SnapshotLoop(file, lambda: (state("i1"),))

    async def rounds() -> None:
        await loop.run_once()
        loop.mark()
        loop.mark()
        await loop.run_once()
        await loop.run_once()

    asyncio.run(rounds())

    assert file.writes == [("i1",)]


def test_what_could_not_be_written_is_written_in_the_next_round(path: Path) -> None:
    file = Recorder(path)
    loop = SnapshotLoop(file, lambda: (state("i1"),))

    async def rounds() -> None:
        loop.mark()
        with pytest.raises(FileNotFoundError):
            await loop.run_once()
        path.parent.mkdir()
        await loop.run_once()

    asyncio.run(rounds())

    assert [found.info.instance_id for found in file.open()] == ["i1"]
