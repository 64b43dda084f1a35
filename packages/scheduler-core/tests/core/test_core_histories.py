"""Histories made from a seed: commands, failures, losses, restarts. Whatever the order, nothing is lost or doubled."""

from random import Random
from typing import Any

import pytest

from schedulezero.protocol.commands import (
    ExecutionCancel,
    SchedulePause,
    ScheduleResume,
    SystemPause,
    SystemResume,
)
from schedulezero.protocol.handling import Cancel, Execute, Refused
from schedulezero.protocol.states import FINAL
from schedulezero.protocol.values import RetryOptions
from schedulezero.scheduler.core import inputs
from schedulezero.scheduler.core.model import SECOND

OVERLAPS = ("skip", "queue_one", "queue_all", "cancel_running", "allow")
CATCH_UPS = ("latest", "all", "skip")
STEPS = 120


class World:
    """A scheduler in a bottle and the instances around it, which hold what they were sent."""

    def __init__(self, bottle: Any, seed: int) -> None:
        self.bottle, self.random = bottle, Random(seed)
        self.boots: dict[str, dict[str, Execute]] = {}
        self.made = 0
        self.schedules: dict[str, tuple[int, int]] = {}
        for _ in range(2):
            self.boot()

    def boot(self) -> None:
        self.made += 1
        name = f"b{self.made}"
        self.boots[name] = {}
        capacity = self.random.choice((1, 2, 16))
        self.bottle.feed(inputs.InstanceTold(state=self.bottle.state(name, capacity=capacity)))
        self.bottle.link(name)

    def deliver(self) -> None:
        """Let the instances take what was sent to them."""
        for boot, message in self.bottle.sent:
            held = self.boots.get(boot)
            if held is None:
                continue
            if isinstance(message, Execute):
                known = held.get(message.execution_id)
                assert known is None or message.claim >= known.claim
                held[message.execution_id] = message
            elif isinstance(message, Cancel):
                known = held.get(message.execution_id)
                if known is not None and known.claim == message.claim:
                    del held[message.execution_id]
                    self.bottle.finish(known, "cancelled")
        self.bottle.sent.clear()
        self.bottle.read_more()

    # -- what may happen -----------------------------------------------------------------------------------------

    def time_passes(self) -> None:
        self.bottle.advance(self.random.choice((0.1, 1, 3, 10, 200)))

    def somebody_runs(self) -> None:
        jitter = RetryOptions(base_seconds=self.random.choice((0, 1, 30)), on_lost=self.random.random() < 0.8)
        expires = self.random.choice((None, None, 0, 5))
        self.bottle.run(retry=jitter, priority=self.random.randrange(10), expires_after_seconds=expires)

    def somebody_schedules(self) -> None:
        seconds = self.random.choice((1, 2, 7, 30))
        options = {
            "overlap": self.random.choice(OVERLAPS),
            "catch_up": self.random.choice(CATCH_UPS),
            "misfire_grace_seconds": self.random.choice((0.5, 5, 60)),
            "max_catch_up": self.random.choice((1, 5)),
            "jitter_seconds": self.random.choice((0, 0, 1)),
        }
        answer = self.bottle.schedule({"type": "interval", "seconds": seconds}, **options)
        self.schedules[answer.schedule_id] = (self.bottle.now, seconds * SECOND)

    def somebody_pauses(self) -> None:
        if self.schedules:
            id_ = self.random.choice(list(self.schedules))
            command = self.random.choice((SchedulePause, ScheduleResume))
            self.bottle.ask(command(schedule_id=id_))

    def everything_pauses(self) -> None:
        self.bottle.ask(self.random.choice((SystemPause, SystemResume))())

    def somebody_cancels(self) -> None:
        unfinished = [e for e in self.bottle.executions.values() if e.status not in FINAL]
        if unfinished:
            execution = self.random.choice(unfinished)
            self.bottle.ask(ExecutionCancel(execution_id=execution.id), found=execution)

    def a_job_ends(self) -> None:
        boot = self.random.choice(list(self.boots))
        held = self.boots[boot]
        if held:
            execute = held.pop(self.random.choice(list(held)))
            status = self.random.choice(("success", "success", "success", "error", "timeout"))
            self.bottle.finish(execute, status)
            if self.random.random() < 0.2:
                self.bottle.finish(execute, status)

    def work_is_refused(self) -> None:
        boot = self.random.choice(list(self.boots))
        held = self.boots[boot]
        if held:
            execute = held.pop(self.random.choice(list(held)))
            claim = {"execution_id": execute.execution_id, "attempt": execute.attempt, "claim": execute.claim}
            self.bottle.feed(inputs.Heard(boot_id=boot, messages=[Refused(reason="full", **claim)]))

    def an_instance_dies(self) -> None:
        boot = self.random.choice(list(self.boots))
        del self.boots[boot]
        self.bottle.feed(inputs.LinkLost(boot_id=boot, gone=True))
        self.boot()

    def a_connection_breaks(self) -> None:
        boot = self.random.choice(list(self.boots))
        self.bottle.feed(inputs.LinkLost(boot_id=boot))
        self.meet(boot)

    def the_scheduler_dies(self) -> None:
        """What it had sent may have arrived or not."""
        if self.random.random() < 0.5:
            self.deliver()
        self.bottle.sent.clear()
        self.bottle.restart()
        self.bottle.now += self.random.choice((0, 2, 400)) * SECOND
        states = tuple(self.bottle.state(boot) for boot in self.boots)
        self.bottle.feed(inputs.DirectoryRead(instances=states))
        for boot in self.boots:
            self.meet(boot)

    def meet(self, boot: str) -> None:
        holding = tuple((e.execution_id, e.attempt, e.claim) for e in self.boots[boot].values())
        self.bottle.link(boot, holding)

    def settle(self) -> None:
        """Let everything come to its end."""
        self.bottle.ask(SystemResume())
        for id_ in self.schedules:
            self.bottle.ask(ScheduleResume(schedule_id=id_))
            self.bottle.ask(SchedulePause(schedule_id=id_))
        for _ in range(10_000):
            self.deliver()
            unfinished = [e for e in self.bottle.executions.values() if e.status not in FINAL]
            if not unfinished:
                return
            for held in self.boots.values():
                while held:
                    self.bottle.finish(held.pop(next(iter(held))))
            self.bottle.advance(5)
        raise AssertionError(f"{len(unfinished)} never ended, such as {unfinished[0]}")


