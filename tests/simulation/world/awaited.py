"""Mends that are proposed and not yet made, put in here so that the search goes on behind them.

Each has a test in `test_simulation_found.py` that plays without it and is expected to fail, strictly: once the mend is
made, that test says so, and the entry here goes.
"""

from typing import Any

from schedulezero.protocol.values import InstanceInfo


def reach(links: Any, info: InstanceInfo) -> None:
    """`Links.reach`, which greets again over a link that was about to be left.

    The machine may have been loaded anew while the instance was listed as gone, and then knows nothing of the link.
    """
    link = links._links.get(info.boot_id)
    if links._hello is None:
        return
    if link is None:
        links._links[info.boot_id] = links._connect(info)
    elif link.departed:
        link.departed = False
        link.greet(links._hello(info))


MENDS = {"schedulezero.scheduler.links.Links.reach": reach}
