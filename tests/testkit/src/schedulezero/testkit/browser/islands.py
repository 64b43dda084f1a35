"""The islands, which are built apart from the pages and may not be there."""

from importlib.resources import files

ISLANDS = ("schedule-grid", "handler-grid", "execution-log-grid")
LACKING_ISLANDS = "needs the islands; build them with make islands"

_BUILT = files("schedulezero.web.microsites") / "container" / "assets" / "built"


def islands_are_built() -> bool:
    """Tell whether pages will load them."""
    return all((_BUILT / f"{name}.min.js").is_file() for name in ISLANDS)
