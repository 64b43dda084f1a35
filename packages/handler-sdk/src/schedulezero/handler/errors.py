"""What a job raises to steer its retries, and what this package raises when it is used wrongly."""


class HandlerError(Exception):
    """A handler or a method cannot be what it was declared as; the text names it and the remedy."""


class SettingsError(HandlerError):
    """A setting cannot be used; the text is one line that names its variable and the remedy."""


class Retry(Exception):
    """Raised by a job: this attempt did not succeed, try again after a while. It counts as an attempt.

    Args:
        message: what the attempt has to say.
        after: seconds to wait; None leaves it to the retry policy.
    """

    def __init__(self, message: str = "", *, after: float | None = None) -> None:
        if after is not None and not 0 <= after < float("inf"):
            raise ValueError(f"Retry(after={after}): give seconds, 0 or more")
        wait = "another attempt" if after is None else f"another attempt in {after:g} s"
        super().__init__(message or f"asked for {wait}")
        self.after = after


class Fail(Exception):
    """Raised by a job: it cannot succeed, do not try again."""
