"""The schedules that people make through the bot, each in the guild where it was made."""

from collections.abc import Sequence
from typing import Any

from schedulezero.client import AsyncClient, ClientError

Record = dict[str, Any]

_WAITING = ("active", "paused")


class NoSuchSchedule(LookupError):
    """There is no such schedule in this guild."""


class GuildSchedules:
    """Makes, lists and removes schedules. A guild's carry its tag, so that no guild sees or touches those of another.

    Args:
        client: asks the scheduler.
        handler_id: the handler whose jobs are scheduled.
    """

    def __init__(self, client: AsyncClient, handler_id: str) -> None:
        self._client = client
        self._handler_id = handler_id

    async def create(
        self,
        guild_id: int,
        method_name: str,
        trigger: Record,
        job_params: Record,
        *,
        tags: Sequence[str] = (),
        **options: Any,
    ) -> str:
        """Schedule a job for a guild and return the schedule's id; `options` are the API's.

        Raises:
            ClientError: the scheduler refuses.
            Unreachable: no scheduler answers.
        """
        tagged = [_tag(guild_id), *tags]
        return await self._client.create_schedule(
            self._handler_id, method_name, trigger, job_params, tags=tagged, **options
        )

    async def waiting(self, guild_id: int, tag: str | None = None) -> list[Record]:
        """Return a guild's schedules that are to fire again, at most 1000; with `tag`, those that carry it too."""
        found = await self._client.schedules(handler_id=self._handler_id, tag=tag or _tag(guild_id), limit=1000)
        return [one for one in found if one["state"] in _WAITING and _tag(guild_id) in one["tags"]]

    async def remove(self, guild_id: int, schedule_id: str, tag: str | None = None) -> None:
        """Delete a schedule of a guild; with `tag`, only one that carries it.

        Raises:
            NoSuchSchedule: the guild has none of that id.
        """
        if not {_tag(guild_id), tag or _tag(guild_id)} <= set(await self._tags_of(schedule_id)):
            raise NoSuchSchedule(schedule_id)
        await self.forget(schedule_id)

    async def forget(self, schedule_id: str) -> None:
        """Delete a schedule, of whatever guild, if it is still there: for jobs, not for people."""
        try:
            await self._client.delete_schedule(schedule_id)
        except ClientError as error:
            if error.code != "schedule_not_found":
                raise

    async def _tags_of(self, schedule_id: str) -> list[str]:
        try:
            return list((await self._client.schedule(schedule_id))["tags"])
        except ClientError as error:
            if error.status in (404, 422):  # 422: what was typed cannot be an id
                raise NoSuchSchedule(schedule_id) from error
            raise


def _tag(guild_id: int) -> str:
    return f"guild:{guild_id}"
