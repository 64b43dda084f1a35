"""The bot of cogs: people make schedules by commands, and the jobs come back to the bot."""

from datetime import UTC, datetime, timedelta

import pytest
from cogs.sprockets.reminders import MOST_OF_A_MEMBER
from discord.ext import commands
from discord_bot_with_cogs import explain
from discord_bots import COGS, Bots
from fake_discord.server import FakeDiscord
from fake_discord.world import ADA, BOB, ELSEWHERE, GENERAL, HOME, NEWS, Person

from schedulezero.client import Unreachable
from schedulezero.testkit.api import Api
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.waiting import eventually

HANDLER = "discord-cogs"


@pytest.fixture(scope="module")
def api(system: Deployment, bots: Bots) -> Api:
    """The API of a system that the bot is connected to."""
    bots.start(COGS, HANDLER)
    return system.api


def asked(fake: FakeDiscord, person: Person, text: str, channel_id: str = GENERAL) -> str:
    """What the bot replies to a person."""
    return fake.await_reply_to(fake.say(channel_id, person, text))


def scheduled(reply: str) -> str:
    """The id of the schedule that a reply tells of."""
    return reply.split("`")[1].split()[1]


def test_a_reminder_becomes_a_schedule_and_comes_back_once(api: Api, fake: FakeDiscord) -> None:
    reminder = scheduled(asked(fake, BOB, "!remind 1s tea for @everyone"))

    eventually(lambda: f"<@{BOB.id}> tea for @everyone" in fake.texts(GENERAL), what="the reminder")

    eventually(lambda: api.get(f"/api/schedules/{reminder}").status_code == 404, what="the schedule to go")
    [execution] = api.executions(schedule_id=reminder)
    assert api.ended(execution["execution_id"])["status"] == "success"
    assert fake.texts(GENERAL).count(f"<@{BOB.id}> tea for @everyone") == 1


def test_a_reminder_notifies_nobody_but_the_one_who_asked(api: Api, fake: FakeDiscord) -> None:
    asked(fake, BOB, "!remind 1s wake @everyone")
    eventually(lambda: f"<@{BOB.id}> wake @everyone" in fake.texts(GENERAL), what="the reminder")

    [posted] = [one for one in fake.posted if one["content"] == f"<@{BOB.id}> wake @everyone"]
    assert posted["allowed_mentions"]["users"] == [int(BOB.id)]
    assert posted["allowed_mentions"]["parse"] == []


def test_a_reminder_can_be_taken_back_by_the_one_who_asked_alone(api: Api, fake: FakeDiscord) -> None:
    reminder = scheduled(asked(fake, BOB, "!remind 2d not yet"))

    assert "no such reminder" in asked(fake, ADA, f"!forget {reminder}")
    assert f"`{reminder}` not yet" in asked(fake, BOB, "!reminders")
    assert asked(fake, BOB, f"!forget {reminder}") == "Forgotten."
    assert api.get(f"/api/schedules/{reminder}").status_code == 404


def test_a_delay_that_is_none_is_answered_with_the_usage(api: Api, fake: FakeDiscord) -> None:
    reply = asked(fake, ADA, "!remind soon tea")

    assert "`soon` is no delay: give one such as 90s" in reply
    assert "Usage: `!remind <delay> <text>`" in reply


def test_a_member_has_a_bounded_number_of_reminders(api: Api, fake: FakeDiscord) -> None:
    carol = Person("720000000000000003", "carol")
    params = {"channel_id": GENERAL, "member_id": carol.id, "text": "later"}
    tags = [f"guild:{HOME.id}", f"member:{HOME.id}:{carol.id}"]
    weekly = {"type": "interval", "weeks": 1}
    made = [api.schedule(HANDLER, "reminders.deliver", weekly, params, tags=tags) for _ in range(MOST_OF_A_MEMBER)]

    assert "You have 25 reminders already." in asked(fake, carol, "!remind 1s one more")
    assert asked(fake, ADA, "!schedules").endswith(" more")
    for schedule_id in made:
        api.delete(f"/api/schedules/{schedule_id}")


def test_an_announcement_is_scheduled_listed_and_ended_by_those_who_manage_the_server(
    api: Api, fake: FakeDiscord
) -> None:
    announcement = scheduled(asked(fake, ADA, f'!announce <#{NEWS}> "0 9 * * mon-fri" Good morning'))

    schedule = api.read(f"/api/schedules/{announcement}")
    assert schedule["args"] == [HANDLER, "announcements.say", {"channel_id": NEWS, "text": "Good morning"}]
    assert f"`{announcement}` announcement in #news" in asked(fake, ADA, "!schedules")
    assert asked(fake, ADA, f"!unschedule {announcement}") == "Done."
    assert api.get(f"/api/schedules/{announcement}").status_code == 404


@pytest.mark.parametrize("command", ["!schedules", "!unschedule x", f'!announce <#{NEWS}> "@hourly" Hello'])
def test_who_does_not_manage_the_server_may_not(api: Api, fake: FakeDiscord, command: str) -> None:
    assert asked(fake, BOB, command) == "You are missing Manage Server permission(s) to run this command."


@pytest.mark.parametrize("command", ["!sprockets", "!reload"])
def test_who_does_not_own_the_bot_may_not(api: Api, fake: FakeDiscord, command: str) -> None:
    assert asked(fake, BOB, command) == "You do not own this bot."


def test_no_server_sees_or_touches_the_schedules_of_another(api: Api, fake: FakeDiscord) -> None:
    announcement = scheduled(asked(fake, ADA, f'!announce <#{NEWS}> "@daily" Ours'))

    assert asked(fake, ADA, "!schedules", ELSEWHERE) == "Nothing is scheduled here."
    assert "no such schedule" in asked(fake, ADA, f"!unschedule {announcement}", ELSEWHERE)
    assert api.get(f"/api/schedules/{announcement}").status_code == 200


def test_what_the_scheduler_refuses_is_told_to_the_one_who_asked(api: Api, fake: FakeDiscord) -> None:
    reply = asked(fake, ADA, f'!announce <#{NEWS}> "61 * * * *" Hello')

    assert reply.startswith("The scheduler refuses: minute 61 is not between 0 and 59")


def test_a_scheduler_that_is_away_is_told_to_the_one_who_asked() -> None:
    error = commands.CommandInvokeError(Unreachable("http://127.0.0.1:8888 cannot be reached"))

    assert explain(error) == "The scheduler cannot be reached. Try again later."


def test_a_fault_of_the_bot_is_not_told_in_full() -> None:
    assert explain(commands.CommandInvokeError(KeyError("secret"))) is None


def test_old_messages_are_purged_within_the_limit_and_pinned_ones_stay(api: Api, fake: FakeDiscord) -> None:
    now = datetime.now(UTC)
    for days in (40, 20, 3, 2):
        fake.keep(ELSEWHERE, BOB, f"{days} days old", at=now - timedelta(days=days))
    fake.keep(ELSEWHERE, BOB, "pinned", at=now - timedelta(days=5))["pinned"] = True
    fake.keep(ELSEWHERE, BOB, "new")
    params = {"channel_id": ELSEWHERE, "older_than_days": 1, "limit": 4}

    ended = api.run(HANDLER, "cleanup.purge", params, wait_seconds=20)

    assert ended["result"] == {"deleted": 3}
    kept = ["40 days old", "pinned", "new"]
    assert [text for text in fake.history(ELSEWHERE) if text in kept or text.endswith("days old")] == kept
