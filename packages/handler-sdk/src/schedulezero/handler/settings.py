"""What a handler's process is told by its environment, checked before anything is opened."""

import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schedulezero.handler.errors import SettingsError

BIND = "SCHEDULEZERO_HANDLER_BIND"
ADVERTISE = "SCHEDULEZERO_HANDLER_ADVERTISE"
INSECURE_BIND = "SCHEDULEZERO_SECURITY_INSECURE_BIND"
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"", "0", "false", "no", "off"})
_TCP = re.compile(r"^tcp://(?P<host>\[[0-9A-Fa-f:.%\w]*\]|[^\s:/\[\]]+):(?P<port>\d{1,5}|\*)$")
_LOCAL = re.compile(r"^(ipc|inproc)://\S+$")
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_INSTANCE_ID = re.compile(r"^[\w.:@+-]{1,200}$")
_WILDCARDS = frozenset({"*", "0.0.0.0", "::"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What an embedding program decides itself; None leaves it to the environment."""

    registry: str | None = None
    bind: str | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an instance is served. `advertise` is None where the address is what was bound."""

    registry: str
    bind: str
    advertise: str | None
    capacity: int
    instance_id: str
    drain_seconds: float


def read_settings(handler_id: str, environment: Mapping[str, str], overrides: Overrides) -> Settings:
    """Return the settings.

    Raises:
        SettingsError: one of them cannot be used; the text is one line with its name and the remedy.
    """
    bind = _endpoint(environment, BIND, overrides.bind or "tcp://127.0.0.1:0")
    advertise = _endpoint(environment, ADVERTISE, None)
    if overrides.bind is None:
        _check_exposure(bind, advertise, environment)
    return Settings(
        registry=overrides.registry or _registry(environment),
        bind=overrides.bind or bind,
        advertise=advertise if overrides.bind is None else None,
        capacity=_number(environment, "SCHEDULEZERO_HANDLER_CONCURRENCY", 16, int, 1, 100_000),
        instance_id=overrides.instance_id or _instance_id(handler_id, environment),
        drain_seconds=_number(environment, "SCHEDULEZERO_HANDLER_DRAIN_SECONDS", 10.0, float, 0, 86_400),
    )


def advertised(settings: Settings, bound: str) -> str:
    """Return the address that schedulers are told: port 0 in the setting stands for the port that was bound."""
    if settings.advertise is None:
        return bound
    host, _, port = settings.advertise.rpartition(":")
    return f"{host}:{bound.rpartition(':')[2]}" if port in ("0", "*") else settings.advertise


def _registry(environment: Mapping[str, str]) -> str:
    host = environment.get("SCHEDULEZERO_ZRPC_HOST", "127.0.0.1")
    if not _HOST.fullmatch(host):
        raise SettingsError(
            f"SCHEDULEZERO_ZRPC_HOST={host!r}: give the host name or IPv4 address of the registry, no more"
        )
    return f"tcp://{host}:{_number(environment, 'SCHEDULEZERO_ZRPC_PORT', 4242, int, 1, 65_535)}"


def _instance_id(handler_id: str, environment: Mapping[str, str]) -> str:
    name = "SCHEDULEZERO_HANDLER_INSTANCE_ID"
    given = environment.get(name, "")
    if given and not _INSTANCE_ID.match(given):
        raise SettingsError(f"{name}={given!r}: give 1 to 200 letters, digits and _.:@+-, or leave it out")
    return given or f"{handler_id[:180]}-{uuid.uuid4().hex[:12]}"


def _number[N: (int, float)](
    environment: Mapping[str, str], name: str, default: N, kind: Callable[[str], N], least: int, most: int
) -> N:
    text = environment.get(name, "")
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise SettingsError(f"{name}={text!r}: give a number from {least} to {most}, or leave it out for {default}")
    return value


def _endpoint[D: (str, None)](environment: Mapping[str, str], name: str, default: D) -> str | D:
    given = environment.get(name, "")
    if not given:
        return default
    tcp = _TCP.match(given)
    port_fits = tcp is not None and (tcp["port"] == "*" or int(tcp["port"]) <= 65_535)
    if not port_fits and not _LOCAL.match(given):
        remedy = "give tcp://ADDRESS:PORT, where port 0 takes a free one"
        raise SettingsError(f"{name}={given!r} is not an endpoint: {remedy}")
    return given


def _check_exposure(bind: str, advertise: str | None, environment: Mapping[str, str]) -> None:
    tcp = _TCP.match(bind)
    if tcp is None or _is_loopback(host := tcp["host"].strip("[]")):
        return
    insecure = environment.get(INSECURE_BIND, "").lower()
    if insecure not in _TRUE | _FALSE:
        raise SettingsError(f"{INSECURE_BIND}={insecure!r}: give true or false")
    if insecure not in _TRUE:
        reason = "can be reached from other machines, by anyone"
        raise SettingsError(f"{BIND}={bind} {reason}: bind to 127.0.0.1, or permit it by {INSECURE_BIND}=true")
    if host in _WILDCARDS and advertise is None:
        remedy = f"set {ADVERTISE}=tcp://HOST:PORT, with port 0 for the one that was bound"
        raise SettingsError(f"{BIND}={bind} is no address that a scheduler could connect to: {remedy}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
