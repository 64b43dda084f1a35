"""The handlers as the scheduler knows them: what the registry tells, and what its own connections show.

An instance is lost when another boot takes its place, when its connection is gone and did not come back, or when
the registry says that it left. What the registry does not list is no proof while our own connection lives.
"""

from schedulezero.protocol.handling import Cancel, Pulse, Welcome
from schedulezero.protocol.states import HandlerStatus, Status
from schedulezero.protocol.values import InstanceInfo, InstanceState
from schedulezero.scheduler.core.dispatcher import execute_message
from schedulezero.scheduler.core.draft import Draft
from schedulezero.scheduler.core.memory import Instance, Memory
from schedulezero.scheduler.core.model import Execution, KnownHandler, RememberHandler, ReportLost
from schedulezero.scheduler.core.outcomes import Outcomes


class Fleet:
    """Keeps the instances, adopts what runs on them, and gives up what ran on those that are lost."""

    def __init__(self, memory: Memory, outcomes: Outcomes) -> None:
        self._memory = memory
        self._outcomes = outcomes

    def directory_read(self, draft: Draft, instances: tuple[InstanceState, ...], now: int) -> None:
        """Take in the registry's snapshot. Work of boots that nobody has seen is waited for one lease from now on."""
        for state in instances:
            self.told(draft, state, now)
        listed = {state.info.boot_id for state in instances}
        for boot_id, instance in list(self._memory.instances.items()):
            if boot_id not in listed and not instance.open:
                self.lost(draft, boot_id, now, gone=True)
        if not self._memory.directory_read:
            self._memory.directory_read = True
            for boot_id in self._memory.orphans:
                self._memory.lease_ends.add(now + self._memory.limits.lease, boot_id)

    def told(self, draft: Draft, state: InstanceState, now: int) -> None:
        """Take in what the registry says of one instance."""
        self._remember(draft, state.info, now)
        instance = self._memory.instances.get(state.info.boot_id)
        if state.status is HandlerStatus.DISCONNECTED:
            if instance is not None:
                instance.departed = True
                if not instance.open:
                    self.lost(draft, state.info.boot_id, now)
            return
        if instance is None:
            instance = self._memory.instances[state.info.boot_id] = self._instance(state.info)
        instance.departed = False
        instance.draining = instance.draining or state.status is HandlerStatus.DRAINING

    def linked(self, draft: Draft, welcome: Welcome, now: int) -> None:
        """An instance answered on a new connection: adopt what it holds, send again what it has not."""
        instance = self._memory.instances.get(welcome.boot_id)
        if instance is None:
            return
        instance.open, instance.silent, instance.draining = True, False, welcome.draining
        holding = dict.fromkeys((id_, attempt, claim) for id_, attempt, claim in welcome.holding)
        for execution in self._out_on(welcome.boot_id):
            claim = (execution.id, execution.attempt, execution.claim)
            if claim not in holding:
                draft.send(welcome.boot_id, execute_message(execution, self._memory.epoch))
            if execution.cancel_requested:
                draft.send(welcome.boot_id, _cancel(claim))
            holding.pop(claim, None)
        for claim in holding:
            if self._is_obsolete(claim):
                draft.send(welcome.boot_id, _cancel(claim))
        self._memory.orphans.pop(welcome.boot_id, None)

    def pulse(self, instance: Instance, pulse: Pulse) -> None:
        """The program of an instance is alive."""
        instance.silent = False
        instance.draining = pulse.draining

    def silent(self, boot_id: str) -> None:
        """The program says nothing while its connection lives: no new work, and nothing is given up."""
        instance = self._memory.instances.get(boot_id)
        if instance is not None:
            instance.silent = True

    def lost(self, draft: Draft, boot_id: str, now: int, *, gone: bool = False) -> None:
        """Give up every attempt that is out on a boot; forget it when it is gone for good, else it may come back."""
        self._memory.orphans.pop(boot_id, None)
        for execution in self._out_on(boot_id):
            self._outcomes.lost(draft, execution, now)
        instance = self._memory.instances.get(boot_id)
        if instance is None:
            return
        instance.open = False
        draft.do(ReportLost(instance_id=instance.info.instance_id, boot_id=boot_id))
        if gone or instance.departed:
            del self._memory.instances[boot_id]

    def lease_ended(self, draft: Draft, boot_id: str, now: int) -> None:
        """A boot that had our work before a restart was not heard of for a lease."""
        if boot_id in self._memory.orphans:
            self.lost(draft, boot_id, now)

    def _instance(self, info: InstanceInfo) -> Instance:
        instance = Instance(info)
        for execution in self._out_on(info.boot_id):
            instance.take(execution)
        return instance

    def _remember(self, draft: Draft, info: InstanceInfo, now: int) -> None:
        known = self._memory.known.get(info.handler_id)
        if known is not None and known.methods == info.methods:
            return
        first_seen = known.first_seen if known is not None else now
        seen = KnownHandler(handler_id=info.handler_id, first_seen=first_seen, methods=info.methods)
        self._memory.known[info.handler_id] = seen
        draft.write(RememberHandler(handler=seen))

    def _out_on(self, boot_id: str) -> list[Execution]:
        instance = self._memory.instances.get(boot_id)
        if instance is not None:
            return [self._memory.executions[id_] for id_ in instance.running]
        return [e for e in self._memory.executions.values() if e.status is Status.RUNNING and e.boot_id == boot_id]

    def _is_obsolete(self, claim: tuple[str, int, int]) -> bool:
        execution = self._memory.executions.get(claim[0])
        return execution is None or execution.status is not Status.RUNNING or execution.claim != claim[2]


def _cancel(claim: tuple[str, int, int]) -> Cancel:
    return Cancel(execution_id=claim[0], attempt=claim[1], claim=claim[2])
