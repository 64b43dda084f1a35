"""Keeps an instance known to the registry, which may come later, go away, and come back knowing nothing."""

import asyncio
import logging
from collections.abc import Callable

from schedulezero.protocol.commands import HandlerDeregister, HandlerHeartbeat, HandlerRegister
from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.link.calls import CommandClient
from schedulezero.protocol.values import InstanceInfo

ANSWER_SECONDS = 2.0
RETRY_SECONDS = 1.0
_SHORTEST_SECONDS = 0.05
_AWAY = (Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN)
_log = logging.getLogger("schedulezero.handler")


class Registration:
    """Registers, and sends heartbeats for ever.

    Args:
        client: the link to the registry.
        info: what the instance says of itself.
        state: returns how many jobs run, and whether it is draining.
    """

    def __init__(self, client: CommandClient, info: InstanceInfo, state: Callable[[], tuple[int, bool]]) -> None:
        self._client, self._info, self._state = client, info, state
        self._known = False
        self._pause = RETRY_SECONDS
        self._trouble: str | None = None
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """Send the next heartbeat at once: the state has changed."""
        self._hurry.set()

    async def keep(self) -> None:
        """Run until cancelled. The log has a line for each change of state, not for each try."""
        while True:
            try:
                again = await self._beat()
            except ScheduleZeroError as error:
                self._note_trouble("it does not answer" if error.code in _AWAY else str(error))
                again = False
            if not again:
                await self._wait()

    async def leave(self) -> None:
        """Tell the registry that this instance is gone; it finds out by itself if it cannot be told."""
        goodbye = HandlerDeregister(instance_id=self._info.instance_id, boot_id=self._info.boot_id)
        try:
            await self._client.call(goodbye, timeout=RETRY_SECONDS)
        except ScheduleZeroError as error:
            _log.info("could not deregister: %s", error)

    async def _beat(self) -> bool:
        """Register or send a heartbeat; return whether there is something to say at once."""
        if not self._known:
            await self._register()
            # The registration does not say whether we are draining; a heartbeat does.
            return self._state()[1]
        running, draining = self._state()
        heartbeat = HandlerHeartbeat(
            instance_id=self._info.instance_id, boot_id=self._info.boot_id, running=running, draining=draining
        )
        self._known = (await self._client.call(heartbeat, timeout=ANSWER_SECONDS)).known
        self._note_answer()
        return not self._known

    async def _register(self) -> None:
        registered = await self._client.call(HandlerRegister(instance=self._info), timeout=ANSWER_SECONDS)
        self._known = True
        self._pause = max(registered.heartbeat_seconds, _SHORTEST_SECONDS)
        self._trouble = None
        info = self._info
        _log.info("registered %s as instance %s at %s", info.handler_id, info.instance_id, info.address)

    def _note_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            _log.warning("the registry at %s cannot be used, trying on: %s", self._client.endpoint, trouble)
        self._trouble = trouble

    def _note_answer(self) -> None:
        if self._trouble is not None:
            _log.info("the registry at %s answers again", self._client.endpoint)
        self._trouble = None

    async def _wait(self) -> None:
        pause = RETRY_SECONDS if self._trouble is not None else self._pause
        try:
            async with asyncio.timeout(pause):
                await self._hurry.wait()
        except TimeoutError:
            return
        self._hurry.clear()
