"""Finds the sprockets: the modules in `cogs/sprockets/`, each with one class that is a Sprocket."""

import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from cogs.guild_schedules import GuildSchedules
from cogs.sprocket import Sprocket
from discord.ext import commands

from schedulezero.handler import Handler

FOLDER = Path(__file__).parent / "sprockets"


class SprocketError(Exception):
    """A module in `cogs/sprockets/` is no sprocket; the text says why."""


def find_sprockets() -> list[str]:
    """Return the names of the modules, sorted; those that begin with an underscore are left alone."""
    names = (module.name for module in pkgutil.iter_modules([str(FOLDER)]))
    return sorted(name for name in names if not name.startswith("_"))


def build_sprocket(name: str, bot: commands.Bot, schedules: GuildSchedules) -> Sprocket:
    """Import a module as it is on the disk now, and return its sprocket, all of whose jobs can be offered.

    Raises:
        SprocketError: whatever is wrong with it.
    """
    try:
        sprocket = _class_in(_imported(f"cogs.sprockets.{name}"))(bot, schedules)
        sprocket.offer_to(Handler("trial"))  # as a whole or not at all
    except SprocketError:
        raise
    except Exception as error:  # whatever a file may do when it is imported
        raise SprocketError(f"{type(error).__name__}: {error}") from error
    return sprocket


def _imported(name: str) -> ModuleType:
    sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _class_in(module: ModuleType) -> type[Sprocket]:
    classes = (item for item in vars(module).values() if isinstance(item, type) and issubclass(item, Sprocket))
    found = [class_ for class_ in classes if class_.__module__ == module.__name__]
    if len(found) != 1:
        raise SprocketError(f"it defines {len(found) or 'no'} classes of the kind Sprocket; let it define one")
    return found[0]
