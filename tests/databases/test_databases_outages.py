"""A database server that goes away: callers are told so, nothing accepted is lost, all goes on by itself."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import create_engine

from schedulezero.handler import Context, Handler
from schedulezero.protocol.commands import ExecutionList, RunNow, ScheduleCreate, ScheduleGet, SchedulePause
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.states import Status
from schedulezero.protocol.triggers import IntervalTrigger
from schedulezero.protocol.values import RunRequest, ScheduleRequest
from schedulezero.testkit.ledger import every, instant, ledger_faults
from schedulezero.testkit.parts import Parts, running_parts
from schedulezero.testkit.waiting import becomes

from .conftest import SCHEDULER, Site

RECOVERY_SECONDS = 5.0
IMPORT_SECONDS = 0.25
"""What this machine needs for the same thing when it has nothing else to do."""
MEANWHILE = {Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN}

Act = Callable[[], object]


class Outage:
    """What happens to the server, how it is undone, and where the scheduler looks for it, if not at the site's URL."""

    def __init__(self, begin: Act, end: Act, url: str = "") -> None:
        self.begin, self.end, self.url = begin, end, url


def restarted(site: Site) -> Outage:
    return Outage(site.process.end, site.process.start)


def crashed(site: Site) -> Outage:
    return Outage(site.process.kill, site.process.start)


def cut_off(site: Site) -> Outage:
    return Outage(site.proxy.cut, site.proxy.mend)


def frozen(site: Site) -> Outage:
    """No byte comes through and no connection breaks, until the network forgets the connections."""
    return Outage(site.proxy.freeze, lambda: (site.proxy.drop(), site.proxy.mend()))


def answers_lost(site: Site) -> Outage:
    """What is said to the server is done, and nobody hears of it."""
    return Outage(site.proxy.deafen, lambda: (site.proxy.drop(), site.proxy.mend()))


def moved(site: Site) -> Outage:
    """The server is reached at another address: PostgreSQL's driver is told both, elsewhere a name leads there."""

    def elsewhere() -> None:
        site.other.mend()
        if site.kind == "mysql":
            site.proxy.target = ("127.0.0.1", site.other.port)
            site.proxy.mend()

    url = site.url
    if site.kind == "postgresql":
        ways = (f"host=127.0.0.1:{proxy.port}" for proxy in (site.proxy, site.other))
        url = f"postgresql://{SCHEDULER}@/{site.database}?{'&'.join(ways)}&target_session_attrs=read-write"
    return Outage(lambda: (site.other.cut(), site.proxy.cut()), elsewhere, url)


def read_only(site: Site) -> Outage:
    if site.kind == "postgresql":

        def switch(value: str) -> None:
            site.server.administer(
                f"ALTER SYSTEM SET default_transaction_read_only = {value}", "SELECT pg_reload_conf()"
            )

        return Outage(lambda: switch("on"), lambda: switch("off"))
    return Outage(
        lambda: site.server.administer("SET GLOBAL read_only = 1"),
        lambda: site.server.administer("SET GLOBAL read_only = 0"),
    )


def out_of_connections(site: Site) -> Outage:
    """Others have taken all connections of the scheduler's user, and its own break."""
    if site.kind == "postgresql":
        few, many = f"ALTER ROLE {SCHEDULER} CONNECTION LIMIT 0", f"ALTER ROLE {SCHEDULER} CONNECTION LIMIT -1"
    else:
        few, many = "SET GLOBAL max_user_connections = 1", "SET GLOBAL max_user_connections = 100"
    others = ExitStack()

    def take() -> None:
        if site.kind == "mysql":
            connection = others.enter_context(create_engine(site.url.replace("mysql:", "mysql+pymysql:")).connect())
            others.callback(connection.engine.dispose)
        site.server.administer(few)
        site.proxy.drop()

    def give_back() -> None:
        others.close()
        site.server.administer(many)

    return Outage(take, give_back)


OUTAGES = [restarted, crashed, cut_off, answers_lost, moved, read_only, out_of_connections]
LONG_OUTAGES = [pytest.param(frozen, marks=pytest.mark.slow)]


class Jobs:
    """A handler that counts its runs."""

    def __init__(self) -> None:
        self.handler = Handler("work")
        self.runs: Counter[str] = Counter()
        self.handler.method(self.noop)

    async def noop(self, ctx: Context) -> None:
        self.runs[ctx.execution_id] += 1


