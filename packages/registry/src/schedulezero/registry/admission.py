"""What an instance must say of itself before it is listed; shapes and lengths were checked when it was decoded."""

from collections import Counter

import msgspec

from schedulezero.protocol.errors import Code, ScheduleZeroError, invalid_value
from schedulezero.protocol.values import MAX_VALUE_BYTES, InstanceInfo, MethodSpec

_TRANSPORTS = ("tcp://", "ipc://", "inproc://")


def check(info: InstanceInfo) -> None:
    """Admit an instance that schedulers can reach and whose methods can be told apart.

    Raises:
        ScheduleZeroError: naming the field as the sender of the command wrote it.
    """
    _check_address(info.address)
    _check_names(info.methods)
    for index, method in enumerate(info.methods):
        _check_schema(f"instance.methods[{index}].params_schema", method)
    _check_size(info)


def _check_address(address: str) -> None:
    if not address.startswith(_TRANSPORTS):
        message = f"{address} is no address that schedulers can connect to; it begins with {', '.join(_TRANSPORTS)}"
        raise invalid_value("instance.address", message)


def _check_names(methods: tuple[MethodSpec, ...]) -> None:
    for name, times in Counter(method.name for method in methods).items():
        if times > 1:
            raise invalid_value("instance.methods", f"{name} is offered {times} times; give each method its own name")


def _check_schema(path: str, method: MethodSpec) -> None:
    if not bytes(method.params_schema).lstrip().startswith(b"{"):
        raise invalid_value(path, f"the parameters of {method.name} are described by a JSON object, a JSON Schema")


def _check_size(info: InstanceInfo) -> None:
    size = len(msgspec.json.encode(info))
    if size > MAX_VALUE_BYTES:
        message = f"an instance is described in at most {MAX_VALUE_BYTES} bytes, not {size}; shorten schemas and docs"
        raise ScheduleZeroError.of(Code.PAYLOAD_TOO_LARGE, message, path="instance.methods")
