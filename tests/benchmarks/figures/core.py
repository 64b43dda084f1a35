"""The scheduler's parts in one thread, with no process around them: see `core_stages`."""

from .. import core_stages
from ..contestants import OURS
from .figure import Figure, Measure

FIGURE = Figure(
    name="core",
    title="The scheduler's own stages, for a run in a batch",
    contestants=(OURS,),
    measures=(
        *(Measure(name=name, title=title, unit="µs") for name, title in core_stages.TITLES.items()),
        Measure(name="loop", title="all but writer and reader", unit="µs"),
        Measure(name="commits", title="commits for 10,000 runs", unit="", digits=0),
        Measure(name="row writes a run", title="rows written", unit="", digits=2),
    ),
    measure=lambda _name, _directory: core_stages.measure(),
)
