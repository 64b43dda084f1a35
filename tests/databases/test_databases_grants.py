"""The users and rights that the documentation has an administrator make are enough, and no more than that."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from schedulezero.protocol.states import Status
from schedulezero.scheduler.store import CannotOpen, Store
from schedulezero.scheduler.store.engine import open_engines
from schedulezero.scheduler.store.retention import Ages
from schedulezero.standalone import databases as commands
from schedulezero.testkit.databases.fixtures import SERVERS, Databases

from .filled import fill

PAGE = (Path(__file__).parents[2] / "docs_site/deployment/databases.md").read_text(encoding="utf-8")
NAME, OWNER = "schedulezero", "schedulezero_owner"
TITLES = {"postgresql": "as the administrator, in psql", "mysql": "as root, in mysql"}


class Users:
    """The database of the page, as each of its users sees it."""

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        place = rest.rpartition("@")[2]
        self.program = f"{scheme}://{NAME}:PASSWORD@{place}"
        self.owner = f"{scheme}://{OWNER}:OWNERS-PASSWORD@{place}"


@pytest.fixture(params=SERVERS)
def users(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Users]:
    server = databases.server(request.param)
    (block,) = re.findall(rf'```sql title="{TITLES[request.param]}"\n(.*?)```', PAGE, re.DOTALL)
    for_all, _, for_one = block.partition(f"\\connect {NAME}\n")
    try:
        server.administer(*statements(for_all))
        server.administer(*statements(for_one), database=NAME)
        yield Users(server.url_of(NAME))
    finally:
        server.drop(NAME)
        server.administer(f"DROP USER {NAME}", f"DROP USER {OWNER}")


def statements(block: str) -> list[str]:
    return [statement.strip() for statement in block.split(";\n") if statement.strip()]


def test_the_owner_makes_the_tables_and_the_program_does_the_rest(users: Users) -> None:
    assert commands.upgrade(users.owner) == 0

    fill(users.program, 10)

    store = Store.open(users.program, owner="cleaner")
    ended = [Status.SUCCESS, Status.ERROR, Status.SKIPPED, Status.CANCELLED]
    assert store.retention.clear_executions(Ages.all_before(2**60), 100).removed > len(ended)
    store.close()
    assert commands.check(users.program) == 0


def test_the_program_itself_can_make_no_tables_and_says_what_to_do(users: Users) -> None:
    with pytest.raises(CannotOpen, match=r"schedulezero db upgrade") as refused:
        Store.open(users.program, owner="early")

    assert "PASSWORD" not in str(refused.value)
    with open_engines(users.owner) as engines, engines.writer.connect() as connection:
        assert connection.dialect.get_table_names(connection) == []
