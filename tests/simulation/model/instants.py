"""The independent oracle: which instants a trigger names, counted out from what its configuration says.

Intervals and dates are computed here from their fields. The others are walked by the compiled trigger's `next`,
which has tests of its own; what the ledger does with them is what is judged here.
"""

from collections.abc import Iterator
from datetime import datetime

from schedulezero.protocol.triggers import DateTrigger, IntervalTrigger
from schedulezero.protocol.values import ScheduleRequest
from schedulezero.runtime.clock import from_datetime

from .triggers import compile_once

_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def due_instants(request: ScheduleRequest, after: int, until: int) -> list[int]:
    """Return the instants in (after, until] of a stored request, in microseconds, oldest first."""
    first = after if request.start_at is None else max(after, from_datetime(request.start_at) - 1)
    last = until if request.end_at is None else min(until, from_datetime(request.end_at))
    return list(_between(request, first, last))


def _between(request: ScheduleRequest, after: int, until: int) -> Iterator[int]:
    config = request.trigger_config
    match config:
        case DateTrigger():
            instant = _instant(config.run_date)
            yield from [instant] if after < instant <= until else []
        case IntervalTrigger():
            yield from _counted_out(config, after, until)
        case _:
            trigger = compile_once(config)
            fire = trigger.next(after)
            while fire is not None and fire <= until:
                yield fire
                fire = trigger.next(fire)


def _counted_out(config: IntervalTrigger, after: int, until: int) -> Iterator[int]:
    assert config.start_time is not None
    start = _instant(config.start_time)
    step = round(sum(getattr(config, unit) * seconds for unit, seconds in _SECONDS.items()) * 1_000_000)
    end = until if config.end_time is None else min(until, _instant(config.end_time))
    return (instant for instant in range(start, end + 1, step) if instant > after)


def _instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text))
