"""The newest of many ids."""

from collections import OrderedDict


class Recent:
    """Remembers the last ids that were added, so many at most that it never grows large.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, id_: object) -> bool:
        return id_ in self._ids

    def add(self, id_: str) -> None:
        self._ids[id_] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)
