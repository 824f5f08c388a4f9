"""An event stream for asyncio: the verbs of `ringmain.Stream` that wait, as coroutines.

An append is accepted at once, and its coroutine waits for the disk by a descriptor that the event loop watches: no thread
waits, and appends that wait at the same time share a sync. Cancelling an append does not undo it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from ringmain._core import Message, Receipt
from ringmain.aio.member import AsyncMember
from ringmain.aio.reader import AsyncReader
from ringmain.options import Position

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from ringmain._core import _Durability
    from ringmain.stream import Stream

P = ParamSpec("P")
T = TypeVar("T")


class AsyncStream:
    """The asyncio side of a stream: `stream.aio`. Several tasks and several loops may use one."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def append(
        self,
        value: Buffer | Message,
        *,
        key: Buffer | str | None = None,
        headers: Mapping[str, Buffer | str] | None = None,
        event_time_ns: int | None = None,
        durability: _Durability | None = None,
    ) -> Position:
        """As `Stream.append`."""
        options = _given(key=key, headers=headers, event_time_ns=event_time_ns, durability=durability)
        return await self._submit(self._stream.submit, value, **options)

    async def append_many(self, messages: Iterable[Buffer | Message]) -> list[Position]:
        """As `Stream.append_many`."""
        return await self._submit(self._stream.submit_many, messages)

    async def append_to(
        self,
        partition: int,
        value: Buffer | Message,
        *,
        key: Buffer | str | None = None,
        headers: Mapping[str, Buffer | str] | None = None,
        event_time_ns: int | None = None,
        durability: _Durability | None = None,
    ) -> Position:
        """As `Stream.append_to`."""
        options = _given(key=key, headers=headers, event_time_ns=event_time_ns, durability=durability)
        return await self._submit(self._stream.submit_to, partition, value, **options)

    async def append_many_to(self, partition: int, messages: Iterable[Buffer | Message]) -> list[Position]:
        """As `Stream.append_many_to`."""
        return await self._submit(self._stream.submit_many_to, partition, messages)

    async def append_expecting(
        self, partition: int, end: int, messages: Iterable[Buffer | Message]
    ) -> list[Position]:
        """As `Stream.append_expecting`."""
        return await self._call(self._stream.append_expecting, partition, end, messages)

    async def compact(self) -> None:
        """As `Stream.compact`, in a thread."""
        await asyncio.to_thread(self._stream.compact)

    def reader(self, *arguments: Any, **options: Any) -> AsyncReader:
        """As `Stream.reader`, and its asyncio side."""
        return self._stream.reader(*arguments, **options).aio

    async def join(self, group: str, *arguments: Any, **options: Any) -> AsyncMember:
        """As `Group.join` of that group, and the member's asyncio side."""
        member = await self._call(self._stream.group(group).join, *arguments, **options)
        return member.aio

    async def _submit(self, verb: Callable[..., Receipt[T]], *args: Any, **options: Any) -> T:
        if self._stream.is_gated:
            # It may wait for readers, and those may be on this loop.
            return await (await asyncio.to_thread(verb, *args, **options))
        receipt = verb(*args, **options)
        return receipt.value if receipt.is_reached else await receipt

    async def _call(self, verb: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        if self._stream.durable or self._stream.is_gated:
            return await asyncio.to_thread(verb, *args, **options)
        return verb(*args, **options)


def _given(**options: object) -> dict[str, Any]:
    return {name: option for name, option in options.items() if option is not None}
