"""Handlers as users see them, put together from their instances.

Instances are listed best status first; live ones by id, so that their order stands still, Disconnected ones newest
first. The first of them gives the handler its status and its address.
"""

from collections.abc import Sequence

from msgspec.structs import asdict

from schedulezero.protocol.states import HandlerStatus
from schedulezero.protocol.values import HandlerDetail, HandlerRecord, InstanceRecord, InstanceState, MethodSpec

_RANK = {status: rank for rank, status in enumerate(HandlerStatus)}
"""The statuses are declared from best to worst."""


def record(handler_id: str, states: Sequence[InstanceState]) -> HandlerRecord:
    """Return a handler of at least one instance."""
    ordered = sorted(states, key=_order)
    return HandlerRecord(
        id=handler_id,
        address=ordered[0].info.address,
        methods=tuple(method.name for method in _methods(ordered)),
        status=ordered[0].status,
        instances=tuple(_instance(state) for state in ordered),
    )


def detail(handler_id: str, states: Sequence[InstanceState]) -> HandlerDetail:
    """Return a handler of at least one instance, with all that its methods say of themselves."""
    methods = _methods(sorted(states, key=_order))
    return HandlerDetail(**asdict(record(handler_id, states)), method_specs=methods)


def best_status(states: Sequence[InstanceState]) -> HandlerStatus:
    """Return the status of a handler with these instances."""
    return min((state.status for state in states), key=_RANK.__getitem__)


def _order(state: InstanceState) -> tuple[int, float, str]:
    gone = state.status is HandlerStatus.DISCONNECTED
    return _RANK[state.status], -state.last_seen.timestamp() if gone else 0, state.info.instance_id


def _methods(ordered: Sequence[InstanceState]) -> tuple[MethodSpec, ...]:
    """The methods of the live instances, of the last known where none lives; of two specs the better instance's."""
    live = [state for state in ordered if state.status is not HandlerStatus.DISCONNECTED]
    specs: dict[str, MethodSpec] = {}
    for state in live or ordered[:1]:
        for method in state.info.methods:
            specs.setdefault(method.name, method)
    return tuple(specs.values())


def _instance(state: InstanceState) -> InstanceRecord:
    return InstanceRecord(
        instance_id=state.info.instance_id,
        boot_id=state.info.boot_id,
        address=state.info.address,
        status=state.status,
        running=state.running,
        capacity=state.info.capacity,
        version=state.info.version,
        last_seen=state.last_seen,
    )
