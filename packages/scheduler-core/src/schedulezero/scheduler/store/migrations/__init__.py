"""Brings a database to the schema of this code: an empty one at once, any other by steps.

Each step is one file in `versions`, numbered in order.
"""

from pathlib import Path
from typing import NoReturn

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, text

from schedulezero.scheduler.core.model import SHARDS
from schedulezero.scheduler.store.dialects import migration_lock
from schedulezero.scheduler.store.engine import Engines
from schedulezero.scheduler.store.errors import CannotOpen, SchemaTooNew
from schedulezero.scheduler.store.tables import metadata, shard_leases
from schedulezero.scheduler.store.transactions import said_plainly, writing

HEAD = "0007"
"""The last of the steps."""
VERSION_TABLE = "schedulezero_schema"
# As Alembic makes it.
_version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32)),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


def upgrade(engine: Engine) -> None:
    """Make the tables, or take the steps that they lack, one process at a time, all in one transaction where it can.

    Args:
        engine: the writing engine.

    Raises:
        SchemaTooNew: the database is of a later version of the program; it is left as it is.
        CannotOpen: tables of another program are in the way.
        StoreUnavailable: the database cannot be written.
    """
    with writing(engine) as connection, migration_lock(connection):
        version = version_of(connection)
        if not inspect(connection).has_table(VERSION_TABLE):
            _refuse_foreign_tables(connection)
            _make_tables(connection)
        elif version is not None and version > HEAD:
            _refuse_version(version)
        elif version != HEAD:
            _take_steps(connection)


def version_of(connection: Connection) -> str | None:
    """Return the last step that was taken; None where the database has none of our tables."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return version


def require_head(engines: Engines) -> None:
    """See that the schema is that of this code, and leave it as it is.

    Raises:
        CannotOpen: it is older, or there is none; SchemaTooNew: it is newer.
    """
    with said_plainly(engines.reader.dialect), engines.reader.begin() as connection:
        version = version_of(connection)
    if version is not None and version > HEAD:
        _refuse_version(version)
    if version != HEAD:
        has = f"schema {version}" if version else "no tables of ScheduleZero"
        remedy = "bring it to this version with `schedulezero db upgrade --database-url URL`"
        raise CannotOpen.because(f"the database {engines.shown} has {has}; {remedy}")


def _refuse_version(version: str) -> NoReturn:
    message = f"the database has schema {version}, this version of ScheduleZero knows {HEAD}; install the later one"
    raise SchemaTooNew.because(message)


def _refuse_foreign_tables(connection: Connection) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if taken:
        remedy = "choose another database with SCHEDULEZERO_DATABASE_URL"
        raise CannotOpen.because(f"the database holds tables of another program ({', '.join(taken)}); {remedy}")


def _make_tables(connection: Connection) -> None:
    """Make all of an empty database. Where that is cut short on MySQL, the steps make what is lacking."""
    _version.create(connection)
    metadata.create_all(connection)
    connection.execute(insert(shard_leases), [{"shard": shard, "epoch": 0} for shard in range(SHARDS)])
    connection.execute(insert(_version).values(version_num=HEAD))


def _take_steps(connection: Connection) -> None:
    # Alembic costs 10 MB and a third of a second, and is needed once for each version.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
