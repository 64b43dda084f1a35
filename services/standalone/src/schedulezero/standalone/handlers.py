"""`schedulezero handler MODULE:HANDLER`: a handler of the user's, under the same settings as the services."""

import os
import sys
from importlib import import_module

from schedulezero.handler import Handler
from schedulezero.protocol.errors import Code
from schedulezero.runtime.errors import StartError
from schedulezero.runtime.logging import configure
from schedulezero.runtime.settings import FIELDS, Loaded

# The settings that the handler reads, for itself, from its environment.
_PASSED = (
    "registry.host",
    "registry.port",
    "handler.bind",
    "handler.advertise",
    "handler.concurrency",
    "handler.instance_id",
    "handler.drain_seconds",
    "security.insecure_bind",
)


def serve_handler(spec: str, loaded: Loaded) -> int:
    """Serve the handler that `spec` names until a signal comes, and return the exit code.

    Raises:
        StartError: there is no such handler.
    """
    handler = find_handler(spec)
    configure(loaded.settings.logging.level, loaded.settings.logging.format, service=handler.id)
    os.environ.update(environment_of(loaded))
    handler.run()
    return 0


def find_handler(spec: str) -> Handler:
    """Return the handler that `MODULE:HANDLER` names; modules of the working directory are found too.

    Raises:
        StartError: there is none, in one line that says why.
    """
    module_name, _, path = spec.partition(":")
    if not module_name or not path:
        raise _refused(spec, "write MODULE:HANDLER, such as reports.app:handler")
    sys.path.insert(0, "")
    try:
        found: object = import_module(module_name)
    except Exception as error:  # the user's code: whatever it raises is what is wrong with it
        raise _refused(spec, f"importing {module_name} failed with {type(error).__name__}: {error}") from error
    for name in path.split("."):
        found = getattr(found, name, None)
    if not isinstance(found, Handler):
        kind = f"there is no {path} in {module_name}" if found is None else f"{path} is of type {type(found).__name__}"
        raise _refused(spec, f"{kind}; name a schedulezero.handler.Handler")
    return found


def environment_of(loaded: Loaded) -> dict[str, str]:
    """Return the variables by which a handler gets the effective settings, whatever their source."""
    values = {key: FIELDS[key].of(loaded.settings) for key in _PASSED}
    return {FIELDS[key].variable: _written(value) for key, value in values.items() if value is not None}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{value}]" if str(value).count(":") > 1 and "/" not in str(value) else str(value)


def _refused(spec: str, reason: str) -> StartError:
    line = " ".join(f"handler {spec}: {reason}".split())
    return StartError.of(Code.INVALID_VALUE, line, path="handler")
