"""Whose turn it is: nobody waits for one who is slow or away."""

from random import Random

from schedulezero.runtime.service import Backoff
from schedulezero.scheduler.core.model import SECOND
from schedulezero.scheduler.webhooks.receivers import Bounds, Receivers

BOUNDS = Bounds(visits=4, troubled_visits=2, known=6, rest=Backoff(first=1.0, most=8.0, rng=Random(1)))


def owing(*names: str) -> Receivers:
    receivers = Receivers(BOUNDS)
    for name in names:
        assert receivers.owe(name, 0)
    return receivers


def set_out_all(receivers: Receivers, now: int = 0) -> list[str]:
    return list(iter(lambda: receivers.set_out(now) or "", ""))


def back(receivers: Receivers, name: str, now: int = 0, *, due: int | None = 0, **how: bool) -> bool:
    failed, slow = how.get("failed", False), how.get("slow", False)
    return receivers.came_back(name, now, due=due, failed=failed, slow=slow, asked_seconds=0)


def test_one_visit_to_each_and_no_more_than_four_at_a_time() -> None:
    receivers = owing("a", "b", "c", "d", "e")

    assert set_out_all(receivers) == ["a", "b", "c", "d"]
    assert receivers.next_departure() is None
    back(receivers, "b")
    assert set_out_all(receivers) == ["e"]


def test_who_was_visited_goes_to_the_end() -> None:
    receivers = owing("a", "b", "c", "d", "e", "f")
    for name in set_out_all(receivers):
        back(receivers, name)

    assert set_out_all(receivers) == ["e", "f", "a", "b"]


def test_who_is_owed_nothing_any_more_is_forgotten_and_makes_room() -> None:
    receivers = owing("a", "b", "c", "d", "e", "f")
    assert not receivers.owe("g", 0)
    set_out_all(receivers)

    assert back(receivers, "a", due=None)

    assert receivers.owe("g", 0)


def test_what_comes_during_a_visit_brings_another() -> None:
    receivers = owing("a")
    assert set_out_all(receivers) == ["a"]
    receivers.owe("a", 5)

    assert not back(receivers, "a", 7, due=None)

    assert receivers.next_departure() == 7
    assert set_out_all(receivers, 7) == ["a"]
    assert back(receivers, "a", 8, due=None)


def test_nobody_is_visited_before_something_is_due() -> None:
    receivers = owing("a")
    set_out_all(receivers)
    back(receivers, "a", due=50)

    assert receivers.next_departure() == 50
    assert set_out_all(receivers, 49) == []
    receivers.owe("a", 20)
    assert set_out_all(receivers, 20) == ["a"]


def test_who_fails_is_left_alone_the_longer_the_more_often_and_new_work_changes_nothing() -> None:
    receivers = owing("a")
    now, rests = 0, []
    for _ in range(6):
        assert set_out_all(receivers, now) == ["a"]
        back(receivers, "a", now, failed=True)
        receivers.owe("a", now)
        departure = receivers.next_departure()
        assert departure is not None
        rests.append((departure - now) / SECOND)
        now = departure

    bounds = [(0.5, 1.5), (1, 3), (2, 6), (4, 12), (4, 12), (4, 12)]
    assert all(least <= rest <= most for rest, (least, most) in zip(rests, bounds, strict=True))
    set_out_all(receivers, now)
    back(receivers, "a", now, due=now)
    assert receivers.next_departure() == now


def test_who_asks_to_be_left_alone_is() -> None:
    receivers = owing("a")
    set_out_all(receivers)

    receivers.came_back("a", 0, due=0, failed=True, slow=False, asked_seconds=600)

    assert receivers.next_departure() == 600 * SECOND


def test_those_in_trouble_take_half_of_the_visits_at_most() -> None:
    receivers = owing("bad 1", "bad 2", "slow 1", "slow 2")
    for name in set_out_all(receivers):
        back(receivers, name, failed=name.startswith("bad"), slow=name.startswith("slow"))
    receivers.owe("well 1", 0)
    receivers.owe("well 2", 0)

    later = 60 * SECOND
    assert set_out_all(receivers, later) == ["bad 1", "bad 2", "well 1", "well 2"]
    back(receivers, "well 1", later, due=None)
    assert receivers.next_departure() is None
    back(receivers, "bad 1", later)
    assert set_out_all(receivers, later) == ["slow 1", "bad 1"]
