"""The order of a page's rows, as the URL has it: `sort=next_fire_time`, or `sort=-next_fire_time` for the other way."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from schedulezero.protocol.errors import invalid_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        name: that of the field which it shows.
        label: what it is called.
        key: what its rows are ordered by; None where they cannot be.
    """

    name: str
    label: str
    key: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By which column, and which way."""

    by: str
    descending: bool = False

    @classmethod
    def read(cls, written: str) -> Self:
        """Return the order that the URL asks for."""
        return cls(by=written.removeprefix("-"), descending=written.startswith("-"))

    @property
    def written(self) -> str:
        """How the URL has it."""
        return f"-{self.by}" if self.descending else self.by

    def applied[R](self, records: Sequence[R], columns: Sequence[Column]) -> Sequence[R]:
        """Return the records in this order; those that have nothing there come last, either way.

        Raises:
            ScheduleZeroError: there is no such column.
        """
        keys = {column.name: column.key for column in columns if column.key is not None}
        if self.by not in keys:
            raise invalid_value("sort", f"no column is called {self.by!r}; known are {', '.join(keys)}")
        key = keys[self.by]
        present = [record for record in records if key(record) is not None]
        absent = [record for record in records if key(record) is None]
        return [*sorted(present, key=key, reverse=self.descending), *absent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a column as it is shown.

    Attributes:
        name: the column's.
        label: what it is called.
        link: where the list is in its order.
        direction: `ascending` or `descending` where the list is in its order now.
    """

    name: str
    label: str
    link: str | None = None
    direction: str | None = None

    @classmethod
    def of(cls, column: Column, order: Order | None, link: Callable[[Order | None], str]) -> Self:
        """Return the head of a column: it leads to its order, from there to the other way, then to none."""
        if column.key is None:
            return cls(name=column.name, label=column.label)
        if order is None or order.by != column.name:
            return cls(name=column.name, label=column.label, link=link(Order(by=column.name)))
        following = None if order.descending else Order(by=column.name, descending=True)
        direction = "descending" if order.descending else "ascending"
        return cls(name=column.name, label=column.label, link=link(following), direction=direction)


def words(text: str | None) -> Sequence[tuple[int, int, str]] | None:
    """Return what texts are ordered by as people do it: whatever the case, and numbers by their value."""
    if text is None:
        return None
    parts = re.findall(r"\d+|\D+", text.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
