"""The settings as a flat table, made from the model: one field for each key, with its names in every source."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from schedulezero.runtime.settings.kinds import Kind
from schedulezero.runtime.settings.model import Setting, Settings

PREFIX = "SCHEDULEZERO_"


class Refused(ValueError):
    """A value that a field does not accept; the text says what it is and what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting.

    Attributes:
        key: its place, `web.port`; without a dot at the top level.
        type: the type of its value.
        setting: what the model says of it.
        default: its value when nothing is given.
    """

    key: str
    type: Any
    setting: Setting
    default: object

    @property
    def variable(self) -> str:
        """The environment variable that documents and messages name."""
        return PREFIX + (self.setting.variable or self._regular_name)

    @property
    def variables(self) -> tuple[str, ...]:
        """Every environment variable that sets it."""
        return tuple(dict.fromkeys((self.variable, PREFIX + self._regular_name)))

    @property
    def option(self) -> str:
        """The command line option that sets it, with its dashes."""
        return self.setting.option or "--" + self._regular_name.lower().replace("_", "-")

    def from_file(self, raw: object) -> object:
        """Return `raw`, as YAML typed it, as a value of this field; raises Refused."""
        return self._accepted(raw, raw, strict=True)

    def from_text(self, text: str) -> object:
        """Return the value that `text` stands for (a list is separated by commas); raises Refused."""
        raw = [part.strip() for part in text.split(",")] if get_origin(self.type) is tuple else text
        return self._accepted(raw, text, strict=False)

    def of(self, settings: Settings) -> object:
        """Return this field's value in `settings`."""
        value: object = settings
        for name in self.key.split("."):
            value = getattr(value, name)
        return value

    def shown(self, value: object) -> object:
        """Return `value` as it may be shown: without its password."""
        return self._kind.mask(value) if self._kind.mask is not None and isinstance(value, str) else value

    def _accepted(self, raw: object, given: object, *, strict: bool) -> object:
        try:
            value = msgspec.convert(raw, self.type, strict=strict)
        except msgspec.ValidationError:
            raise self._refusal(given) from None
        if value is not None and not self._kind.accepts(value):
            raise self._refusal(given)
        return value

    def _refusal(self, given: object) -> Refused:
        if given is None or given == "":
            return Refused(f"is empty; give {self._kind.expects}, or leave it out for the default")
        subject = "the value" if self._kind.mask is not None else repr(given)
        return Refused(f"{subject} is not {self._kind.expects}")

    @property
    def _kind(self) -> Kind:
        return self.setting.kind

    @property
    def _regular_name(self) -> str:
        return self.key.replace(".", "_").upper()


def _fields(struct: type[Struct], under: str = "") -> Iterator[Field]:
    hints = get_type_hints(struct, include_extras=True)
    for info in msgspec.structs.fields(struct):
        key = under + info.name
        hint = hints[info.name]
        if _is_section(hint):
            yield from _fields(hint, key + ".")
        else:
            type_, setting = get_args(hint)
            yield Field(key=key, type=type_, setting=setting, default=info.default)


def _is_section(hint: object) -> TypeGuard[type[Struct]]:
    return isinstance(hint, type) and issubclass(hint, Struct)


FIELDS: Mapping[str, Field] = types.MappingProxyType({field.key: field for field in _fields(Settings)})
"""Every field by its key, in the order of the model."""

SECTIONS: Mapping[str, type[Struct]] = types.MappingProxyType(
    {name: hint for name, hint in get_type_hints(Settings).items() if _is_section(hint)}
)
"""The type of each section by its name."""
