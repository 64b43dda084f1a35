"""Execution ids sort by the time of their making, whatever the clock does."""

import uuid
from random import Random

from schedulezero.scheduler.core.ids import IdSource

NOON = 1_800_000_000_123_456


def test_an_id_is_a_uuid_of_version_7_that_carries_its_time() -> None:
    id_ = uuid.UUID(IdSource(Random(1)).next(NOON))

    assert id_.version == 7
    assert id_.variant == uuid.RFC_4122
    assert id_.int >> 80 == NOON // 1000


def test_ids_rise_within_a_microsecond_and_when_the_clock_is_stepped_back() -> None:
    source = IdSource(Random(1))

    ids = [source.next(now) for now in [NOON] * 10_000 + [NOON - 3_600_000_000] * 10 + [NOON + 1] * 10]

    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
