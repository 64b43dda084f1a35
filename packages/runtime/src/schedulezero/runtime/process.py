"""A process of services, from its command line to its exit code."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import zmq

from schedulezero.protocol.errors import Code
from schedulezero.protocol.link.calls import Context
from schedulezero.runtime.errors import StartError
from schedulezero.runtime.logging import configure, get_logger
from schedulezero.runtime.options import OptionParser, add_setting_options, load_given
from schedulezero.runtime.program import ending_well, faults_told
from schedulezero.runtime.service import Service, run
from schedulezero.runtime.settings import Loaded

_YOUNG_OBJECTS = 50_000
"""Made, and not gone, before the garbage collector looks."""

_SWITCH_SECONDS = 0.001
"""After which a thread that waits for the interpreter is given it, where Python waits for five times as long."""

Assembly = Callable[[Loaded, Context], Sequence[Service]]
"""Puts together the services of a process, in the order in which they start."""


def main(name: str, assemble: Assembly, *, prog: str, description: str) -> int:
    """Be the program of one service: read the settings, serve, and return the exit code.

    Args:
        name: the `service` of its log lines.
        assemble: what it runs.
        prog: the name of the program.
        description: what its help says of it.

    Returns:
        0 when ended by a signal, 1 when it failed while it ran, 2 when it cannot start.
    """
    with ending_well():
        parser = OptionParser(prog=prog, description=description)
        add_setting_options(parser)
        arguments = parser.parse_args()
        with faults_told(prog):
            return serve(load_given(arguments, os.environ), name, assemble)


def serve(loaded: Loaded, name: str, assemble: Assembly) -> int:
    """Run what `assemble` puts together until a signal ends it, and return the exit code.

    Raises:
        StartError: it cannot start.
    """
    settings = loaded.settings
    configure(settings.logging.level, settings.logging.format, service=name)
    _make_state_directory(Path(settings.state_dir))
    if loaded.schedules:
        remedy = "declared schedules are not applied yet: create them with POST /api/schedule"
        get_logger().warning("config.schedules_ignored", count=len(loaded.schedules), remedy=remedy)
    context: Context = zmq.Context()
    try:
        return asyncio.run(_run(loaded, context, assemble))
    finally:
        context.destroy(linger=0)


async def _run(loaded: Loaded, context: Context, assemble: Assembly) -> int:
    services = assemble(loaded, context)
    return await run(services, drain_seconds=loaded.settings.drain_seconds, began=_make_way)


def _make_way() -> None:
    """Let the writer's thread begin while the loop is at work, and spare the collector what stays."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    _spare_the_collector()


def _spare_the_collector() -> None:
    """Let the garbage collector pass over what starting has made, which stays, and look less often at what passes.

    Most of what a run makes is gone by reference counts alone, and looking at it costs some percent of a run.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)


def _make_state_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = (
            f"the state directory {directory} cannot be made ({error.strerror or error}); choose another with "
            "SCHEDULEZERO_STATE_DIR"
        )
        raise StartError.of(Code.UNAVAILABLE, message, path="state_dir") from error
