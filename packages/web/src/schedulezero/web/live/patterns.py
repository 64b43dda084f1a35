"""What a client of the feed asks for: patterns such as `execution.*`, checked against the events that there are."""

import difflib
from collections.abc import Iterable
from typing import get_args

from msgspec.inspect import StructType, type_info

from schedulezero.protocol.errors import ScheduleZeroError, invalid_value
from schedulezero.protocol.events import RegistryEvent, SchedulerEvent
from schedulezero.protocol.validation import decode
from schedulezero.web.live.messages import LiveSubscription


def _types(union: object) -> tuple[str, ...]:
    infos = (type_info(member) for member in get_args(union))
    return tuple(str(info.tag) for info in infos if isinstance(info, StructType))


def _families(types: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(type_.partition(".")[0] for type_ in types))


_SCHEDULER_TYPES, _REGISTRY_TYPES = _types(SchedulerEvent), _types(RegistryEvent)
_TYPES = (*_SCHEDULER_TYPES, *_REGISTRY_TYPES)

SCHEDULER_FAMILIES = _families(_SCHEDULER_TYPES)
REGISTRY_FAMILIES = _families(_REGISTRY_TYPES)

_MEANT = {
    "*": frozenset(_TYPES),
    **{type_: frozenset({type_}) for type_ in _TYPES},
    **{
        f"{family}.*": frozenset(type_ for type_ in _TYPES if type_.startswith(f"{family}."))
        for family in (*SCHEDULER_FAMILIES, *REGISTRY_FAMILIES)
    },
}


def read_subscription(message: bytes) -> frozenset[str]:
    """Return the types of the events that a client's message subscribes to.

    Raises:
        ScheduleZeroError: it is no subscription, or a pattern means nothing; the detail names it (`subscribe[1]`).
    """
    patterns = decode(message, LiveSubscription).subscribe
    return frozenset().union(*(_meant(index, pattern) for index, pattern in enumerate(patterns)))


def _meant(index: int, pattern: str) -> frozenset[str]:
    if pattern not in _MEANT:
        raise _unknown(index, pattern)
    return _MEANT[pattern]


def _unknown(index: int, pattern: str) -> ScheduleZeroError:
    nearest = difflib.get_close_matches(pattern, _MEANT, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(_MEANT)}"
    return invalid_value(f"subscribe[{index}]", f"no event is called {pattern!r}; {hint}")
