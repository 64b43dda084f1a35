"""Lists with filters that live in the URL: what was asked for, and its faults beside their fields."""

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
from schedulezero.web.routes import Reply

PAGE_SIZE = 50

_PART = ("cursor", "limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The filters of a list.

    Attributes:
        path: the list's.
        typed: what the URL says, by name.
        fields: how the filters are shown.
    """

    path: str
    typed: Mapping[str, str]
    fields: Sequence[Field]

    def read(self, type_: type[Input]) -> Any:
        """Return them as what the API validates.

        Raises:
            ScheduleZeroError: naming the field.
        """
        return query.read(urlencode({"limit": str(PAGE_SIZE), **self.typed}), type_)

    def shown(self, problem: Problem | None) -> tuple[Sequence[Field], Sequence[str]]:
        """Return the fields with what was typed in and what is wrong, and the faults that belong to none of them."""
        names = {field.name: field.name for field in self.fields}
        beside, rest = forms.placed(problem, names) if problem is not None else ({}, ())
        return tuple(forms.filled(self.fields, self.typed, beside).values()), rest

    @property
    def are_set(self) -> bool:
        """Whether anything is left out of the list because of them."""
        return any(field.name in self.typed for field in self.fields)

    @property
    def first(self) -> str | None:
        """Where the list begins, when this is not its beginning."""
        rest = {name: text for name, text in self.typed.items() if name not in _PART}
        return forms.link(self.path, rest) if "cursor" in self.typed else None

    def next(self, cursor: str | None) -> str | None:
        """Where the list goes on, if it does."""
        return forms.link(self.path, {**self.typed, "cursor": cursor}) if cursor is not None else None


def refused(problem: Problem, page: Reply) -> Reply:
    """Return the page that shows what is wrong with its filters.

    Raises:
        ScheduleZeroError: they are not what is wrong.
    """
    status = status_of(problem)
    if status >= 500:
        raise ScheduleZeroError(problem)
    return replace(page, status=status)
