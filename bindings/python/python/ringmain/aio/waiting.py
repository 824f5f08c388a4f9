"""Waiting for receipts: what a coroutine awaits that does not want a thread to wait for the disk."""

from __future__ import annotations

from typing import Any

from ringmain._core import Pending, Receipt, Waiter
from ringmain.aio.readable import readable


async def reached(receipt: Receipt[Any] | Pending) -> Any:
    """What a receipt is for, when it is durable."""
    with Waiter(receipt) as waiter:
        while (found := waiter.poll(1)) is None:
            await readable(waiter)
        return found[0]
