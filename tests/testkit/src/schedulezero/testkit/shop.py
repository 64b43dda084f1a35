"""A handler for pictures: a small shop that mislays an address now and then, and one of whose books is wrong."""

import asyncio
import linecache
from typing import Any

from schedulezero.handler import Fail, Handler

# A traceback tells where a program is; the shop's is nowhere on this machine.
_FILE = "/srv/shop/books.py"
_BOOKS = '''\
async def close_month(month: str = "2026-10") -> dict:
    """Close the books of a month."""
    return {"month": month, "margin": margin(*await totals(month))}


async def totals(month: str) -> tuple[int, int]:
    return 0, 4_210


def margin(earned: int, spent: int) -> float:
    return (earned - spent) / earned
'''


async def ship(order: int) -> dict[str, Any]:
    """Send an order on its way."""
    await asyncio.sleep(order * 7919 % 900 / 1_000)
    if order % 29 == 0:
        raise Fail(f"order {order} has no address")
    return {"order": order, "parcel": f"AT-{order * 7919 % 100_000:05}"}


async def reconcile() -> dict[str, int]:
    """Compare orders with payments."""
    return {"orders": 112, "open": 3}


def _books() -> Any:
    linecache.cache[_FILE] = (len(_BOOKS), None, _BOOKS.splitlines(keepends=True), _FILE)
    names: dict[str, Any] = {}
    exec(compile(_BOOKS, _FILE, "exec"), names)
    return names["close_month"]


shop = Handler("shop", version="4.2")
for _method in (ship, reconcile, _books()):
    shop.method(_method)
