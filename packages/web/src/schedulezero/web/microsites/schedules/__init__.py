"""Schedules: find, create, change, pause, run, delete."""

from schedulezero.web.microsites.schedules import actions, editing, listing, single
from schedulezero.web.microsites.site import Microsite

_ONE = "/schedules/{schedule_id}"

SITE = Microsite(
    name="schedules",
    pages={
        "/schedules": listing.show,
        # Below /schedules it would be taken for the page of a schedule of that name.
        "/schedule": editing.blank,
        _ONE: single.show,
        f"{_ONE}/edit": editing.edit,
        f"{_ONE}/delete": single.confirm,
    },
    actions={
        "/schedule": editing.create,
        f"{_ONE}/edit": editing.change,
        f"{_ONE}/delete": actions.delete,
        f"{_ONE}/pause": actions.pause,
        f"{_ONE}/resume": actions.resume,
        f"{_ONE}/run": actions.run,
    },
    label="Schedules",
    order=20,
)
