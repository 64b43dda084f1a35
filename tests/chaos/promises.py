"""What holds of a system at rest, whatever has happened to its processes.

Each function returns what is wrong, in sentences; nothing when its promise was kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from schedulezero.testkit.api import Api
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.handlers import Run
from schedulezero.testkit.ledger import every, instant, ledger_faults
from schedulezero.testkit.waiting import eventually

from .load import HANDLER, Load

Records = list[dict[str, Any]]

_REST_SECONDS = 60.0
_SHOWN = 20


def broken_promises(deployment: Deployment, load: Load) -> list[str]:
    """Bring a system to rest, and return the first of what is wrong with the work of its handler.

    Args:
        deployment: all of its processes run.
        load: what was asked of it, at an end.
    """
    ledgers_end = bring_to_rest(deployment.api, load.schedules)
    everything = deployment.api.executions()
    records = [one for one in everything if one["handler_id"] == HANDLER]
    begins = of_these(deployment.diary, everything, records)
    faults = [
        *load.strange_answers,
        *_lost_runs(records, load.accepted_ids),
        *_doubled_acceptances(records, load.accepted_ids),
        *_begun_twice(begins),
        *_unaccounted_begins(records, begins),
        *_overwritten(records, begins),
        *_unrecorded_losses(deployment.api, records),
        *_wrong_totals(deployment.api, everything),
    ]
    for schedule_id, end in ledgers_end.items():
        faults += broken_ledger(deployment.api, schedule_id, records, end)
    return faults[:_SHOWN]


def of_these(begins: list[Run], everything: Records, records: Records) -> list[Run]:
    """Leave out the begins of other handlers; what began and is recorded nowhere stays."""
    others = {one["execution_id"] for one in everything} - {one["execution_id"] for one in records}
    return [run for run in begins if run.execution_id not in others]


def bring_to_rest(api: Api, schedules: Iterable[str]) -> dict[str, datetime]:
    """Pause the schedules, let all work end, and return up to when each schedule's instants are then decided.

    The end of a pause accounts for what it covered, so that an instant which was due before it and not decided in time
    has a row as well.
    """
    schedules = list(schedules)
    for id_ in schedules:
        api.do(f"/api/schedules/{id_}/pause")
    await_rest(api)
    ends = {id_: instant(api.do(f"/api/schedules/{id_}/resume")["updated_at"]) for id_ in schedules}
    for id_ in schedules:
        api.do(f"/api/schedules/{id_}/pause")
    await_rest(api)
    return ends


def await_rest(api: Api) -> None:
    """Return once nothing waits and nothing runs."""

    def rests() -> bool:
        unfinished = api.read("/api/executions", status="pending,running,retrying")["records"]
        assert not unfinished, f"{len(unfinished)} executions have not ended, such as {unfinished[0]}"
        return True

    eventually(rests, within=_REST_SECONDS, what="rest")


def broken_ledger(api: Api, schedule_id: str, records: Records, end: datetime) -> list[str]:
    """Every instant of a schedule of one second, up to `end` at least, has one row, ranges counted."""
    rows = [one for one in records if one["schedule_id"] == schedule_id]
    first = instant(api.read(f"/api/schedules/{schedule_id}")["trigger_config"]["start_time"])
    through = max([end, *(instant((one["covers"] or {"to": one["scheduled_for"]})["to"]) for one in rows)])
    return [f"{schedule_id}: {fault}" for fault in ledger_faults(rows, every(1, first=first, through=through))]


# -- runs -------------------------------------------------------------------------------------------------------------


def _lost_runs(records: Records, accepted: list[str]) -> Iterator[str]:
    """What was accepted is there, and has succeeded."""
    status = {one["execution_id"]: one["status"] for one in records}
    for id_ in accepted:
        if status.get(id_) != "success":
            yield f"{id_} was accepted and is {status.get(id_, 'not there')}"
    for one in records:
        if one["status"] not in ("success", "skipped"):
            yield f"{one['execution_id']} ended as {one['status']}: {one['error']}"


def _doubled_acceptances(records: Records, accepted: list[str]) -> Iterator[str]:
    """Asking again by the same key has made no other execution."""
    yield from (f"{id_} was accepted {count} times" for id_, count in Counter(accepted).items() if count > 1)
    unasked = {one["execution_id"] for one in records if one["schedule_id"] is None} - set(accepted)
    yield from (f"{id_} was asked for by nobody" for id_ in sorted(unasked))


# -- attempts ---------------------------------------------------------------------------------------------------------


def _begun_twice(begins: list[Run]) -> Iterator[str]:
    """No attempt begins twice, in one process or in two."""
    begun = Counter((run.execution_id, run.attempt) for run in begins)
    yield from (f"attempt {n} of {id_} began {count} times" for (id_, n), count in begun.items() if count > 1)


def _unaccounted_begins(records: Records, begins: list[Run]) -> Iterator[str]:
    """Whatever has begun is an attempt that is recorded, and whatever succeeded has begun."""
    attempts = {one["execution_id"]: one["attempt_number"] for one in records}
    for run in begins:
        if run.attempt > attempts.get(run.execution_id, 0):
            yield f"attempt {run.attempt} of {run.execution_id} began and is not recorded"
    begun = {run.execution_id for run in begins}
    for one in records:
        if one["status"] == "success" and one["execution_id"] not in begun:
            yield f"{one['execution_id']} succeeded and never began"


def _overwritten(records: Records, begins: list[Run]) -> Iterator[str]:
    """The result of an execution is what its last attempt has returned, in the process where that began."""
    signed = {(run.execution_id, run.attempt): {"attempt": run.attempt, "pid": run.pid} for run in begins}
    for one in records:
        expected = signed.get((one["execution_id"], one["attempt_number"]))
        if one["status"] == "success" and one["method_name"] == "sign" and one["result"] != expected:
            yield f"{one['execution_id']} has the result {one['result']}, and its last attempt returned {expected}"


def _unrecorded_losses(api: Api, records: Records) -> Iterator[str]:
    """Every attempt before the last is recorded as lost: nothing else goes wrong with these jobs."""
    for one in records:
        if one["attempt_number"] > 1:
            earlier = api.execution(one["execution_id"])["attempts"][:-1]
            told = [(attempt["attempt_number"], attempt["status"]) for attempt in earlier]
            if told != [(number, "lost") for number in range(1, one["attempt_number"])]:
                yield f"{one['execution_id']} was tried {one['attempt_number']} times; of these are told {told}"


def _wrong_totals(api: Api, records: Records) -> Iterator[str]:
    """The counts, which are kept beside the rows, are those of the rows."""
    counted = api.read("/api/executions/stats")
    succeeded = sum(one["status"] == "success" for one in records)
    if (counted["total_executions"], counted["success_count"]) != (len(records), succeeded):
        yield f"{len(records)} executions, {succeeded} of them successful, are counted as {counted}"
