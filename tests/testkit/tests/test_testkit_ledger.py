"""The check of ledgers finds what is wrong with one, and nothing in a sound one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schedulezero.testkit.ledger import every, ledger_faults

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
DUE = every(1, first=START, through=START + timedelta(seconds=5.5))


def row(second: int, covers: tuple[int, int, int] | None = None, **fields: Any) -> dict[str, Any]:
    """A record that ran at `second`, and covers (from, to, count)."""
    range_ = covers and {"from": at(covers[0]), "to": at(covers[1]), "count": covers[2], "exact": True}
    row = {"execution_id": f"x{second}", "scheduled_for": at(second), "retry_of": None, "covers": range_}
    return {**row, **fields}


def at(second: int) -> str:
    return (START + timedelta(seconds=second)).isoformat()


def test_an_interval_is_due_from_its_first_instant_through_the_last_that_fits() -> None:
    assert [moment.second for moment in DUE] == [0, 1, 2, 3, 4, 5]


def test_rows_and_ranges_that_account_for_each_instant_once_are_no_fault() -> None:
    assert ledger_faults([row(0), row(4, covers=(1, 4, 4)), row(5)], DUE) == []


def test_runs_by_hand_and_replays_account_for_no_instant() -> None:
    records = [row(0, covers=(0, 5, 6)), row(1, scheduled_for=None), row(2, retry_of="x0")]

    assert ledger_faults(records, DUE) == []


def test_an_instant_without_a_row_is_a_fault() -> None:
    assert ledger_faults([row(1, covers=(1, 5, 5))], DUE) == ["2026-11-23T06:00:00+00:00 has no row"]


def test_an_instant_with_two_rows_is_a_fault_also_where_one_is_a_range() -> None:
    assert ledger_faults([row(0, covers=(0, 5, 6)), row(3)], DUE) == ["2026-11-23T06:00:03+00:00 has 2 rows"]


def test_a_range_that_counts_wrongly_is_a_fault() -> None:
    assert ledger_faults([row(0, covers=(0, 5, 7))], DUE) == ["x0 covers 6 instants and says 7"]


def test_a_row_for_an_instant_that_was_not_due_is_a_fault() -> None:
    records = [row(0, covers=(0, 5, 6)), row(9)]

    assert ledger_faults(records, DUE) == ["x9 accounts for 2026-11-23T06:00:09+00:00, which was not due"]
