"""What a sprocket is: a cog with jobs."""

from collections.abc import Callable, Iterator
from typing import Any

from cogs.guild_schedules import GuildSchedules
from discord.ext import commands

from schedulezero.handler import Handler

_OPTIONS = "__job_options__"


def job[F: Callable[..., Any]](**options: Any) -> Callable[[F], F]:
    """Mark a method of a sprocket as a job.

    Args:
        options: those of `Handler.method`, such as `timeout_seconds=60`; none of them has to be given.
    """

    def mark(function: F) -> F:
        setattr(function, _OPTIONS, options)
        return function

    return mark


class Sprocket(commands.Cog):
    """A cog with jobs. Each is the one class of its kind in a module in `cogs/sprockets/`.

    A job is offered as `MODULE.METHOD`, such as `reminders.deliver`. Commands, listeners, `cog_load` and `cog_unload`
    work as in any cog.

    Args:
        bot: the bot.
        schedules: the schedules that people make.
    """

    def __init__(self, bot: commands.Bot, schedules: GuildSchedules) -> None:
        self.bot = bot
        self.schedules = schedules

    def offer_to(self, handler: Handler) -> None:
        """Offer all jobs. Raises HandlerError where one cannot be offered."""
        for function in self._jobs():
            options = getattr(function, _OPTIONS)
            handler.method(name=self.name_of(function), **options)(function)

    def name_of(self, function: Callable[..., Any]) -> str:
        """Return the name by which one of its jobs is scheduled."""
        return f"{type(self).__module__.rpartition('.')[2]}.{function.__name__}"

    def _jobs(self) -> Iterator[Callable[..., Any]]:
        names = {name: None for class_ in type(self).__mro__ for name in vars(class_)}  # a set that keeps its order
        functions = (getattr(type(self), name) for name in names)
        yield from (getattr(self, function.__name__) for function in functions if hasattr(function, _OPTIONS))
