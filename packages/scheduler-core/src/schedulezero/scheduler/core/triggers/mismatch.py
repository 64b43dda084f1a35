"""Why a trigger does not fire at an instant."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self

from schedulezero.protocol.errors import join_path

Rule = Literal["before_start", "after_end", "once", "between", "field", "date", "fraction", "second_pass", "no_part"]
"""What kind of thing does not hold, for those who put it into words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """The first field, from the coarsest to the finest, that does not admit an instant.

    Attributes:
        field: its path in the configuration, such as `hour` or `triggers[1].day_of_week`.
        rule: what does not hold.
        value: what the local clock shows there.
        wanted: what is admitted there.
        bound: the instant that is the start, the end or the only fire, in microseconds since 1970, UTC.
        parts: for `or`, why each of its triggers does not fire.
    """

    field: str
    rule: Rule
    value: int | str | None = None
    wanted: str | None = None
    bound: int | None = None
    parts: "tuple[Mismatch, ...]" = ()

    def under(self, prefix: str) -> Self:
        """Return the same with its field placed under `prefix`."""
        return replace(self, field=join_path(prefix, self.field))


def outside(instant: int, start: tuple[str, int | None], end: tuple[str, int | None]) -> Mismatch | None:
    """Return what is wrong with an instant that lies before a start or after an end, each a field and its instant."""
    if start[1] is not None and instant < start[1]:
        return Mismatch(field=start[0], rule="before_start", bound=start[1])
    if end[1] is not None and instant > end[1]:
        return Mismatch(field=end[0], rule="after_end", bound=end[1])
    return None


def with_fraction(local: datetime, fraction: int) -> Mismatch:
    """Return what is wrong with a local time that would be right without `fraction` microseconds."""
    value = f"{local.second}.{fraction:06}".rstrip("0")
    return Mismatch(field="second", rule="fraction", value=value, wanted=str(local.second))


def second_pass(local: datetime) -> Mismatch:
    """Return what is wrong with a local time that is right, and is there a second time after clocks were put back."""
    return Mismatch(field="timezone", rule="second_pass", value=f"{local:%H:%M:%S}")
