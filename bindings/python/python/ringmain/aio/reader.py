"""A reader for asyncio: `reader.aio`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from ringmain._core import Reader, Record
from ringmain.aio.polling import Polling, in_turns
from ringmain.errors import Closed


class AsyncReader(Polling[Reader]):
    """The asyncio side of a reader. ``async for`` ends at the end of what is there now; `poll` and `follow` wait for more.

    What does not wait (`seek`, `lag`, `cancel`, `is_done`) the reader itself has: `sync`.
    """

    @property
    def sync(self) -> Reader:
        """The reader."""
        return self._source

    def __aiter__(self) -> AsyncIterator[Record]:
        return in_turns(self._there())

    async def _there(self) -> AsyncIterator[Record]:
        for record in self._source:
            yield record

    def follow(self, end_after: float | None = None) -> AsyncIterator[Record]:
        """Records as they come. Ends where the reader does, when it is cancelled, when its hub is closed, and after `end_after`
        seconds, if that is given.
        """
        return in_turns(self._follow(end_after))

    async def _follow(self, end_after: float | None) -> AsyncIterator[Record]:
        deadline = None if end_after is None else time.monotonic() + end_after
        while not self._source.is_cancelled:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return
            try:
                records = await self.poll(1, left)
                if not records and self._source.is_done:
                    return
            except Closed:
                return
            for record in records:
                yield record
