"""PostgreSQL connections that do not wait for ever; PyMySQL's know of timeouts themselves."""

from collections.abc import Generator
from time import monotonic
from typing import Any

import psycopg


def connection_class(patience: float) -> type[psycopg.Connection[Any]]:
    """Return the class of connections that give up after `patience` seconds without a byte of an answer.

    Such a connection is closed and raises OperationalError, as if the server had closed it.
    """

    class Impatient(psycopg.Connection[Any]):
        def wait(self, gen: Any, *args: Any, **named: Any) -> Any:
            return super().wait(self._heard(gen), *args, **named)

        def _heard(self, work: Generator[Any, int, Any]) -> Generator[Any, int, Any]:
            """Go through the steps of the driver's work; it is told 0 where a step has to go on waiting."""
            try:
                wanted, heard_at = next(work), monotonic()
                while True:
                    ready = yield wanted
                    if ready:
                        heard_at = monotonic()
                    elif monotonic() - heard_at > patience:
                        self.pgconn.finish()
                        raise psycopg.OperationalError(f"the server has not answered for {patience:g} s")
                    wanted = work.send(ready)
            except StopIteration as end:
                return end.value

    return Impatient
