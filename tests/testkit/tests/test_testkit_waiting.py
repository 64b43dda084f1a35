"""Waiting returns what it has waited for, and says what it was like where it has waited in vain."""

from collections.abc import Iterator

import pytest

from schedulezero.testkit.waiting import NeverHappened, eventually


def test_the_first_true_value_is_returned() -> None:
    values: Iterator[int] = iter([0, 0, 7, 8])

    assert eventually(lambda: next(values)) == 7


def test_a_failing_assertion_means_not_yet() -> None:
    values: Iterator[int] = iter([1, 2, 3])

    def look() -> bool:
        assert next(values) == 3
        return True

    assert eventually(look)


def test_waiting_in_vain_tells_what_it_was_like_at_the_end() -> None:
    with pytest.raises(NeverHappened, match=r"^the door did not come true within 0\.05 s; at last: False$"):
        eventually(lambda: False, within=0.05, what="the door")


def test_a_fault_of_the_test_itself_is_not_waited_through() -> None:
    with pytest.raises(TypeError):
        eventually(lambda: len(3))  # type: ignore[arg-type]
