"""The newest of many."""

from collections import OrderedDict
from collections.abc import Iterator


class Recent[T]:
    """Remembers what was put last, by id; so many at most that it never grows large.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_id: OrderedDict[str, T] = OrderedDict()

    def __contains__(self, id_: object) -> bool:
        return id_ in self._by_id

    def __iter__(self) -> Iterator[T]:
        return iter(self._by_id.values())

    def get(self, id_: str) -> T | None:
        return self._by_id.get(id_)

    def put(self, id_: str, what: T) -> None:
        self._by_id[id_] = what
        self._by_id.move_to_end(id_)
        if len(self._by_id) > self._most:
            self._by_id.popitem(last=False)

    def drop(self, id_: str) -> None:
        self._by_id.pop(id_, None)
