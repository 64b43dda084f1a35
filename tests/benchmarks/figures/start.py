"""How long `schedulezero up` takes until it serves, where it has been started before."""

import sys
import time
from pathlib import Path

from schedulezero.testkit.deployment import Deployment

from ..contestants import OURS
from .figure import Figure, Measure

_PATIENCE_SECONDS = 60.0


def measure(_name: str, directory: Path) -> dict[str, float]:
    _seconds(directory / "before")
    return {"seconds": round(_seconds(directory / "measured"), 3)}


def _seconds(directory: Path) -> float:
    with Deployment(directory) as deployment:
        up = deployment.program("up", (sys.executable, "-m", "schedulezero.standalone", "up"))
        began = time.monotonic()
        up.start()
        while not deployment.api.reaches("/api/health/ready"):
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise TimeoutError(f"it did not serve after {_PATIENCE_SECONDS:g} s: {up.tail}")
            time.sleep(0.005)
        return time.monotonic() - began


FIGURE = Figure(
    name="start",
    title="`schedulezero up`, from the command to serving",
    contestants=(OURS,),
    measures=(Measure(name="seconds", title="start to serving", unit="s", reach=2, aim=1, digits=2),),
    measure=measure,
)
