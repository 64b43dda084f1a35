"""Bots as their users start them: each a process, on one ScheduleZero and one fake Discord."""

import os
import sys
from itertools import count
from pathlib import Path

from fake_discord.server import TOKEN, FakeDiscord

from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.programs import Program
from schedulezero.testkit.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "docs_site" / "examples" / "discord"
ASYNCIO = EXAMPLES / "discord_handler.py"
THREADED = EXAMPLES / "discord_handler_threaded.py"
COGS = EXAMPLES / "discord_bot_with_cogs.py"

_START_SECONDS = 60.0  # importing discord.py takes long on a machine that is busy

_numbers = count(1)


class Bots:
    """Starts bots, and ends those that run when it is closed.

    Args:
        system: the ScheduleZero they serve.
        fake: the Discord they connect to.
    """

    def __init__(self, system: Deployment, fake: FakeDiscord) -> None:
        self._system, self._fake = system, fake
        self._programs: list[Program] = []

    def program(self, script: Path, **environ: str) -> Program:
        """Return a bot that is not started yet; `environ` adds to its environment."""
        surroundings = {
            "FAKE_DISCORD": self._fake.url,
            "DISCORD_TOKEN": TOKEN,
            "SCHEDULER_URL": self._system.api.url,
            "PYTHONPATH": os.pathsep.join([str(script.parent), str(EXAMPLES)]),
        }
        command = [sys.executable, "-m", "fake_discord", str(script)]
        program = self._system.program(f"{script.stem}-{next(_numbers)}", command, **(surroundings | environ))
        self._programs.append(program)
        return program

    def start(self, script: Path, handler_id: str, **environ: str) -> Program:
        """Start a bot and return it once it is connected to both sides."""
        instance_id, identified = f"bot-{next(_numbers)}", self._fake.gateway.identified
        program = self.program(script, SCHEDULEZERO_HANDLER_INSTANCE_ID=instance_id, **environ).start()

        def connected() -> bool:
            assert program.running, program.tail
            return self._fake.gateway.identified > identified

        eventually(connected, within=_START_SECONDS, what=f"{script.name} at the gateway")
        self._system.await_instances(instance_id, handler_id=handler_id, within=_START_SECONDS)
        return program

    def close(self) -> None:
        for program in self._programs:
            program.close()
