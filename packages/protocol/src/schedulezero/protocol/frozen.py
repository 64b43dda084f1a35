"""The base of every value and message: a msgspec struct, frozen and built by keyword without saying so each time."""

from typing import Any, dataclass_transform

from msgspec import Struct, StructMeta, field


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class _FrozenMeta(StructMeta):
    """msgspec inherits neither `frozen` nor `kw_only` in a way that type checkers follow; this metaclass gives both."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        return super().__new__(cls, name, bases, namespace, **{"frozen": True, "kw_only": True, **options})


class Frozen(Struct, metaclass=_FrozenMeta):
    """Base of our values."""
