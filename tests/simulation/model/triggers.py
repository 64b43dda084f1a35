"""How triggers are compiled in the simulations: as always, but answers are kept, and some triggers break.

A trigger is a function of time alone, and a history is played hundreds of times up to its boundary: what cron has
answered once is not computed again.
"""

from typing import Any

import msgspec

from schedulezero.protocol.triggers import IntervalTrigger, TriggerConfig
from schedulezero.protocol.values import ScheduleRequest
from schedulezero.scheduler.core.triggers import Trigger, compile_trigger
from schedulezero.scheduler.core.triggers.trigger import SearchedTrigger

BRITTLE_ZONE = "Pacific/Kiritimati"
"""An interval in this zone breaks after some fires, as a user's configuration may one day."""
_FIRES = 12
_compiled: dict[bytes, Any] = {}


class Remembered(SearchedTrigger):
    """A trigger whose answers are kept."""

    def __init__(self, sound: Trigger) -> None:
        self._sound = sound
        self._next: dict[int, int | None] = {}

    @property
    def description(self) -> str:
        return self._sound.description

    def next(self, after: int) -> int | None:
        if after not in self._next:
            self._next[after] = self._sound.next(after)
        return self._next[after]

    def remarks(self, fire: int) -> list[str]:
        return self._sound.remarks(fire)


class Brittle:
    """An interval that fails when it is asked for what lies beyond its twelfth fire."""

    def __init__(self, sound: Any) -> None:
        self._sound = sound

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sound, name)

    def next(self, after: int) -> int | None:
        if after > self._sound.start + _FIRES * self._sound.step:
            raise OverflowError("this trigger breaks here")
        fire: int | None = self._sound.next(after)
        return fire


def compile_once(config: TriggerConfig) -> Any:
    """Return the trigger of an anchored configuration."""
    if isinstance(config, IntervalTrigger):
        sound = compile_trigger(config)
        return Brittle(sound) if _breaks(config) else sound
    key = msgspec.json.encode(config)
    if key not in _compiled:
        _compiled[key] = Remembered(compile_trigger(config))
    return _compiled[key]


def breaks(request: ScheduleRequest) -> bool:
    """Whether the trigger of a stored request fails one day."""
    return _breaks(request.trigger_config)


def _breaks(config: TriggerConfig) -> bool:
    return isinstance(config, IntervalTrigger) and config.timezone == BRITTLE_ZONE
