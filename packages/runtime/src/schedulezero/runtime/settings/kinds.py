"""The kinds of value a setting takes: which ones it accepts, and how to say so to whoever gave another."""

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from schedulezero.protocol.values import MAX_WEBHOOK_URL, WEBHOOK_URL_PATTERN, WEBHOOK_URL_RULE, Ended
from schedulezero.runtime.settings.databases import is_database_url, masked

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`expects` completes the sentence "… is not …"; `accepts` is asked once the value has the right type.

    A value with a `mask` may hold a password: it is shown as the mask returns it, and not at all where it is malformed.
    """

    expects: str
    accepts: Callable[[Any], bool]
    mask: Callable[[str], str] | None = None


def is_host(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address without brackets, or a host name; never with a port or scheme."""
    return is_ip_address(text) or (not _looks_numeric(text) and bool(_HOST_NAME.fullmatch(text)))


def is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; a name other than `localhost` may mean anything, so it is not."""
    return host == "localhost" or (is_ip_address(host) and ipaddress.ip_address(host).is_loopback)


def host_of(endpoint: str) -> str:
    """Return the host of a `tcp://host:port` endpoint, without brackets; of a bare host, the host itself."""
    return urlsplit(endpoint).hostname or "" if "://" in endpoint else endpoint


def choice(literal: object) -> Kind:
    """One of the words of a `Literal`."""
    words = get_args(literal)
    return Kind(expects="one of " + ", ".join(words), accepts=words.__contains__)


def whole(least: int, most: int) -> Kind:
    """A whole number, both ends included."""
    return Kind(expects=f"a whole number from {least} to {most}", accepts=lambda value: least <= value <= most)


def seconds(least: float, most: float) -> Kind:
    """A span in seconds, both ends included."""
    return Kind(
        expects=f"a number of seconds from {least:g} to {most:g}",
        accepts=lambda value: math.isfinite(value) and least <= value <= most,
    )


def _looks_numeric(text: str) -> bool:
    # 1.2.3 and 300.1.1.1 are mistyped addresses, not names.
    return text.replace(".", "").isdigit()


def _is_endpoint(text: str, *, least_port: int) -> bool:
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        return False
    bare = not (parts.path or parts.query or parts.fragment or parts.username)
    return parts.scheme == "tcp" and bare and host is not None and is_host(host) and port in range(least_port, 65536)


def _is_zone(name: str) -> bool:
    # UTC needs no zone database, which a minimal container may lack.
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


def _is_line(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()


SWITCH = Kind(expects="true or false", accepts=lambda _: True)
TEXT = Kind(expects="text; put it in quotes", accepts=lambda text: "\0" not in text)
LINE = Kind(expects="one line of text; put it in quotes", accepts=_is_line)
PORT = Kind(expects="a port from 1 to 65535", accepts=lambda port: 1 <= port <= 65535)
PORT_OR_FREE = Kind(expects="a port from 1 to 65535, or 0 for a free one", accepts=lambda port: 0 <= port <= 65535)
PORT_OR_OFF = Kind(expects="a port from 1 to 65535, or 0 for none", accepts=lambda port: 0 <= port <= 65535)
HOST = Kind(expects="a host name or an IP address, without port", accepts=is_host)
HOSTS = Kind(
    expects="a list of host names or IP addresses, without ports", accepts=lambda hosts: all(map(is_host, hosts))
)
LISTEN_HOST = Kind(expects="an address to listen on, such as 127.0.0.1, without port", accepts=is_host)
LISTEN_ENDPOINT = Kind(
    expects="an address to listen on, such as tcp://127.0.0.1:0 (port 0 takes a free one)",
    accepts=lambda text: _is_endpoint(text, least_port=0),
)
ENDPOINT = Kind(expects="an address such as tcp://worker-1:5001", accepts=lambda text: _is_endpoint(text, least_port=1))
ZONE = Kind(expects="a time zone of the IANA database, such as Europe/Berlin", accepts=_is_zone)
DATABASE = Kind(
    expects="the URL of a database: sqlite:///FILE, postgresql://…, mysql://… or mariadb://…",
    accepts=is_database_url,
    mask=masked,
)
WEBHOOK = Kind(
    expects=f"{WEBHOOK_URL_RULE}, of at most {MAX_WEBHOOK_URL} characters",
    accepts=lambda url: len(url) <= MAX_WEBHOOK_URL and bool(re.match(WEBHOOK_URL_PATTERN, url)),
    mask=masked,
)
ENDED = Kind(
    expects="a list of final statuses, at least one of " + ", ".join(get_args(Ended)), accepts=lambda on: bool(on)
)
SECRET = Kind(
    expects="one line of 16 to 200 characters; put it in quotes",
    accepts=lambda text: 16 <= len(text) <= 200 and _is_line(text),
    mask=lambda _: "***",
)
