"""The rule that nobody listens to other machines by accident while there are no keys and no users."""

from collections.abc import Iterator, Mapping

from schedulezero.protocol.errors import Detail
from schedulezero.runtime.settings.fields import FIELDS
from schedulezero.runtime.settings.kinds import LISTEN_ENDPOINT, LISTEN_HOST, host_of, is_loopback
from schedulezero.runtime.settings.model import Settings

_LISTENING = [field for field in FIELDS.values() if field.setting.kind in (LISTEN_HOST, LISTEN_ENDPOINT)]
_PERMIT = FIELDS["security.insecure_bind"]


def insecure_binds(settings: Settings) -> tuple[str, ...]:
    """Return the keys of the addresses that other machines can reach, for warnings; empty is safe."""
    return tuple(field.key for field in _LISTENING if not is_loopback(host_of(str(field.of(settings)))))


def refused_binds(settings: Settings, origins: Mapping[str, str]) -> Iterator[Detail]:
    """Yield a fault for each such address, unless `security.insecure_bind` permits them."""
    if settings.security.insecure_bind:
        return
    for key in insecure_binds(settings):
        message = (
            f"{key} ({origins[key]}): {FIELDS[key].of(settings)} can be reached from other machines, where anybody "
            f"could then run jobs; listen on 127.0.0.1, or permit it with {_PERMIT.variable}=true"
        )
        yield Detail(path=key, message=message)
