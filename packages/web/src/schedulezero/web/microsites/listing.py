"""Lists whose filters, order and page size live in the URL: what was asked for, and its faults beside their fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from schedulezero.protocol.errors import Problem, ScheduleZeroError
from schedulezero.protocol.values import Input
from schedulezero.web.http import query
from schedulezero.web.http.errors import status_of
from schedulezero.web.microsites import forms
from schedulezero.web.microsites.forms import Field
from schedulezero.web.microsites.sorting import Column, Head, Order
from schedulezero.web.routes import Reply

PAGE_SIZE = 50
_SIZES = ("25", "50", "100")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of a list, and how it is looked at.

    Attributes:
        path: the list's.
        typed: what the URL says, by name.
        fields: how the filters are shown.
        columns: the columns of its table.
    """

    path: str
    typed: Mapping[str, str]
    fields: Sequence[Field]
    columns: Sequence[Column]

    def read(self, type_: type[Input]) -> Any:
        """Return them as what the API validates.

        Raises:
            ScheduleZeroError: naming the field.
        """
        asked = {name: text for name, text in self.typed.items() if name != "sort"}
        return query.read(urlencode({"limit": str(PAGE_SIZE), **asked}), type_)

    def ordered[R](self, records: Sequence[R]) -> Sequence[R]:
        """Return the records of this page as `sort` says; as they come where it says nothing.

        Raises:
            ScheduleZeroError: there is no such column.
        """
        order = self._order
        return records if order is None else order.applied(records, self.columns)

    def shown(self, problem: Problem | None) -> tuple[Sequence[Field], Sequence[str]]:
        """Return the fields with what was typed in and what is wrong, and the faults that belong to none of them."""
        names = {field.name: field.name for field in self.fields}
        beside, rest = forms.placed(problem, names) if problem is not None else ({}, ())
        return tuple(forms.filled(self.fields, self.typed, beside).values()), rest

    @property
    def heads(self) -> Sequence[Head]:
        """The heads of the table's columns; each leads to the list in its order."""
        return [Head.of(column, self._order, self._in_order) for column in self.columns]

    @property
    def sizes(self) -> Sequence[tuple[str, str | None]]:
        """The sizes a page may have, and where the list has pages of that size; nowhere for the present one."""
        present = self.typed.get("limit", str(PAGE_SIZE))
        return [(size, None if size == present else self._link(limit=size, cursor=None)) for size in _SIZES]

    @property
    def kept(self) -> Mapping[str, str]:
        """What stays as it is when other filters are chosen."""
        return {name: self.typed[name] for name in ("limit", "sort") if name in self.typed}

    @property
    def here(self) -> str:
        """Where this very page is."""
        return forms.link(self.path, self.typed)

    @property
    def are_set(self) -> bool:
        """Whether anything is left out of the list because of them."""
        return any(field.name in self.typed for field in self.fields)

    @property
    def first(self) -> str | None:
        """Where the list begins, when this is not its beginning."""
        return self._link(cursor=None) if "cursor" in self.typed else None

    def next(self, cursor: str | None) -> str | None:
        """Where the list goes on, if it does."""
        return self._link(cursor=cursor) if cursor is not None else None

    @property
    def _order(self) -> Order | None:
        return Order.read(self.typed["sort"]) if "sort" in self.typed else None

    def _in_order(self, order: Order | None) -> str:
        return self._link(sort=order.written if order is not None else None)

    def _link(self, **changed: str | None) -> str:
        values = {**self.typed, **changed}
        return forms.link(self.path, {name: text for name, text in values.items() if text is not None})


def refused(problem: Problem, page: Reply) -> Reply:
    """Return the page that shows what is wrong with its filters.

    Raises:
        ScheduleZeroError: they are not what is wrong.
    """
    status = status_of(problem)
    if status >= 500:
        raise ScheduleZeroError(problem)
    return replace(page, status=status)
