"""Who is alive, where, and offering what: a machine that opens no socket, no file and no clock.

An event goes in together with its moment, a :class:`Change` comes out: the answer, the facts to publish, and
whether there is something new to remember over a restart. Who moves an instance to which status:

    Connected      it registered, or beat again
    Draining       its heartbeat says so
    Unresponsive   it has been silent for `silence_seconds`
    Disconnected   it said goodbye; or a scheduler lost it while it was silent; or a later boot took its id;
                   or it has been silent for `lease_seconds`

An instance id belongs to one process at a time, whichever handler that serves.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from schedulezero.protocol.answers import Done, HandlerPage, Heard, Registered
from schedulezero.protocol.commands import HandlerDeregister, HandlerHeartbeat, HandlerLost, HandlerRegister
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.events import (
    HandlerConnected,
    HandlerDisconnected,
    HandlerDraining,
    HandlerUnresponsive,
    RegistryEvent,
)
from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import HandlerDetail, InstanceInfo, InstanceState
from schedulezero.registry.admission import check
from schedulezero.registry.moment import Listening, Moment
from schedulezero.registry.records import best_status, detail, record
from schedulezero.registry.roster import Entry, Roster
from schedulezero.runtime.clock import to_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What instances are held to, and how many there may be; times in seconds.

    Args:
        heartbeat_seconds: how often an instance is to be heard.
        silence_seconds: the silence after which it is Unresponsive.
        lease_seconds: the silence after which it is Disconnected.
        memory_seconds: how long a Disconnected instance stays listed; a handler's last one stays for ever.
        remembered: how many Disconnected instances of a handler are listed, and how many of it outlive a restart.
        max_handlers: handlers known, live or not.
        max_instances: instances heard in this life and still listed.
    """

    heartbeat_seconds: float = 1.0
    silence_seconds: float = 3.0
    lease_seconds: float = 10.0
    memory_seconds: float = 600.0
    remembered: int = 3
    max_handlers: int = 2_000
    max_instances: int = 10_000


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = HandlerRegister | HandlerHeartbeat | HandlerDeregister | HandlerLost | Tick
Facts = tuple[RegistryEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an event leads to.

    Args:
        answer: for whoever sent the event; a tick needs none.
        facts: the events to publish, in order.
        dirty: whether :meth:`Directory.remembered` is to be written anew.
        contested: an instance whose id two living processes take from each other; told once for each contest.
    """

    answer: Registered | Heard | Done | None = None
    facts: Facts = ()
    dirty: bool = False
    contested: InstanceInfo | None = None


_FACTS: dict[HandlerStatus, Callable[..., RegistryEvent]] = {
    HandlerStatus.CONNECTED: HandlerConnected,
    HandlerStatus.DRAINING: HandlerDraining,
    HandlerStatus.UNRESPONSIVE: HandlerUnresponsive,
    HandlerStatus.DISCONNECTED: HandlerDisconnected,
}


class Directory:
    """The instances of all handlers, as they were heard.

    Silence counts only while events come in; after a gap longer than a heartbeat everyone is given that time again.
    So let it tick more often than that.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._roster = Roster()
        self._listening = Listening(terms.heartbeat_seconds)

    def restore(self, states: Iterable[InstanceState], now: Moment) -> None:
        """List instances of an earlier life as Disconnected, until they register anew."""
        heard = self._listening.until(now)
        for state in states:
            gone = replace(state, status=HandlerStatus.DISCONNECTED, running=0)
            self._roster.put(Entry(state=gone, heard=heard))

    def handle(self, event: Event, now: Moment) -> Change:
        """Take in one event.

        Raises:
            ScheduleZeroError: an instance that cannot be listed; nothing has changed then.
        """
        heard = self._listening.until(now)
        match event:
            case HandlerRegister():
                return self._register(event.instance, now, heard)
            case HandlerHeartbeat():
                return self._heartbeat(event, now, heard)
            case HandlerDeregister():
                return self._gone(self._roster.holder(event.instance_id, event.boot_id))
            case HandlerLost():
                return self._gone(self._silent(event, heard))
            case Tick():
                return self._tick(heard)

    def page(self) -> HandlerPage:
        """Return every known handler, by id."""
        handlers = tuple(record(id_, self._roster.states(id_)) for id_ in sorted(self._roster.handler_ids))
        return HandlerPage(handlers=handlers, count=len(handlers))

    def detail(self, handler_id: str) -> HandlerDetail:
        """Return one handler with its methods.

        Raises:
            ScheduleZeroError: `handler_not_found`, naming the nearest that is known.
        """
        states = self._roster.states(handler_id)
        if not states:
            raise _not_found(handler_id, self._roster.handler_ids)
        return detail(handler_id, states)

    def instances(self) -> tuple[InstanceState, ...]:
        """Return every listed instance, those heard last at the end."""
        return tuple(entry.state for entry in sorted(self._roster, key=lambda entry: entry.heard))

    def remembered(self) -> tuple[InstanceState, ...]:
        """Return what is to outlive a restart: a few instances of each handler, by handler and instance id."""
        kept = (entry.state for entry in self._roster.newest(self._terms.remembered))
        return tuple(sorted(kept, key=lambda state: (state.info.handler_id, state.info.instance_id)))

    def counts(self) -> dict[HandlerStatus, int]:
        """Return how many handlers have each status, 0 included."""
        found = Counter(best_status(self._roster.states(id_)) for id_ in self._roster.handler_ids)
        return {status: found[status] for status in HandlerStatus}

    # -- events -----------------------------------------------------------------------------------------------------

    def _register(self, info: InstanceInfo, now: Moment, heard: float) -> Change:
        check(info)
        earlier = self._roster.holder(info.instance_id)
        _check_identity(info, earlier)
        self._check_room(info, earlier)
        entry = _entered(info, earlier, now, heard)
        facts = self._supersede(earlier, info) + _news(entry, earlier)
        self._roster.enter(entry)
        contest_begins = entry.contested and earlier is not None and not earlier.contested
        return Change(
            answer=Registered(heartbeat_seconds=self._terms.heartbeat_seconds, lease_seconds=self._terms.lease_seconds),
            facts=facts,
            dirty=bool(facts),
            contested=info if contest_begins else None,
        )

    def _supersede(self, earlier: Entry | None, info: InstanceInfo) -> Facts:
        """End the boot that held the id. Under another handler it stays listed, so that one stays known."""
        if earlier is None or earlier.info.boot_id == info.boot_id:
            return ()
        return self._move(earlier, HandlerStatus.DISCONNECTED)

    def _heartbeat(self, beat: HandlerHeartbeat, now: Moment, heard: float) -> Change:
        entry = self._roster.holder(beat.instance_id, beat.boot_id)
        if entry is None:
            return Change(answer=Heard(known=False))
        state = replace(entry.state, running=beat.running, last_seen=to_datetime(now.wall))
        status = HandlerStatus.DRAINING if beat.draining else HandlerStatus.CONNECTED
        facts = self._move(entry.again(state, heard), status)
        return Change(answer=Heard(known=True), facts=facts, dirty=bool(facts))

    def _silent(self, report: HandlerLost, heard: float) -> Entry | None:
        """Whom a report of loss is believed of: a connection may be lost on the scheduler's side alone."""
        entry = self._roster.holder(report.instance_id, report.boot_id)
        silent = entry is not None and heard - entry.heard >= 2 * self._terms.heartbeat_seconds
        return entry if silent else None

    def _gone(self, entry: Entry | None) -> Change:
        facts = () if entry is None else self._move(entry, HandlerStatus.DISCONNECTED)
        return Change(answer=Done(), facts=facts, dirty=bool(facts))

    def _tick(self, heard: float) -> Change:
        facts = tuple(fact for entry in list(self._roster) for fact in self._judge(entry, heard - entry.heard))
        forgot = self._roster.forget(keep=self._terms.remembered, before=heard - self._terms.memory_seconds)
        return Change(facts=facts, dirty=forgot or bool(facts))

    def _judge(self, entry: Entry, silence: float) -> Facts:
        if not entry.live or silence < min(self._terms.silence_seconds, self._terms.lease_seconds):
            return ()
        lost = silence >= self._terms.lease_seconds
        return self._move(entry, HandlerStatus.DISCONNECTED if lost else HandlerStatus.UNRESPONSIVE)

    # -- steps ------------------------------------------------------------------------------------------------------

    def _move(self, entry: Entry, status: HandlerStatus) -> Facts:
        """List the entry with this status; the fact of it, if it had another."""
        moved = entry if entry.status is status else entry.moved(status)
        self._roster.put(moved)
        return () if moved is entry else (_FACTS[status](data=moved.state),)

    def _check_room(self, info: InstanceInfo, earlier: Entry | None) -> None:
        terms, known = self._terms, self._roster.handler_ids
        if info.handler_id not in known and len(known) >= terms.max_handlers:
            message = (
                f"the registry knows {terms.max_handlers} handlers and takes no more; to make it forget those that "
                "are gone, stop it and remove its snapshot file"
            )
            raise ScheduleZeroError.of(Code.UNAVAILABLE, message, path="instance.handler_id")
        if earlier is None and self._roster.held >= terms.max_instances:
            message = f"the registry lists {terms.max_instances} instances and takes no more; stop some of them"
            raise ScheduleZeroError.of(Code.UNAVAILABLE, message, path="instance.instance_id")


def _check_identity(info: InstanceInfo, earlier: Entry | None) -> None:
    """A boot serves one handler: its heartbeats name only instance and boot."""
    if earlier is not None and earlier.info.boot_id == info.boot_id and earlier.info.handler_id != info.handler_id:
        message = (
            f"instance {info.instance_id} of boot {info.boot_id} already serves handler {earlier.info.handler_id}; "
            "give each handler its own instance id"
        )
        raise ScheduleZeroError.of(Code.CONFLICT, message, path="instance.instance_id")


def _entered(info: InstanceInfo, earlier: Entry | None, now: Moment, heard: float) -> Entry:
    """The entry of an instance that registers. A boot that registers once more goes on draining if it did."""
    state = InstanceState(info=info, status=HandlerStatus.CONNECTED, running=0, last_seen=to_datetime(now.wall))
    if earlier is None:
        return Entry(state=state, heard=heard)
    if earlier.info.boot_id != info.boot_id:
        return Entry(state=state, heard=heard).superseding(earlier)
    status = HandlerStatus.DRAINING if earlier.status is HandlerStatus.DRAINING else HandlerStatus.CONNECTED
    return earlier.again(replace(state, status=status, running=earlier.state.running), heard)


def _news(entry: Entry, earlier: Entry | None) -> Facts:
    """The fact of a registration, unless it was but a repetition."""
    if earlier is not None and (earlier.info, earlier.status) == (entry.info, entry.status):
        return ()
    return (_FACTS[entry.status](data=entry.state),)


def _not_found(handler_id: str, known: Iterable[str]) -> ScheduleZeroError:
    ids = sorted(known)
    nearest = difflib.get_close_matches(handler_id, ids, n=1, cutoff=0.5)
    if nearest:
        hint = f"did you mean {nearest[0]}?"
    elif ids:
        hint = f"known are {', '.join(ids[:10])}" + (", …" if len(ids) > 10 else "")
    else:
        hint = "none has registered yet"
    return ScheduleZeroError.of(Code.HANDLER_NOT_FOUND, f"handler {handler_id} is not known; {hint}", path="handler_id")
