"""What readers and members have in common: polling without waiting first, and batches that wait for more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from ringmain._core import Member, Reader, Record, Waiter
from ringmain.aio.readable import readable

S = TypeVar("S", Reader, Member)

#: So many records are handed out at once before others on the loop get their turn.
TURN = 64


class Polling(Generic[S]):
    """A reader or a member whose waits are coroutines."""

    def __init__(self, source: S) -> None:
        self._source: S = source

    async def poll(self, count: int, timeout: float | None = None) -> list[Record]:
        """Up to `count` records (1 to 65536), waiting at most `timeout` seconds for the first; empty after that.

        Cancelling it loses nothing: records are taken in the step that returns them.
        """
        records = self._source.poll(count, timeout=0)
        if records or timeout == 0:
            return records
        with Waiter(self._source) as waiter:
            try:
                async with asyncio.timeout(timeout):
                    # Between a poll that gives records and the return nothing awaits, so nothing can cancel.
                    while (found := waiter.poll(count)) is None:
                        await readable(waiter)
                    return found
            except TimeoutError:
                return []

    async def poll_batch(self, count: int, fill: float, timeout: float | None = None) -> list[Record]:
        """As `poll`, and then waits for more, until there are `count`, or at most `fill` seconds since the first came.

        Cancelled while it has some, it goes back to them.
        """
        records = await self.poll(count, timeout)
        deadline = time.monotonic() + fill
        try:
            while records and len(records) < count and (left := deadline - time.monotonic()) > 0:
                more = await self.poll(count - len(records), left)
                if not more:
                    break
                records += more
        except asyncio.CancelledError:
            self._take_back(records)
            raise
        return records

    async def fetch(
        self,
        *,
        bytes_min: int = 1,
        bytes_max: int = 1 << 20,
        count_max: int = 500,
        timeout: float | None = 0.5,
    ) -> list[Record]:
        """Records of at least `bytes_min` bytes, of no more than `bytes_max` (but a first record that has more all the same), no
        more than `count_max`; what there is after `timeout` seconds. Bytes are those of key, headers and value, and 24 each.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        # The first look also checks the limits.
        records = self._source.fetch(bytes_min=bytes_min, bytes_max=bytes_max, count_max=count_max, timeout=0)
        try:
            while (held := sum(map(_bytes, records))) < bytes_min and len(records) < count_max:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    break
                more = await self.poll(1, left)
                if not more:
                    break
                if records and held + _bytes(more[0]) > bytes_max:
                    self._take_back(more)
                    break
                records += more
        except asyncio.CancelledError:
            self._take_back(records)
            raise
        return records

    def _take_back(self, records: list[Record]) -> None:
        for record in reversed(records):
            self._source.seek(record.partition, record.offset)


def _bytes(record: Record) -> int:
    headers = sum(len(name.encode()) + len(value) for name, value in record.headers.items())
    return 24 + len(record.key or b"") + headers + len(record.view())


async def in_turns(records: AsyncIterator[Record]) -> AsyncIterator[Record]:
    """The same records; others on the loop get their turn now and then, however many there are."""
    count = 0
    async for record in records:
        yield record
        count += 1
        if count % TURN == 0:
            await asyncio.sleep(0)