class Caller:
    """Asks for runs one after the other; what was refused is asked for again by the same key."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.accepted: list[str] = []
        self.refused: Counter[Code] = Counter()
        self.stopped = False

    async def call(self) -> None:
        while not self.stopped:
            await self._accept(f"call {len(self.accepted)}")

    async def _accept(self, key: str) -> None:
        run = RunRequest(handler_id="work", method_name="noop")
        for _ in range(10_000):
            try:
                answer = await self._parts.ask(RunNow(run=run, idempotency_key=key))
            except ScheduleZeroError as error:
                self.refused[error.code] += 1
                await asyncio.sleep(0.02)
            else:
                self.accepted.append(answer.execution_id)
                return


@pytest.mark.parametrize("outage", [*OUTAGES, *LONG_OUTAGES], ids=lambda outage: outage.__name__)
def test_nothing_accepted_is_lost_and_all_goes_on_by_itself(
    site: Site, tmp_path: Path, outage: Callable[[Site], Outage]
) -> None:
    async def scenario() -> None:
        async with running_parts(tmp_path, database=happens.url) as parts:
            jobs = Jobs()
            await parts.serve(jobs.handler, "work-1", "noop")
            await go_through(parts, jobs, happens)

    happens = outage(site)
    happens.url = happens.url or site.url
    asyncio.run(scenario())


def test_a_network_that_takes_its_time_loses_nothing_either(site: Site, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_parts(tmp_path, database=site.url) as parts:
            jobs = Jobs()
            await parts.serve(jobs.handler, "work-1", "noop")
            before = len(jobs.runs)
            site.proxy.delay = 0.02
            runs = [asyncio.create_task(parts.run("work", "noop", wait_seconds=20)) for _ in range(50)]
            assert {answer.status for answer in await asyncio.gather(*runs)} == {"success"}
            assert len(jobs.runs) == before + 50

    asyncio.run(scenario())


async def go_through(parts: Parts, jobs: Jobs, outage: Outage) -> None:
    first = (await parts.ask(ScheduleCreate(schedule=every_second()))).next_fire_time
    before = set(jobs.runs)
    caller = Caller(parts)
    calling = asyncio.create_task(caller.call())
    await becomes(lambda: at_least(5, caller.accepted), what="the first runs")

    await asyncio.to_thread(outage.begin)
    try:
        await becomes(lambda: at_least(3, list(caller.refused.elements())), within=20, what="refusals")
    finally:
        await asyncio.to_thread(outage.end)
    so_far, back_at = len(caller.accepted), time.time()
    await becomes(
        lambda: at_least(so_far + 1, caller.accepted), within=RECOVERY_SECONDS * slowness(), what="the next acceptance"
    )
    await becomes(lambda: fires_after(parts, back_at), what="a fire")
    caller.stopped = True
    await calling
    paused = await parts.ask(SchedulePause(schedule_id="each"))

    assert set(caller.refused) <= MEANWHILE
    assert len(set(caller.accepted)) == len(caller.accepted)
    for id_ in caller.accepted:
        assert (await parts.ended(id_)).status is Status.SUCCESS
    records = await all_records(parts)
    assert {one["execution_id"] for one in records if one["schedule_id"] is None} == {*before, *caller.accepted}
    assert set(jobs.runs.values()) == {1}
    fires = [one for one in records if one["schedule_id"] == "each"]
    last = max(instant((one["covers"] or {"to": one["scheduled_for"]})["to"]) for one in fires)
    assert first is not None
    assert paused.pause is not None
    assert last >= paused.pause.paused_at - timedelta(seconds=2)
    assert ledger_faults(fires, every(1, first=first, through=last)) == []


def every_second() -> ScheduleRequest:
    trigger = IntervalTrigger(seconds=1)
    return ScheduleRequest(
        handler_id="work",
        method_name="noop",
        trigger_config=trigger,
        schedule_id="each",
        overlap="allow",
        catch_up="all",
    )


async def fires_after(parts: Parts, moment: float) -> bool:
    last = (await parts.ask(ScheduleGet(schedule_id="each"))).last_fire_time
    return last is not None and last.timestamp() > moment


async def at_least(count: int, of: list[Any]) -> bool:
    return len(of) >= count


async def all_records(parts: Parts) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await parts.ask(ExecutionList(limit=1000, cursor=cursor))
        records += msgspec.json.decode(msgspec.json.encode(page))["records"]
        cursor = page.next_cursor
        if cursor is None:
            return records


def slowness() -> float:
    """How many times slower than usual a program starts, on a machine that is busy with other things; 1 at least."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import sqlalchemy"], check=True)
    return max((time.monotonic() - began) / IMPORT_SECONDS, 1.0)
