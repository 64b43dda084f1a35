"""A value that a server refuses keeps the changes of its event alone from being stored, wherever in a batch it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.model import Execution, InsertExecution, UpdateExecution
from schedulezero.scheduler.store import Conflict, DataRefused, Store
from schedulezero.testkit.databases.fixtures import SERVERS, Databases

from .filled import changes

TOO_LONG = "i" * 201
"""For the column of an instance's id; nothing that registers has such a one."""


@pytest.fixture(params=SERVERS)
def store(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[Store]:
    store = Store.open(databases.cleared(request.param, tmp_path), owner="refused")
    yield store
    store.close()


@pytest.fixture
def pending(store: Store) -> list[Execution]:
    """Stored executions that wait."""
    inserts = [change for change in changes(100) if isinstance(change, InsertExecution)]
    assert store.writer.commit([[insert] for insert in inserts]) == [None] * len(inserts)
    return [insert.execution for insert in inserts if insert.execution.status is Status.PENDING]


def claimed(before: Execution, instance_id: str) -> UpdateExecution:
    after = replace(before, status=Status.RUNNING, claim=7, attempt=1, instance_id=instance_id, started_at=5)
    return UpdateExecution(execution=after, status_before=before.status, claim_before=before.claim)


@pytest.mark.parametrize("number", [3, 20])
def test_one_of_many_updates_is_refused_alone(store: Store, pending: list[Execution], number: int) -> None:
    first, second, *others = pending[:number]
    groups = [[claimed(first, "i1")], [claimed(second, TOO_LONG)], *([claimed(one, "i3")] for one in others)]

    stored, refused, *also_stored = store.writer.commit(groups)

    assert [stored, *also_stored] == [None] * (number - 1)
    assert isinstance(refused, DataRefused)
    read = [store.reader.execution(one.id) for one in pending[:number]]
    assert [one and (one.status, one.instance_id) for one in read] == [
        (Status.RUNNING, "i1"),
        (Status.PENDING, None),
        *[(Status.RUNNING, "i3")] * len(others),
    ]


@pytest.mark.parametrize("number", [3, 20])
def test_one_of_many_updates_that_meets_no_row_is_a_conflict_of_all(
    store: Store, pending: list[Execution], number: int
) -> None:
    first, second, *others = pending[:number]
    replaced = replace(second, claim=99)
    updates = [claimed(first, "i1"), claimed(replaced, "i2"), *(claimed(one, "i3") for one in others)]

    with pytest.raises(Conflict, match=f"UpdateExecution met {number - 1} of {number} rows"):
        store.writer.commit([[update] for update in updates])

    assert [store.reader.execution(one.id) for one in pending[:number]] == pending[:number]
    assert store.writer.commit([[claimed(first, "i1")]]) == [None]
