"""What every call and every page of the gateway is given."""

from collections.abc import Mapping
from dataclasses import dataclass

from schedulezero.runtime.clock import Clock
from schedulezero.runtime.settings import Settings
from schedulezero.web.backend import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The surroundings of a request.

    Attributes:
        settings: the effective settings.
        public_settings: the part of them that anyone may read.
        clock: the time.
        backend: the services behind.
        version: the version of the gateway.
    """

    settings: Settings
    public_settings: Mapping[str, object]
    clock: Clock
    backend: Backend
    version: str
