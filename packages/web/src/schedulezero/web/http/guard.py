"""Who may speak to the gateway while there are no users: programs of this machine, and pages that it served itself.

A page of another site could otherwise make its visitor's browser send jobs here, by a foreign `Origin`, or by a
host name of its own that it lets point here (DNS rebinding); the `Host` header then still bears that name.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.runtime.settings import Settings

_READS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The rule for `Host` and `Origin`.

    Attributes:
        hosts: the names by which the gateway may be addressed, in lower case, without port.
        any_address: whether any IP address will do besides; an address cannot be let point here by anyone.
    """

    hosts: frozenset[str]
    any_address: bool = False

    @classmethod
    def by(cls, settings: Settings) -> Self:
        """Return the rule that the settings ask for; listening on every address admits each of them."""
        address = settings.web.addr.lower()
        named = (host.lower().rstrip(".") for host in settings.security.allowed_hosts)
        hosts = frozenset({"localhost", "127.0.0.1", "::1", address, *named})
        return cls(hosts=hosts, any_address=_is_every_address(address))

    def check(self, *, method: str, host: str, origin: str | None) -> None:
        """Let a request pass.

        Raises:
            ScheduleZeroError: `unknown_host`, or `cross_origin` for a write.
        """
        if not self._knows(_hostname(host)):
            message = f"this server is not known as {host!r}; add the name to security.allowed_hosts"
            raise ScheduleZeroError.of(Code.UNKNOWN_HOST, message)
        if method not in _READS:
            self.check_origin(host=host, origin=origin)

    def check_origin(self, *, host: str, origin: str | None) -> None:
        """Let this server's own pages pass, and programs, which name no origin.

        Raises:
            ScheduleZeroError: `cross_origin`.
        """
        if origin is not None and not _same(origin, host):
            message = f"a page of {origin!r} may not change or follow anything here; only this server's own pages may"
            raise ScheduleZeroError.of(Code.CROSS_ORIGIN, message)

    def _knows(self, hostname: str | None) -> bool:
        return hostname is not None and (hostname in self.hosts or (self.any_address and _is_address(hostname)))


def _hostname(host: str) -> str | None:
    try:
        hostname = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return hostname and hostname.rstrip(".")


def _same(origin: str, host: str) -> bool:
    """Schemes are not compared: behind a proxy that speaks TLS ours differs from the browser's."""
    scheme, _, authority = origin.partition("://")
    return scheme in ("http", "https") and authority.lower() == host.lower()


def _is_address(hostname: str) -> bool:
    try:
        ip_address(hostname)
    except ValueError:
        return False
    return True


def _is_every_address(address: str) -> bool:
    return _is_address(address) and ip_address(address).is_unspecified
