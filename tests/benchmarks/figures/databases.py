"""The batch rate on each database, each with a disk that is waited for."""

from contextlib import ExitStack
from pathlib import Path

from schedulezero.testkit.databases.processes import Mariadb, NotInstalled, Postgresql
from schedulezero.testkit.databases.servers import MysqlServer, PostgresqlServer, Server

from ..contestants import OURS
from ..system import Measured
from .batch import RUNS, seconds_of
from .figure import Figure, Measure

_DURABLE = {
    "postgresql": ("-c", "fsync=on"),
    "mariadb": ("--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=1"),
}


def measure(_name: str, directory: Path) -> dict[str, float]:
    rates = {"sqlite": _rate(directory / "sqlite")}
    for kind in _DURABLE:
        try:
            with ExitStack() as stack:
                rates[kind] = _rate(directory / kind, SCHEDULEZERO_DATABASE_URL=_url(kind, stack))
        except NotInstalled:
            continue
    shares = {f"{kind}_share": round(rates[kind] / rates["sqlite"], 3) for kind in _DURABLE if kind in rates}
    return {**rates, **shares}


def _url(kind: str, stack: ExitStack) -> str:
    """Start a server and return the URL of an empty database in it."""
    if kind == "postgresql":
        server: Server = PostgresqlServer(stack.enter_context(Postgresql(*_DURABLE[kind])).url)
    else:
        server = MysqlServer(stack.enter_context(Mariadb(*_DURABLE[kind])).url)
    return server.url_of(server.empty())


def _rate(directory: Path, **environ: str) -> float:
    with Measured(directory, **environ) as system:
        return round(RUNS / seconds_of(system, RUNS), 1)


FIGURE = Figure(
    name="databases",
    title="10,000 runs by the batch call, by database",
    contestants=(OURS,),
    measures=(
        Measure(name="sqlite", title="SQLite", unit="runs/s", digits=0),
        Measure(name="postgresql", title="PostgreSQL", unit="runs/s", digits=0),
        Measure(
            name="postgresql_share",
            title="PostgreSQL, of SQLite's",
            unit="",
            reach=0.5,
            aim=0.667,
            more_is_better=True,
            digits=2,
        ),
        Measure(name="mariadb", title="MariaDB", unit="runs/s", digits=0),
        Measure(
            name="mariadb_share",
            title="MariaDB, of SQLite's",
            unit="",
            reach=0.5,
            aim=0.667,
            more_is_better=True,
            digits=2,
        ),
    ),
    measure=measure,
    seconds=240,
)
"""Where a server's programs are not installed, its rate is left out."""
