"""Handlers: who is there, how they are, and what they offer."""

from schedulezero.web.microsites.handlers import actions, listing, single
from schedulezero.web.microsites.site import Microsite

_ONE = "/handlers/{handler_id}"

SITE = Microsite(
    name="handlers",
    pages={"/handlers": listing.show, _ONE: single.show},
    actions={
        f"{_ONE}/ping": actions.ping,
        f"{_ONE}/pause": actions.pause,
        f"{_ONE}/resume": actions.resume,
        f"{_ONE}/drain": actions.drain,
    },
    label="Handlers",
    order=30,
)