HAPPENINGS = (
    *[World.time_passes] * 6,
    *[World.a_job_ends] * 6,
    *[World.somebody_runs] * 3,
    World.somebody_schedules,
    World.somebody_pauses,
    World.everything_pauses,
    World.somebody_cancels,
    World.work_is_refused,
    World.an_instance_dies,
    World.a_connection_breaks,
    World.the_scheduler_dies,
)


@pytest.mark.parametrize("batch", range(20))
def test_whatever_happens_every_instant_is_decided_once_and_everything_ends(new_bottle: Any, batch: int) -> None:
    for seed in range(batch * 10, batch * 10 + 10):
        world = World(new_bottle(window=3, line=2), seed)
        for _ in range(STEPS):
            world.random.choice(HAPPENINGS)(world)
            world.deliver()
        world.settle()
        for id_, (created, period) in world.schedules.items():
            assert_accounted_for(world.bottle, id_, created, period, seed)


def assert_accounted_for(bottle: Any, schedule_id: str, created: int, period: int, seed: int) -> None:
    through = bottle.schedules[schedule_id].decided_through
    due = list(range(created + period, through + 1, period))
    told: list[int] = []
    for row in bottle.rows(schedule_id):
        first = row.covers_from if row.covers_from is not None else row.fire_time
        last = row.covers_to if row.covers_to is not None else row.fire_time
        instants = list(range(first, last + 1, period))
        assert len(instants) == (row.covers_count or 1), f"seed {seed}: a count is wrong in {row}"
        told += instants
    assert sorted(told) == due, f"seed {seed}: schedule {schedule_id}"
