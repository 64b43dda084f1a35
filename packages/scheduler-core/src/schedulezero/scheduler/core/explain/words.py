"""All that an explanation says, in plain sentences: the cause, its times in the schedule's zone, and what to do."""

from schedulezero.protocol.states import Status
from schedulezero.scheduler.core.explain.facts import Down, Facts, Hindrance, Presence
from schedulezero.scheduler.core.model import SECOND, Execution, Schedule, Spell
from schedulezero.scheduler.core.triggers import Mismatch, Zone
from schedulezero.scheduler.core.triggers.instants import from_wall

_UNITS = (("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_LONGEST_ERROR = 300
_MOST_CAUSES = 3
_NOTHING_TO_DO = "There is nothing to do."


class Words:
    """Speaks of times as the clocks of `zone` show them."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    # -- an execution that is, or was, to run ----------------------------------------------------------------------

    def success(self, row: Execution, late: str) -> str:
        ended = f"succeeded at {self._moment(row.completed_at)}, in attempt {row.attempt}"
        return _text(f"It ran on {row.instance_id} and {ended}.", late, _NOTHING_TO_DO)

    def error(self, row: Execution, late: str) -> str:
        ended = f"It failed at {self._moment(row.completed_at)} in attempt {row.attempt} of {row.retry.max_attempts}"
        return _text(f"{ended}: {_error(row)}", late, f"Mend the cause, then {_run_again(row)}")

    def timeout(self, row: Execution, late: str) -> str:
        limit = f", its timeout of {row.timeout_seconds:g} s over" if row.timeout_seconds is not None else ""
        ended = f"It was given up at {self._moment(row.completed_at)} in attempt {row.attempt}{limit}."
        return _text(ended, late, f"Raise timeout_seconds or make the job shorter, then {_run_again(row)}")

    def cancelled(self, row: Execution, late: str, *, by_policy: bool) -> str:
        how = "while it ran" if row.started_at is not None else "before it began"
        who = "by the next instant (overlap is cancel_running) or by hand" if by_policy else "by hand"
        ended = f"It was cancelled {who} at {self._moment(row.completed_at)}, {how}."
        return _text(ended, late, f"If it is still wanted, {_run_again(row)}")

    def running(self, row: Execution, late: str) -> str:
        stopping = ", and has been asked to stop" if row.cancel_requested else ""
        since = f"since {self._moment(row.started_at)}, in attempt {row.attempt}"
        return _text(
            f"It has been running on {row.instance_id} {since}{stopping}.",
            late,
            f"Read what it logs with GET /api/executions/{row.id}/logs.",
        )

    def waiting(self, row: Execution, hindrance: Hindrance, facts: Facts) -> str:
        state = f"It was decided at {self._moment(row.created_at)} and waits"
        if row.status is Status.RETRYING:
            state = f"Attempt {row.attempt} of {row.retry.max_attempts} did not succeed, and the next one waits"
        return _text(f"{state}: {self._waited_for(hindrance, row, facts)}.", _remedy(hindrance, row, facts.presence))

    def stands_for_all(self, row: Execution) -> str:
        covered = self._span(row.covers_from, row.covers_to)
        count = f"{row.covers_count}" if row.count_exact else f"at least {row.covers_count}"
        return f"It was missed, and the run of {self._time(row.fire_time)} stands for all {count} instants {covered}."

    def late(self, microseconds: int, causes: tuple[Hindrance, ...], facts: Facts) -> str:
        told = "; ".join(self._delayed_by(cause, facts.handler_id) for cause in causes[:_MOST_CAUSES])
        more = f"; and {len(causes) - _MOST_CAUSES} more" if len(causes) > _MOST_CAUSES else ""
        return f"It began {_lasting(microseconds)} late: {told}{more}."

    # -- a skipped one ----------------------------------------------------------------------------------------------

    def overlap(self, other: Execution | None, schedule: Schedule | None) -> str:
        if other is None:
            cause = "an earlier execution of the schedule had not ended"
        elif other.started_at is None:
            cause = f"execution {other.id} of the schedule was still waiting to begin"
        else:
            ran = "ran" if other.completed_at is not None else "has been running"
            cause = f"execution {other.id} of the schedule {ran} {self._span(other.started_at, other.completed_at)}"
        if schedule is not None and schedule.request.overlap == "queue_one":
            return _text(
                f"It was skipped because {cause}, and one more was waiting already.",
                "Set overlap to queue_all to have every instant run, or make the job shorter.",
            )
        remedy = "Set overlap to queue_one, queue_all or allow to have such instants run, or make the job shorter."
        return _text(f"It was skipped because {cause}.", remedy)

    def misfire(self, late: int, decided: int, down: tuple[Down, ...], schedule: Schedule | None) -> str:
        because = f": {self._down(*down[0])}" if down else ""
        missed = f"It was missed, as it was decided {_lasting(late)} late, at {self._moment(decided)}{because}."
        if schedule is None:
            return _text(missed, "Its catch-up policy had it skipped.", "Run the job by hand if it is still wanted.")
        request = schedule.request
        if request.catch_up == "all":
            policy = f"Of what is missed, the newest max_catch_up ({request.max_catch_up}) are run: raise it for more."
        else:
            policy = "Set catch_up to latest or all to have missed instants run"
            policy += f", or raise misfire_grace_seconds (now {request.misfire_grace_seconds:g})."
        return _text(missed, policy)

    def paused(self, spell: Spell | None, *, everything: bool, facts: Facts) -> str:
        what = "everything" if everything else "the schedule"
        if spell is None:
            return _text(f"It was skipped because {what} was paused.", _run_by_hand(facts))
        was = f"{_was(spell.ended)} paused {self._span(spell.began, spell.ended)}{_by(spell)}"
        if spell.ended is not None:
            return _text(f"It was skipped because {what} {was}.", _run_by_hand(facts))
        return _text(f"It is skipped because {what} {was}.", _resume(facts, everything=everything))

    def quarantined(self, spell: Spell | None, error: str | None, facts: Facts) -> str:
        why = f", as its trigger failed: {_clipped(error)}" if error else ", as its trigger failed"
        if spell is None:
            return _text(f"It was skipped because the schedule was in quarantine{why}.", _run_by_hand(facts))
        span = self._span(spell.began, spell.ended)
        if spell.ended is not None:
            return _text(f"It was skipped because the schedule was in quarantine {span}{why}.", _run_by_hand(facts))
        return _text(f"It is skipped because the schedule has been in quarantine {span}{why}.", _mend(facts))

    def no_handler(self, offline: tuple[Spell, ...], facts: Facts) -> str:
        handler = facts.handler_id
        gone = f"no instance of handler {handler} was online"
        if offline:
            first = offline[0]
            gone = f"no instance of handler {handler} {_was(first.ended)} online {self._span(first.began, first.ended)}"
        if not facts.seen:
            gone = f"no instance of handler {handler} has ever registered"
        remedy = "Keep an instance running, or raise expires_after_seconds (0 waits for none)."
        return _text(f"It was skipped because {gone}.", remedy)

    def expired(self, row: Execution, causes: tuple[Hindrance, ...]) -> str:
        told = "; ".join(self._delayed_by(cause, row.handler_id) for cause in causes[:_MOST_CAUSES])
        ended = f"It was skipped because nothing had begun it by {self._moment(row.expires_at)}: {told}."
        return _text(ended, "Raise expires_after_seconds, or see to it that its handler is there.")

    # -- no fire time -----------------------------------------------------------------------------------------------

    def mismatched(
        self, at: int, mismatch: Mismatch, previous: int | None, following: int | None, schedule: Schedule
    ) -> str:
        option = mismatch.field if mismatch.field in ("start_at", "end_at") else "trigger_config"
        remedy = f"To make it due, change {option} with PATCH /api/schedules/{schedule.id}."
        why_not = f"It is not due: {self._why_not(at, mismatch)}."
        return _text(why_not, self._neighbours(previous, following), remedy)

    def not_yet_created(self, schedule: Schedule) -> str:
        created = f"the schedule was created or replaced later, at {self._moment(schedule.created_at)}"
        return _text(f"It is not due: {created}, and nothing is recorded of it.", "Ask for a later time.")

    def changed_since(self, changed_at: int) -> str:
        changed = f"the schedule's times were changed later, at {self._moment(changed_at)}"
        text = f"Nothing is recorded of it, and {changed}; what they were before is not kept."
        return _text(text, "Ask for a later time.")

    def deleted(self, previous: int | None, following: int | None) -> str:
        gone = "The schedule is deleted, and nothing is recorded of that instant."
        return _text(gone, self._neighbours(previous, following), "Ask for an instant that is recorded.")

    def out_of_runs(self, most: int, last: int | None) -> str:
        spent = f", the last at {self._moment(last)}" if last is not None else ""
        return _text(f"It is not due: the schedule has had its max_runs ({most}){spent}.", "Raise max_runs for more.")

    def will_be_out_of_runs(self, most: int, left: int) -> str:
        spent = f"of its max_runs ({most}) {left} are left, and as many instants or more come before it"
        return _text(f"It will not be due: {spent}.", "Raise max_runs for more.")

    def removed(self) -> str:
        gone = "It was decided, but its execution is stored no longer: it was cleared, or became too old."
        return _text(gone, "Raise database.keep_days and database.keep_executions to keep more.")

    # -- still to come ----------------------------------------------------------------------------------------------

    def upcoming(self, at: int, due: int, now: int, against: tuple[Hindrance, ...], facts: Facts) -> str:
        jitter = f", {_lasting(due - at)} of jitter included" if due > at else ""
        when = (
            f"It is to run at {self._moment(due)}, in {_lasting(due - now)}{jitter}" if due > now else "It is due now"
        )
        if not against:
            return _text(f"{when}, and nothing stands against it.", _NOTHING_TO_DO)
        told = (self._stands_against(one, facts) for one in against)
        return _text(f"{when}.", *told, *(_remedy_against(one, facts) for one in against))

    def remark(self, remark: str) -> str:
        return f" Clocks change: {remark}."

    # -- parts of sentences -----------------------------------------------------------------------------------------

    def _waited_for(self, hindrance: Hindrance, row: Execution, facts: Facts) -> str:
        presence = facts.presence
        match hindrance.cause:
            case "no_handler" if not facts.seen:
                return f"no instance of handler {row.handler_id} has ever registered"
            case "no_slot" if presence is not None and presence.capacity:
                return f"{presence.running} of {presence.capacity} slots of handler {row.handler_id} are taken"
            case "overlap":
                return f"execution {hindrance.execution_id} of the schedule has to end first"
            case "retry":
                return f"it is due at {self._moment(row.ready_at)}"
            case _:
                return self._delayed_by(hindrance, row.handler_id)

    def _delayed_by(self, hindrance: Hindrance, handler_id: str) -> str:
        was, span = _was(hindrance.ended), self._span(hindrance.began, hindrance.ended)
        match hindrance.cause:
            case "scheduler_down":
                return self._down(hindrance.began, hindrance.ended, hindrance.note)
            case "scheduler_behind":
                return "the scheduler was behind, with other instants or with its writing"
            case "jitter":
                return f"its jitter put it off to {self._moment(hindrance.ended)}"
            case "everything_paused":
                return f"everything {was} paused {span}{_by(hindrance)}"
            case "paused":
                return f"the schedule {was} paused {span}{_by(hindrance)}"
            case "handler_paused":
                return f"handler {handler_id} {was} paused {span}{_by(hindrance)}"
            case "no_handler" if hindrance.began is None:
                return f"no instance of handler {handler_id} takes new work"
            case "no_handler":
                return f"no instance of handler {handler_id} {was} online {span}"
            case "no_method":
                return f"no connected instance of handler {handler_id} offers the method"
            case "overlap":
                until = self._moment(hindrance.ended)
                return f"execution {hindrance.execution_id} of the schedule had to end first, which it did at {until}"
            case "retry":
                return "an attempt before it did not succeed"
            case "quarantined":
                return f"the schedule {was} in quarantine {span}"
            case "no_slot":
                return f"every slot of handler {handler_id} was taken"

    def _stands_against(self, hindrance: Hindrance, facts: Facts) -> str:
        span = self._span(hindrance.began, hindrance.ended)
        match hindrance.cause:
            case "paused":
                return f"The schedule has been paused {span}{_by(hindrance)}: if that lasts, it will be skipped."
            case "everything_paused":
                return f"Everything has been paused {span}{_by(hindrance)}: if that lasts, it will be skipped."
            case "quarantined":
                failed = f"Its trigger failed: {_clipped(hindrance.note or '')}."
                return f"The schedule has been in quarantine {span}: if that lasts, it will be skipped. {failed}"
            case "handler_paused":
                paused = f"Handler {facts.handler_id} has been paused {span}{_by(hindrance)}"
                return f"{paused}: if that lasts, it will wait{_expiring(facts)}."
            case "no_handler":
                since = f"been online {span}" if facts.seen else "ever registered"
                gone = f"No instance of handler {facts.handler_id} has {since}"
                fate = "be skipped" if _waits_for_none(facts) else f"wait{_expiring(facts)}"
                return f"{gone}: if that lasts, it will {fate}."
            case _:
                return f"{self._delayed_by(hindrance, facts.handler_id)}."

    def _why_not(self, at: int, mismatch: Mismatch) -> str:
        at_, field = self._moment(at), mismatch.field
        match mismatch.rule:
            case "field":
                return f"{field} is {mismatch.value} at {at_}, and it fires only at {mismatch.wanted}"
            case "date":
                return f"{mismatch.value} is none of its days, it fires {mismatch.wanted}"
            case "fraction":
                return f"{field} is {mismatch.value} at {at_}, and it fires only at whole seconds"
            case "second_pass":
                return f"{mismatch.value} comes twice on that day in {self._zone.name}, and it fires at the first"
            case "between":
                return f"{at_} is {mismatch.value} after a fire, and it fires every {mismatch.wanted}"
            case "once":
                return f"it fires once, at {self._moment(mismatch.bound)} ({field})"
            case "before_start":
                return f"{at_} lies before its {field}, {self._moment(mismatch.bound)}"
            case "after_end":
                return f"{at_} lies after its {field}, {self._moment(mismatch.bound)}"
            case "no_part":
                parts = "; ".join(self._why_not(at, part) for part in mismatch.parts[:_MOST_CAUSES])
                return f"none of its {len(mismatch.parts)} triggers fires then ({parts})"

    def _neighbours(self, previous: int | None, following: int | None) -> str:
        before = f"the last before it is {self._moment(previous)}" if previous is not None else "none comes before it"
        after = f"the next is {self._moment(following)}" if following is not None else "none comes after it"
        return f"Of its instants {before}, {after}."

    # -- times ------------------------------------------------------------------------------------------------------

    def _moment(self, instant: int | None) -> str:
        return f"{self._time(instant)} {self._zone.name}"

    def _down(self, began: int | None, ended: int | None, why: str | None) -> str:
        span = self._span(began, ended)
        return f"the scheduler was down {span}" if why is None else f"the scheduler did nothing {span}, as {why}"

    def _span(self, began: int | None, ended: int | None) -> str:
        if began is None:
            return "" if ended is None else f"until {self._moment(ended)}"
        if ended is None:
            return f"since {self._moment(began)}"
        first, last = self._time(began), self._time(ended)
        day = first.partition(" ")[0]
        return f"from {first} to {last.removeprefix(f'{day} ')} {self._zone.name}"

    def _time(self, instant: int | None) -> str:
        """Return what local clocks show, with the offset where they show it twice."""
        assert instant is not None
        second, fraction = divmod(instant, SECOND)
        wall = self._zone.wall(second)
        shown = f"{from_wall(wall):%Y-%m-%d %H:%M:%S}" + (f".{fraction // 1000:03}" if fraction >= 1000 else "")
        return shown + (_offset(wall - second) if self._zone.shift(wall) is not None else "")


def _text(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _lasting(microseconds: int) -> str:
    """Return a length of time in its two largest units."""
    if microseconds < 10 * SECOND:
        return f"{microseconds / SECOND:.3g} s"
    left, parts = round(microseconds / SECOND), []
    for unit, length in _UNITS:
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(parts[:2])


def _was(ended: int | None) -> str:
    return "has been" if ended is None else "was"


def _offset(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"


def _by(held: Spell | Hindrance) -> str:
    who = f" by {held.actor}" if held.actor else ""
    return who + (f" ({_clipped(held.note)})" if held.note else "")


def _error(row: Execution) -> str:
    if row.error is None:
        return "no reason was given."
    return _clipped(f"{row.error.type}: {row.error.message}").rstrip(".") + "."


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_ERROR else f"{line[: _LONGEST_ERROR - 1]}…"


def _waits_for_none(facts: Facts) -> bool:
    return facts.schedule is not None and facts.schedule.request.expires_after_seconds == 0


def _expiring(facts: Facts) -> str:
    seconds = facts.schedule.request.expires_after_seconds if facts.schedule is not None else None
    return f", at most {seconds:g} s" if seconds else ""


# -- what to do -----------------------------------------------------------------------------------------------------


def _run_again(row: Execution) -> str:
    return f"run it again with POST /api/executions/{row.id}/retry."


def _run_by_hand(facts: Facts) -> str:
    if facts.schedule is None:
        return "Run the job by hand if it is still wanted."
    return f"If it is still wanted, run it with POST /api/schedules/{facts.schedule_id}/run."


def _resume(facts: Facts, *, everything: bool) -> str:
    path = "/api/resume" if everything else f"/api/schedules/{facts.schedule_id}/resume"
    return f"Resume with POST {path} when instants are to run again."


def _mend(facts: Facts) -> str:
    path = f"/api/schedules/{facts.schedule_id}"
    return f"Change its trigger_config with PATCH {path}, or try it again with POST {path}/resume."


def _remedy_against(hindrance: Hindrance, facts: Facts) -> str:
    match hindrance.cause:
        case "paused" | "everything_paused":
            return _resume(facts, everything=hindrance.cause == "everything_paused")
        case "quarantined":
            return _mend(facts)
        case "handler_paused":
            return f"Resume the handler with POST /api/handlers/{facts.handler_id}/resume."
        case _:
            return f"Start an instance of {facts.handler_id}."


def _remedy(hindrance: Hindrance, row: Execution, presence: Presence | None) -> str:
    match hindrance.cause:
        case "everything_paused":
            return "Resume everything with POST /api/resume."
        case "handler_paused":
            return f"Resume the handler with POST /api/handlers/{row.handler_id}/resume."
        case "no_handler" if presence is not None and presence.online:
            return f"Its instances drain or are silent: start another one of {row.handler_id}."
        case "no_handler":
            return f"Start an instance of {row.handler_id}."
        case "no_method":
            return f"Start an instance of {row.handler_id} that offers {row.method_name}."
        case "retry":
            return f"Cancel it with POST /api/executions/{row.id}/cancel if it should not be tried again."
        case "overlap":
            return "It begins then by itself; set overlap to allow if they may run together."
        case _:
            return f"It begins by itself when a slot is free; start another instance of {row.handler_id} for more."
