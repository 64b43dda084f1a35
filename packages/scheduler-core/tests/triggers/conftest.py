"""Words the trigger tests share: configurations as JSON, instants as ISO text."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from schedulezero.protocol.errors import Code, ScheduleZeroError
from schedulezero.protocol.triggers import TriggerConfig
from schedulezero.scheduler.core.triggers import Trigger, anchor, compile_trigger

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CREATED = "2026-11-23T05:00:00Z"


def _at(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def _iso(instant: int) -> str:
    return (EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")


def _config(fields: dict[str, Any]) -> TriggerConfig:
    config: TriggerConfig = msgspec.convert(fields, type=TriggerConfig)
    return config


@pytest.fixture(scope="session")
def at() -> Callable[[str], int]:
    """The instant of an ISO 8601 text."""
    return _at


@pytest.fixture(scope="session")
def config() -> Callable[[dict[str, Any]], TriggerConfig]:
    """A configuration as the scheduler receives it."""
    return _config


@pytest.fixture(scope="session")
def trigger() -> Callable[..., Trigger]:
    """The trigger of a configuration that was created at `created`."""

    def make(fields: dict[str, Any], *, created: str = CREATED, timezone: str = "UTC") -> Trigger:
        return compile_trigger(anchor(_config(fields), created=_at(created), timezone=timezone))

    return make


@pytest.fixture(scope="session")
def fires(trigger: Callable[..., Trigger]) -> Callable[..., list[str]]:
    """The first `count` fires of a configuration, later than its creation, as ISO 8601."""

    def first(fields: dict[str, Any], *, after: str = CREATED, count: int = 3, timezone: str = "UTC") -> list[str]:
        made = trigger(fields, created=after, timezone=timezone)
        return [_iso(fire) for fire in made.upcoming(_at(after), count)]

    return first


@pytest.fixture(scope="session")
def refusal() -> Callable[..., tuple[str, str]]:
    """The path and the message with which a configuration is refused."""

    def refuse(fields: dict[str, Any], *, created: str = CREATED, timezone: str = "UTC") -> tuple[str, str]:
        with pytest.raises(ScheduleZeroError) as caught:
            anchor(_config(fields), created=_at(created), timezone=timezone)
        problem = caught.value.problem
        assert problem.code is Code.INVALID_VALUE
        (detail,) = problem.details
        return detail.path, detail.message

    return refuse
