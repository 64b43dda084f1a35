"""Handlers: who is there, how they are, and what they offer."""

from schedulezero.web.microsites.handlers import actions, showing
from schedulezero.web.microsites.site import Microsite

_ONE = "/handlers/{handler_id}"

SITE = Microsite(
    name="handlers",
    pages={"/handlers": showing.every, _ONE: showing.single},
    actions={
        f"{_ONE}/ping": actions.ping,
        f"{_ONE}/pause": actions.pause,
        f"{_ONE}/resume": actions.resume,
        f"{_ONE}/drain": actions.drain,
    },
    label="Handlers",
    order=30,
)
