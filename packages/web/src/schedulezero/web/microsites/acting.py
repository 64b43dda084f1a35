"""What the buttons of pages do: send a command, then lead to a page that tells what came of it."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from schedulezero.protocol.errors import ScheduleZeroError
from schedulezero.protocol.validation import convert
from schedulezero.web.api.fields import Reason
from schedulezero.web.http.errors import status_of
from schedulezero.web.microsites import flash
from schedulezero.web.microsites.site import Visit
from schedulezero.web.routes import Reply

_LIST = re.compile(r"/(schedules|handlers|executions)(\?[!-~]*)?")


async def told[A](
    asked: Awaitable[A], back: str, says: Callable[[A], str], *, to: Callable[[A], str] | None = None
) -> Reply:
    """Wait for `asked`, and lead to a page on which `says` is told, or what was wrong.

    Args:
        asked: the command on its way.
        back: the page that is led to.
        says: what is told of the answer.
        to: the page for the answer, where it is another one.

    Raises:
        ScheduleZeroError: what was asked about is not there.
    """
    try:
        answer = await asked
    except ScheduleZeroError as error:
        if status_of(error.problem) == HTTPStatus.NOT_FOUND:
            raise
        return flash.leading_to(back, str(error), "error")
    return flash.leading_to(to(answer) if to is not None else back, says(answer))


def back_of(visit: Visit, page: str) -> str:
    """Return where a button leads: to the list it stands in, if it says so, else to `page`."""
    back = visit.form.get("back", "")
    return back if _LIST.fullmatch(back) else page


def reason_of(visit: Visit) -> str | None:
    """Return the reason that was typed in, if any.

    Raises:
        ScheduleZeroError: it is too long.
    """
    return convert({"reason": visit.form.get("reason")}, Reason).reason
