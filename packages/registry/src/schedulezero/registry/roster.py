"""The entries of the directory, found by instance id and by handler, and which of them are forgotten."""

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import InstanceInfo, InstanceState

_EARLIER_BOOTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An instance, and when it was heard.

    Args:
        state: the instance as others see it.
        heard: when, in seconds of listening.
        superseded: the boots that held the instance id before this one, newest last.
        contested: whether this boot is one of those: then two processes live under one id.
    """

    state: InstanceState
    heard: float
    superseded: tuple[str, ...] = ()
    contested: bool = False

    @property
    def info(self) -> InstanceInfo:
        return self.state.info

    @property
    def status(self) -> HandlerStatus:
        return self.state.status

    @property
    def live(self) -> bool:
        return self.status is not HandlerStatus.DISCONNECTED

    def again(self, state: InstanceState, heard: float) -> Self:
        """Return the entry of the same boot, heard anew."""
        return replace(self, state=state, heard=heard)

    def moved(self, status: HandlerStatus) -> Self:
        """Return the same with another status."""
        return replace(self, state=msgspec.structs.replace(self.state, status=status))

    def superseding(self, earlier: "Entry") -> Self:
        """Return the same as the next holder of the id that `earlier` held."""
        boots = (*earlier.superseded, earlier.info.boot_id)[-_EARLIER_BOOTS:]
        return replace(self, superseded=boots, contested=self.info.boot_id in boots)


class Roster:
    """Entries by handler and instance id; and of each instance id that was heard in this life, whose it is now."""

    def __init__(self) -> None:
        self._handlers: dict[str, dict[str, Entry]] = {}
        self._holders: dict[str, str] = {}

    def __iter__(self) -> Iterator[Entry]:
        for entries in self._handlers.values():
            yield from entries.values()

    @property
    def handler_ids(self) -> Collection[str]:
        return self._handlers.keys()

    @property
    def held(self) -> int:
        """How many instance ids were heard in this life and are still listed."""
        return len(self._holders)

    def holder(self, instance_id: str, boot_id: str | None = None) -> Entry | None:
        """Return the entry that holds an instance id, if there is one and it is of this boot."""
        handler_id = self._holders.get(instance_id)
        if handler_id is None:
            return None
        entry = self._handlers[handler_id][instance_id]
        return entry if boot_id in (None, entry.info.boot_id) else None

    def states(self, handler_id: str) -> tuple[InstanceState, ...]:
        """Return the instances of a handler, none if it is not known."""
        return tuple(entry.state for entry in self._handlers.get(handler_id, {}).values())

    def enter(self, entry: Entry) -> None:
        """List an entry as the holder of its instance id."""
        self.put(entry)
        self._holders[entry.info.instance_id] = entry.info.handler_id

    def put(self, entry: Entry) -> None:
        """List an entry, or list it as it now is; who holds its instance id stays as it was."""
        self._handlers.setdefault(entry.info.handler_id, {})[entry.info.instance_id] = entry

    def newest(self, number: int) -> Iterator[Entry]:
        """Yield up to `number` entries of each handler, preferring the live and those heard last."""
        for entries in self._handlers.values():
            yield from heapq.nlargest(number, entries.values(), key=lambda entry: (entry.live, entry.heard))

    def forget(self, *, keep: int, before: float) -> bool:
        """Drop what is no longer live, but never the last entry of a handler; return whether any was dropped.

        Args:
            keep: how many of a handler stay, those heard last.
            before: those heard before this go, in seconds of listening.
        """
        dropped = [entry for entries in self._handlers.values() for entry in _obsolete(entries, keep, before)]
        for entry in dropped:
            self._drop(entry.info)
        return bool(dropped)

    def _drop(self, info: InstanceInfo) -> None:
        del self._handlers[info.handler_id][info.instance_id]
        if self._holders.get(info.instance_id) == info.handler_id:
            del self._holders[info.instance_id]


def _obsolete(entries: dict[str, Entry], keep: int, before: float) -> list[Entry]:
    gone = sorted((entry for entry in entries.values() if not entry.live), key=lambda entry: -entry.heard)
    spared = 0 if len(gone) < len(entries) else 1
    return [entry for rank, entry in enumerate(gone) if rank >= spared and (rank >= keep or entry.heard < before)]
