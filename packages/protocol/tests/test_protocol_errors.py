import pytest

from schedulezero.protocol.errors import HTTP_STATUS, Code, Detail, ScheduleZeroError, invalid_value, join_path


@pytest.mark.parametrize(
    ("prefix", "path", "joined"),
    [
        ("runs[17]", "job_params.n", "runs[17].job_params.n"),
        ("runs", "[0].tags", "runs[0].tags"),
        ("", "hour", "hour"),
        ("trigger_config", "", "trigger_config"),
        ("", "", ""),
    ],
)
def test_paths_are_joined_as_users_write_them(prefix: str, path: str, joined: str) -> None:
    assert join_path(prefix, path) == joined


def test_every_code_stands_for_one_http_status() -> None:
    assert set(HTTP_STATUS) == set(Code)
    assert all(400 <= status < 600 for status in HTTP_STATUS.values())


def test_an_error_with_a_path_has_its_message_as_that_fields_detail() -> None:
    error = invalid_value("trigger_config.hour", "25 is not an hour")

    assert error.code is Code.INVALID_VALUE
    assert str(error) == "25 is not an hour"
    assert error.problem.details == (Detail(path="trigger_config.hour", message="25 is not an hour"),)


def test_under_moves_every_path_and_keeps_the_rest() -> None:
    error = ScheduleZeroError.of(Code.UNAVAILABLE, "away", path="n", retry_after=1.5)

    moved = error.under("runs[2]")

    assert [detail.path for detail in moved.problem.details] == ["runs[2].n"]
    assert (moved.code, str(moved), moved.problem.retry_after) == (Code.UNAVAILABLE, "away", 1.5)
    assert [detail.path for detail in error.problem.details] == ["n"]
