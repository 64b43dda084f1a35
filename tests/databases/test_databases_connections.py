"""Which of a server's connections are used again, and which are closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from schedulezero.scheduler.store.engine import Engines, open_engines
from schedulezero.testkit.databases.fixtures import SERVERS, Databases, Server
from schedulezero.testkit.waiting import eventually

OWN_ID = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
ALL_IDS = {"postgresql": "SELECT pid FROM pg_stat_activity", "mysql": "SELECT id FROM information_schema.processlist"}


@pytest.fixture(params=SERVERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(databases: Databases, kind: str) -> Server:
    return databases.server(kind)


@pytest.fixture
def engines(databases: Databases, kind: str, tmp_path: Path) -> Iterator[Engines]:
    with open_engines(databases.cleared(kind, tmp_path)) as engines:
        yield engines


def id_of(connection: Connection, kind: str) -> object:
    return connection.exec_driver_sql(OWN_ID[kind]).scalar()


def read_once(engines: Engines, kind: str) -> object:
    with engines.reader.connect() as connection:
        return id_of(connection, kind)


def test_a_connection_that_reads_is_used_again(engines: Engines, kind: str) -> None:
    assert read_once(engines, kind) == read_once(engines, kind)


def test_one_that_was_reading_while_writing_failed_goes_on_and_is_then_closed(
    engines: Engines, server: Server, kind: str
) -> None:
    with engines.reader.connect() as reading:
        before = id_of(reading, kind)
        with engines.writer.connect() as writing:
            writing.invalidate()
        assert id_of(reading, kind) == before

    after = read_once(engines, kind)

    assert after != before
    assert read_once(engines, kind) == after
    eventually(lambda: (before,) not in server.rows(ALL_IDS[kind]), what="the end of the old connection")
