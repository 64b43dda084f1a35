"""What can go wrong when the server is asked."""

from collections.abc import Sequence


class ClientError(Exception):
    """The server has refused a request, or failed at it.

    Attributes:
        code: what programs match on, such as `schedule_not_found`.
        message: what the server says, for people.
        details: the fields at fault, each with `path` and `message`.
        status: the HTTP status.
    """

    def __init__(self, code: str, message: str, details: Sequence[dict[str, str]], status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.status = status

    def __str__(self) -> str:
        told = [
            f"{detail['path']}: {detail['message']}" for detail in self.details if detail["message"] != self.message
        ]
        return "; ".join([f"{self.message} ({self.code})", *told])


class Unreachable(Exception):
    """No server answers at the base URL."""


class WaitTimeout(Exception):
    """An execution has not ended within the time that it was waited for."""
