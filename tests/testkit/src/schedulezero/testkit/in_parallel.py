"""How tests are shared by several workers: a file, or a folder whose tests stand on something costly, goes to one."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_TOGETHER = ("tests/browser/", "tests/deploy/", "tests/examples/")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a worker all tests that share fixtures, so that these are made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in _TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
