"""Forms: what was typed in, fields to show, and faults beside the field that has them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from schedulezero.protocol.errors import Code, Problem, ScheduleZeroError

MAX_BYTES = 4 * 1024 * 1024
"""The largest form: text of 1 MiB is longer as it travels."""

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field as it is shown.

    Attributes:
        name: by which it is sent; the path of the value in the API where there is one.
        label: what it is called.
        kind: how it is shown.
        hint: what to know when filling it in.
        choices: value and word of each, for `select` and `checks`.
        suggestions: the id of a list of suggestions.
        required: whether it must be filled in.
        value: what is in it; of `checks`, the values that are checked, separated by commas.
        error: what is wrong with it.
    """

    name: str
    label: str
    kind: Literal["text", "area", "select", "check", "checks"] = "text"
    hint: str = ""
    choices: Sequence[tuple[str, str]] = ()
    suggestions: str = ""
    required: bool = False
    value: str = ""
    error: str = ""

    @property
    def id(self) -> str:
        """Its id on the page."""
        return f"field-{self.name.replace('.', '-')}"

    @property
    def checked(self) -> Sequence[str]:
        """The values of `checks` that are checked."""
        return self.value.split(",")

    @property
    def described_by(self) -> str:
        """The ids of what says more about it."""
        parts = (("hint", self.hint), ("error", self.error))
        return " ".join(f"{self.id}-{name}" for name, text in parts if text)


def read(body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the fields of a form; several values of one are joined by commas, line ends are plain.

    Raises:
        ScheduleZeroError: it is not a form.
    """
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if body and media_type != _MEDIA_TYPE:
        raise ScheduleZeroError.of(Code.UNSUPPORTED_MEDIA_TYPE, f"a form is sent as {_MEDIA_TYPE}, not {media_type}")
    try:
        return typed(body.decode())
    except UnicodeDecodeError as error:
        raise ScheduleZeroError.of(Code.MALFORMED_JSON, f"the form is not UTF-8: {error.reason}") from None


def typed(encoded: str) -> Mapping[str, str]:
    """Return what was typed in, by name; empty fields are left out.

    Raises:
        ScheduleZeroError: there are too many fields.
    """
    try:
        pairs = parse_qsl(encoded, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise ScheduleZeroError.of(
            Code.PAYLOAD_TOO_LARGE, f"a form of at most {_MOST_FIELDS} fields: {error}"
        ) from None
    found: dict[str, str] = {}
    for name, text in pairs:
        value = text.replace("\r\n", "\n")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def link(path: str, values: Mapping[str, str]) -> str:
    """Return a path with its query string."""
    return f"{path}?{urlencode(values, safe=',:')}" if values else path


def filled(fields: Iterable[Field], values: Mapping[str, str], errors: Mapping[str, str]) -> Mapping[str, Field]:
    """Return the fields by name, with what was typed in and what is wrong."""
    return {
        field.name: replace(field, value=values.get(field.name, ""), error=errors.get(field.name, ""))
        for field in fields
    }


def placed(problem: Problem, names: Mapping[str, str]) -> tuple[Mapping[str, str], Sequence[str]]:
    """Return the faults by field, and those that belong to none.

    Args:
        problem: what is wrong.
        names: the field's name for the path of each value; a fault below a path belongs to it.
    """
    beside: dict[str, str] = {}
    rest: list[str] = [] if problem.details else [problem.message]
    for detail in problem.details:
        path = next((prefix for prefix in _prefixes(detail.path) if prefix in names), None)
        if path is None:
            rest.append(f"{detail.path}: {detail.message}")
        else:
            below = detail.path.removeprefix(path).lstrip(".")
            beside.setdefault(names[path], f"{below}: {detail.message}" if below else detail.message)
    return beside, rest


def _prefixes(path: str) -> Iterator[str]:
    """`a.b[1]` itself, then `a.b`, then `a`."""
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
