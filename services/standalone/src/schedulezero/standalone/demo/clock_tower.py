"""The handler `clock_tower`: a tower clock whose hour is a minute of ours, and its day 24 of them.

The bells ring the Westminster Quarters. Their five changes are permutations of four bells, and each quarter continues
where the one before has stopped: 1 | 2 3 | 4 5 1 | 2 3 4 5.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from schedulezero.handler import Context
from schedulezero.runtime.clock import Clock, to_datetime

_HIGH, _SECOND, _THIRD, _LOW = "ding", "dang", "dong", "dum"
_CHANGES = (
    (_HIGH, _SECOND, _THIRD, _LOW),
    (_THIRD, _HIGH, _SECOND, _LOW),
    (_THIRD, _SECOND, _HIGH, _THIRD),
    (_HIGH, _THIRD, _SECOND, _LOW),
    (_LOW, _SECOND, _HIGH, _THIRD),
)
# The changes of each quarter, the full hour first, as in a clock.
_QUARTERS = ((1, 2, 3, 4), (0,), (1, 2), (3, 4, 0))
_FIGURES = {
    0: "the night watchman comes out, raises his lantern and goes to bed",
    6: "the cock crows and the baker opens her door",
    12: "the smith strikes the anvil and the town band turns around",
    18: "the lamplighter walks by and the cat follows him",
}
_STUCK = ("the rope of the great bell is caught on a beam", "it slips off the beam, but now the knot is stuck")


class BellRopeStuck(Exception):
    """The bell cannot be rung; pull again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerTime:
    """What the tower shows: hour 0 to 23, quarter 0 to 3."""

    hour: int
    quarter: int

    @classmethod
    def at(cls, moment: datetime) -> Self:
        """Return what it shows at an instant: minutes since 1970 are its hours, quarter minutes its quarters."""
        seconds = int(moment.timestamp())
        return cls(hour=seconds // 60 % 24, quarter=seconds // 15 % 4)

    @property
    def strokes(self) -> int:
        """How often the great bell strikes at this hour."""
        return self.hour % 12 or 12

    @property
    def phrases(self) -> list[str]:
        """What the quarter bells ring, a phrase a change."""
        return [" ".join(_CHANGES[change]) for change in _QUARTERS[self.quarter]]

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.quarter * 15:02}"


class ClockTower:
    """Its bells, its weights and its ropes.

    Args:
        clock: what a run by hand is told the time by.
        beat: seconds between two strokes of the great bell; the quarter bells are three times as fast.
    """

    def __init__(self, clock: Clock, beat: float = 0.5) -> None:
        self._clock = clock
        self._beat = beat
        self._rung = 0

    async def quarter_bells(self, ctx: Context) -> dict[str, Any]:
        """Ring the quarter: one phrase at a quarter past, two at half past, three at a quarter to."""
        time = self._time(ctx)
        await self._ring(ctx, time.phrases, self._beat * 4 / 3)
        return {"tower_time": str(time), "bells": " · ".join(time.phrases)}

    async def hour_strokes(self, ctx: Context) -> dict[str, Any]:
        """Ring four phrases and strike the hour."""
        shown = self._time(ctx)
        time = TowerTime(hour=shown.hour, quarter=0)
        await self._ring(ctx, time.phrases, self._beat * 4 / 3)
        await self._ring(ctx, ["BONG"] * time.strokes, self._beat)
        struck = {
            "tower_time": str(time),
            "bells": " · ".join(time.phrases),
            "strokes": time.strokes,
            "sound": " ".join(["BONG"] * time.strokes),
        }
        return struck | ({"figures": _FIGURES[time.hour]} if time.hour in _FIGURES else {})

    async def wind(self, ctx: Context) -> dict[str, Any]:
        """Wind the weights up by as many turns as bells have rung since the last time."""
        turns, self._rung = self._rung, 0
        ctx.log.info("creak, creak", turns=turns)
        return {"turns": turns, "sound": "creak " * min(turns, 8) + "clack"}

    async def free_the_rope(self, ctx: Context) -> dict[str, Any]:
        """Ring the great bell although its rope is stuck: the third pull frees it."""
        if ctx.attempt <= len(_STUCK):
            raise BellRopeStuck(_STUCK[ctx.attempt - 1])
        await self._ring(ctx, ["BONG"], self._beat)
        return {"freed_by_pull": ctx.attempt, "sound": "BONG"}

    def _time(self, ctx: Context) -> TowerTime:
        return TowerTime.at(ctx.scheduled_for or to_datetime(self._clock.now()))

    async def _ring(self, ctx: Context, sounds: list[str], seconds: float) -> None:
        for count, sound in enumerate(sounds, start=1):
            ctx.progress(count, len(sounds), sound)
            self._rung += 1
            await asyncio.sleep(seconds)
