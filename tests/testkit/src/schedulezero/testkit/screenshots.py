"""The pictures of the pages: `python -m schedulezero.testkit.screenshots FOLDER` makes them anew.

A system with the demo and a small shop runs for some two minutes; then each page is shown in a window of a fixed size.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser

from schedulezero.testkit.api import Api
from schedulezero.testkit.browser.chromium import LACKING, chromium, program
from schedulezero.testkit.browser.looks import DARK, LIGHT, PHONE, Look
from schedulezero.testkit.browser.tab import Tab
from schedulezero.testkit.deployment import Deployment
from schedulezero.testkit.png import packed
from schedulezero.testkit.waiting import eventually

LARGEST_BYTES = 150_000
"""How large a picture may be: the repository keeps them."""

_ZONE = "Europe/Vienna"
_WAIT_SECONDS = 120.0
_ORDERS = 52
_INSTANCES = ("shop-1", "shop-2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: `name` is its file, `island` the one that the page waits for, if it is built."""

    name: str
    path: str
    look: Look
    island: str = ""


def main() -> None:
    """Write the pictures into the folder that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m schedulezero.testkit.screenshots FOLDER")
    if program() is None:
        sys.exit(f"ScheduleZero: screenshots {LACKING}")
    for file in take(Path(sys.argv[1])):
        sys.stdout.write(f"{file} {file.stat().st_size // 1000} kB\n")


def take(folder: Path) -> list[Path]:
    """Write the pictures into `folder`, and return them.

    Raises:
        ValueError: one is larger than the repository should keep.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as state, Deployment(Path(state)) as deployment, chromium() as browser:
        failed = _lived_in(deployment)
        return [_taken(browser, deployment.api.url, picture, folder) for picture in pictures(failed)]


def pictures(failed: str) -> Iterable[Picture]:
    """Return what is taken; `failed` is an execution."""
    yield Picture(name="dash-light", path="/dash", look=LIGHT)
    yield Picture(name="dash-dark", path="/dash", look=DARK)
    yield Picture(name="phone", path="/dash", look=PHONE)
    yield Picture(name="schedules", path="/schedules", look=LIGHT, island="schedule-grid")
    yield Picture(name="execution", path=f"/executions/{failed}", look=LIGHT)


def _taken(browser: Browser, url: str, picture: Picture, folder: Path) -> Path:
    with Tab(browser, url, replace(picture.look, zone=_ZONE)) as tab:
        tab.open(picture.path)
        tab.connected()
        tab.settled(picture.island)
        png = packed(*tab.pixels())
    if len(png) > LARGEST_BYTES:
        raise ValueError(f"{picture.name}: {len(png)} bytes, at most {LARGEST_BYTES}; show less in a smaller window")
    file = folder / f"{picture.name}.png"
    file.write_bytes(png)
    return file


def _lived_in(deployment: Deployment) -> str:
    """Run the demo and the shop until there is something to see; return the execution that has failed."""
    shop = "schedulezero.testkit.shop:shop"
    for instance_id in _INSTANCES:
        deployment.serve(instance_id, shop).start()
    deployment.up("--demo")
    deployment.await_instances(*_INSTANCES, handler_id="shop")
    api = deployment.api
    _open_shop(api)
    failed = str(api.run("shop", "close_month", {"month": "2026-10"}, retry={"max_attempts": 1})["execution_id"])
    api.ended(failed)
    eventually(lambda: _is_lively(api), within=_WAIT_SECONDS, what="a lively demo")
    return failed


def _open_shop(api: Api) -> None:
    options = {"tags": ["shop"], "description": "From the shop.", "owner": "shop"}
    nightly = {"type": "cron", "expression": "30 2 * * mon-fri", "timezone": _ZONE}
    monthly = {"type": "cron", "day": "last", "hour": 23, "timezone": _ZONE}
    api.schedule("shop", "close_month", monthly, {}, schedule_id="close-month", name="Close the month", **options)
    api.schedule("shop", "reconcile", nightly, {}, schedule_id="reconcile-orders", name="Reconcile orders", **options)
    api.do("/api/schedules/reconcile-orders/pause", {"reason": "the bank is moving house"})
    runs = [{"handler_id": "shop", "method_name": "ship", "job_params": {"order": 1_000 + n}} for n in range(_ORDERS)]
    for execution_id in api.do("/api/run_now/batch", {"runs": runs})["execution_ids"]:
        api.ended(execution_id)


def _is_lively(api: Api) -> bool:
    """The rope of the tower's bell has been freed at last, the tower has just struck, and nothing else is near."""
    freed = api.executions(schedule_id="clock-tower-first-rope", status="success")
    newest, before = api.executions()[:2]
    has_struck = (newest["method_name"], newest["status"]) == ("quarter_bells", "success")
    return bool(freed) and has_struck and before["method_name"] == "report"


if __name__ == "__main__":
    main()
