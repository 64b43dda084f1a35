"""Executions: what ran, what it said, what went wrong; cancel it, or run it again."""

from schedulezero.web.microsites.executions import listing, single
from schedulezero.web.microsites.site import Microsite

_ONE = "/executions/{execution_id}"

SITE = Microsite(
    name="executions",
    pages={"/executions": listing.show, _ONE: single.show},
    actions={f"{_ONE}/cancel": single.cancel, f"{_ONE}/retry": single.retry},
    label="Executions",
    order=40,
)
