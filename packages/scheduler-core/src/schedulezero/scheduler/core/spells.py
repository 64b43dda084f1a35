"""What held, from when to when: pauses, quarantines, handlers that were offline, and the scheduler's own time up.

Drawn from what a step has changed, and written with it, so that no crash comes between a pause and its account. They
decide nothing: they are what a later "why?" is answered from.
"""

from msgspec.structs import replace

from schedulezero.protocol.values import Pause
from schedulezero.runtime.clock import from_datetime
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.memory import Memory
from schedulezero.scheduler.core.model import (
    SECOND,
    AdvanceSchedule,
    Change,
    DeleteSchedule,
    InsertSchedule,
    KeepSpell,
    ReviseSchedule,
    Schedule,
    SetPause,
    Spell,
    SpellKind,
)

MARK_EVERY = 10 * SECOND
"""How old the end of the present `scheduler_up` grows; after a crash it is wrong by no more."""

_FLEET = (inputs.Loaded, inputs.Linked, inputs.LinkLost, inputs.InstanceTold, inputs.DirectoryRead)
"""What may bring an instance, or take one away."""


class Spells:
    """Knows the spells that last, and writes each when it begins and when it ends."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._open: dict[tuple[SpellKind, str], Spell] = {}
        self._up: Spell | None = None

    def keep(self, draft: Draft, event: inputs.Input, now: int) -> None:
        """Write what begins and what ends with the step that `event` has led to."""
        if isinstance(event, inputs.Loaded):
            self._load(draft, event, now)
        if isinstance(event, inputs.TimeLeapt):
            self._begin_up_anew(draft, event, now)
        for change in tuple(draft.changes):
            self._take(draft, change, now)
        if isinstance(event, _FLEET):
            self._watch_handlers(draft, now, now)
        if isinstance(event, inputs.Stopping) or (isinstance(event, inputs.Tick) and self._is_mark_due(now)):
            self._mark(draft, now)

    # -- from the database ---------------------------------------------------------------------------------------

    def _load(self, draft: Draft, loaded: inputs.Loaded, now: int) -> None:
        """Go on where the rows end. What lasts by another row, from before there were spells, begins with its own."""
        self._open = {(spell.kind, spell.subject): spell for spell in loaded.spells if spell.ended is None}
        last = max((spell for spell in loaded.spells if spell.kind == "scheduler_up"), key=_began, default=None)
        self._begin_up(draft, last, now, resumed=loaded.resumed)
        last_up = now if last is None or last.ended is None or loaded.resumed else min(last.ended, now)
        self._watch_handlers(draft, last_up, now)
        for handler_id, pause in loaded.pauses.items():
            self._hold_pause(draft, handler_id, pause, now)
        for schedule in loaded.unspelled:
            self._hold_schedule(draft, schedule, now, failed_at=schedule.decided_through)

    def _begin_up(self, draft: Draft, last: Spell | None, now: int, *, resumed: bool) -> None:
        """A process that has only read its state anew was up all the while, unless that took too long."""
        goes_on = resumed and last is not None and last.ended is not None and now - last.ended <= 2 * MARK_EVERY
        self._up = last if goes_on and last is not None else Spell(kind="scheduler_up", subject="", began=now)
        self._mark(draft, now)

    def _begin_up_anew(self, draft: Draft, leapt: inputs.TimeLeapt, now: int) -> None:
        """What was leapt over does not count as up; a clock that was put back has leapt over nothing."""
        gap = leapt.stood + leapt.stepped
        if self._up is not None and gap > 0:
            self._mark(draft, max(now - gap, self._up.ended or 0))
            self._up = Spell(kind="scheduler_up", subject="", began=now, note=_why(leapt))
            self._mark(draft, now)

    def _is_mark_due(self, now: int) -> bool:
        return self._up is not None and self._up.ended is not None and now - self._up.ended >= MARK_EVERY

    def _mark(self, draft: Draft, now: int) -> None:
        if self._up is not None:
            self._up = _ended(self._up, now)
            draft.write(KeepSpell(spell=self._up))

    # -- from a step ---------------------------------------------------------------------------------------------

    def _take(self, draft: Draft, change: Change, now: int) -> None:
        match change:
            case SetPause():
                self._hold_pause(draft, change.handler_id, change.pause, now)
            case InsertSchedule() | ReviseSchedule() | AdvanceSchedule():
                self._hold_schedule(draft, change.schedule, now, failed_at=now)
            case DeleteSchedule():
                self._end(draft, "schedule_pause", change.schedule_id, now)
                self._end(draft, "quarantine", change.schedule_id, now)

    def _hold_pause(self, draft: Draft, handler_id: str | None, pause: Pause | None, now: int) -> None:
        kind: SpellKind = "system_pause" if handler_id is None else "handler_pause"
        self._hold(draft, kind, handler_id or "", _paused(kind, handler_id or "", pause), now)

    def _hold_schedule(self, draft: Draft, schedule: Schedule, now: int, *, failed_at: int) -> None:
        """Follow a schedule's pause and quarantine; the latter's row does not say when it began."""
        paused = _paused("schedule_pause", schedule.id, schedule.pause)
        self._hold(draft, "schedule_pause", schedule.id, paused, now)
        failed = self._open.get(("quarantine", schedule.id))
        if schedule.error is None:
            failed = None
        elif failed is None or failed.note != schedule.error:
            failed = Spell(kind="quarantine", subject=schedule.id, began=failed_at, note=schedule.error)
        self._hold(draft, "quarantine", schedule.id, failed, now)

    def _watch_handlers(self, draft: Draft, since: int, now: int) -> None:
        """Begin a spell for each handler without a live instance, and end those of handlers that have one again."""
        live = {one.info.handler_id for one in self._memory.instances.values() if one.open and not one.departed}
        for known in self._memory.known.values():
            if known.handler_id in live:
                self._end(draft, "handler_offline", known.handler_id, now)
            elif ("handler_offline", known.handler_id) not in self._open:
                began = max(since, known.first_seen)
                self._begin(draft, Spell(kind="handler_offline", subject=known.handler_id, began=began))

    # -- one spell -----------------------------------------------------------------------------------------------

    def _hold(self, draft: Draft, kind: SpellKind, subject: str, spell: Spell | None, now: int) -> None:
        """Let `spell`, or none, be what lasts."""
        last = self._open.get((kind, subject))
        if last is not None and (spell is None or spell.began != last.began):
            self._end(draft, kind, subject, now)
        if spell is not None and (kind, subject) not in self._open:
            self._begin(draft, spell)

    def _begin(self, draft: Draft, spell: Spell) -> None:
        self._open[spell.kind, spell.subject] = spell
        draft.write(KeepSpell(spell=spell))

    def _end(self, draft: Draft, kind: SpellKind, subject: str, now: int) -> None:
        spell = self._open.pop((kind, subject), None)
        if spell is not None:
            draft.write(KeepSpell(spell=_ended(spell, now)))


def _why(leapt: inputs.TimeLeapt) -> str:
    return "its clock was put ahead" if leapt.stepped > leapt.stood else "its process stood still"


def _began(spell: Spell) -> int:
    return spell.began


def _ended(spell: Spell, now: int) -> Spell:
    """Return the spell ended; a clock that was put back does not end it before it began."""
    return replace(spell, ended=max(now, spell.began))


def _paused(kind: SpellKind, subject: str, pause: Pause | None) -> Spell | None:
    if pause is None:
        return None
    began = from_datetime(pause.paused_at)
    return Spell(kind=kind, subject=subject, began=began, actor=pause.paused_by, note=pause.reason)
