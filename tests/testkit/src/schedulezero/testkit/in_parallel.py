"""How tests are shared by several workers.

A file, or a folder whose tests stand on something costly, goes to one worker; the longest first. What looks at how long
things take comes at the end, when one worker alone is left; what is run on several databases does so once, on SQLite.
"""

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_TOGETHER = ("tests/browser/", "tests/deploy/", "tests/examples/")
_LONG = ("tests/chaos/", "tests/databases/", *_TOGETHER)
_ONE_BY_ONE = ("tests/simulation/",)
_ALONE = ("tests/acceptance/test_acceptance_kills.py", "tests/acceptance/test_acceptance_load.py")
_ON_SERVERS = "tests/acceptance/"
_SERVERS = re.compile(r"[\[-](postgresql|mysql)[\]-]")


class BySpace(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a worker all tests that share fixtures, so that these are made once."""

    def remove_node(self, node: WorkerController) -> str | None:
        crashed: str | None = super().remove_node(node)
        for other in self.nodes:
            self._reschedule(other)
        return crashed

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(_ONE_BY_ONE):
            return nodeid
        file, _, test = nodeid.partition("::")
        if file.startswith(_ON_SERVERS) and (server := _SERVERS.search(test)):
            return f"{file} on {server[1]}"
        return next((folder for folder in _TOGETHER if file.startswith(folder)), file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=_turn), last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        others = [other for other in self.nodes if other is not node]
        if not others or not self.workqueue or _turn(min(self.workqueue, key=_turn)) < _LAST:
            super()._reschedule(node)
        elif not node.shutting_down and not all(other.shutting_down for other in others):
            node.shutdown()


_LAST = 3


def _turn(scope: str) -> int:
    if scope.startswith(_LONG):
        return 0
    if scope.startswith(_ONE_BY_ONE):
        return 1
    return _LAST if scope.startswith(_ALONE) and " on " not in scope else 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> BySpace:
    return BySpace(config, log)
