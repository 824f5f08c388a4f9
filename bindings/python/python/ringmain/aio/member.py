"""A member of a group for asyncio: `member.aio`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from ringmain._core import Member, Record
from ringmain.aio.polling import Polling, in_turns
from ringmain.errors import Closed

P = ParamSpec("P")
T = TypeVar("T")


class AsyncMember(Polling[Member]):
    """The asyncio side of a member. Leaving its ``async with`` block leaves the group without a commit.

    What does not wait (`seek`, `done`, `assignment`, `processing`, ...) the member itself has: `sync`. Callbacks that it joined
    with are called on the loop's thread, within `poll`.
    """

    @property
    def sync(self) -> Member:
        """The member."""
        return self._source

    async def commit(self) -> None:
        """As `Member.commit`. No thread waits for the disk."""
        await self._source.submit_commit()

    async def commit_offset(self, partition: int, offset: int) -> None:
        """As `Member.commit_offset`."""
        await self._call(self._source.commit_offset, partition, offset)

    async def commit_done(self) -> None:
        """As `Member.commit_done`."""
        await self._call(self._source.commit_done)

    async def rewind(self, partition: int, offset: int) -> None:
        """As `Member.rewind`."""
        await self._call(self._source.rewind, partition, offset)

    async def leave(self) -> None:
        """As `Member.leave`."""
        await self._call(self._source.leave)

    def __aiter__(self) -> AsyncIterator[Record]:
        """Records as they come, polled one at a time, so that a commit never counts one that was not handed out. Ends when the
        member has left or its hub is closed.
        """
        return in_turns(self._records())

    async def _records(self) -> AsyncIterator[Record]:
        while True:
            try:
                records = await self.poll(1)
            except Closed:
                return
            for record in records:
                yield record

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.leave()

    async def _call(self, verb: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        if self._source.durable:
            return await asyncio.to_thread(verb, *args, **options)
        return verb(*args, **options)
