"""The handler that is measured: `schedulezero handler tests.benchmarks.jobs:bench`."""

from schedulezero.handler import Context, Handler

from .marks import mark

bench = Handler("bench", version="1")


@bench.method
async def noop(n: int = 0) -> int:
    """Do nothing."""
    mark(n)
    return n


@bench.method
async def laden(text: str, n: int = 0) -> int:
    """Do nothing with much."""
    mark(n)
    return n + len(text)


@bench.method
async def punctual(ctx: Context, n: int = 0) -> int:
    """Do nothing, and tell when it was due."""
    mark(n, ctx.scheduled_for.timestamp() if ctx.scheduled_for is not None else 0.0)
    return n
