"""A database server that a test may do anything to, seen through a network that may do anything too."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from schedulezero.testkit.databases.fixtures import SERVERS
from schedulezero.testkit.databases.processes import Mariadb, NotInstalled, Postgresql, ServerProcess
from schedulezero.testkit.databases.proxy import Proxy
from schedulezero.testkit.databases.servers import MysqlServer, PostgresqlServer, Server

SCHEDULER = "app"
"""The user that schedulers connect as: it has the grants that the documentation names, no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A server of the test's own, a database on it with the schema of this code, and two ways to it."""

    kind: str
    process: ServerProcess
    server: Server
    database: str
    proxy: Proxy
    other: Proxy

    @property
    def url(self) -> str:
        """The database as the scheduler's user sees it, through `proxy`."""
        return self.server.url_of(self.database, port=self.proxy.port, user=SCHEDULER)

    def clear(self) -> None:
        """Make it as it was when it was new."""
        self.proxy.mend()
        self.other.mend()
        self.proxy.target = self.server.address
        self.server.clear(self.database)


@pytest.fixture(scope="module", params=SERVERS)
def server_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with ExitStack() as stack:
        try:
            if request.param == "postgresql":
                process: ServerProcess = stack.enter_context(Postgresql())
                server: Server = PostgresqlServer(process.url)
            else:
                process = stack.enter_context(Mariadb("--max-user-connections=100"))
                server = MysqlServer(process.url)
        except NotInstalled as lacking:
            pytest.skip(str(lacking))
        database = server.migrated()
        server.grant(SCHEDULER, database)
        ways = [stack.enter_context(Proxy(server.address)) for _ in range(2)]
        yield Site(kind=request.param, process=process, server=server, database=database, proxy=ways[0], other=ways[1])


@pytest.fixture
def site(server_site: Site) -> Site:
    """A server with an empty database, as each test finds it."""
    server_site.clear()
    return server_site
