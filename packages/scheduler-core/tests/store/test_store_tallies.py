"""Buckets of durations and what is estimated from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedulezero.scheduler.store.tallies import bucket_of, percentile


@given(st.integers(min_value=1, max_value=2**53))
def test_a_duration_is_estimated_to_a_tenth(duration: int) -> None:
    estimate = percentile({bucket_of(duration): 1}, 0.5)
    assert estimate == pytest.approx(duration, rel=0.1)


@given(st.lists(st.integers(min_value=0, max_value=2**40), min_size=1), st.floats(min_value=0, max_value=1))
def test_percentiles_are_in_order_and_within_what_was_counted(durations: list[int], share: float) -> None:
    buckets: dict[int, int] = {}
    for duration in durations:
        buckets[bucket_of(duration)] = buckets.get(bucket_of(duration), 0) + 1
    estimate = percentile(buckets, share)
    assert estimate is not None
    assert min(durations) / 1.1 <= estimate <= max(durations) * 1.1
    assert estimate <= (percentile(buckets, 1) or 0)


def test_the_longer_goes_into_no_earlier_bucket() -> None:
    buckets = [bucket_of(duration) for duration in range(5000)]
    assert buckets == sorted(buckets)
    assert buckets[:2] == [0, 1]


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.5) is None
