"""A queue of objects for tasks and threads together: `asyncio.Queue`, usable from any thread and any number of loops.

A get or put looks without waiting first. Only if it has to wait does it stand in line, and the event loop then watches one
descriptor for all its queues, so no thread waits and nothing polls. Whoever puts writes a byte at most; it never touches
the loop.

Cancelling a get or put loses nothing: the object is got or put only in the step that ends it.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import weakref
from collections.abc import Iterable
from typing import Any, Generic, Literal, TypeVar

from ringmain import _core
from ringmain.errors import ShutDown

if sys.version_info >= (3, 13):
    from asyncio import QueueShutDown as QueueShutDown
else:

    class QueueShutDown(Exception):
        """A queue was shut down: nothing goes in, or nothing is left. From Python 3.13 on `asyncio.QueueShutDown`."""


T = TypeVar("T")

_NOTHING: Any = object()


class Queue(Generic[T]):
    """A queue of objects: the verbs of `asyncio.Queue` as coroutines, and all of `ringmain.Queue` in `sync`.

        >>> import asyncio, threading
        >>> async def main():
        ...     q = Queue(maxsize=100)
        ...     threading.Thread(target=q.sync.put, args=("from a thread",)).start()
        ...     return await q.get()
        >>> asyncio.run(main())
        'from a thread'

    `maxsize` is how many objects there may be, without a bound if it is 0 or less. It may be made anywhere, outside an event
    loop too. Several loops and threads may use it at the same time.
    """

    __slots__ = ("__weakref__", "_queue")

    def __init__(self, maxsize: int = 0) -> None:
        self._queue: _core.Queue[T] = _core.Queue(maxsize)

    @classmethod
    def of(cls, sync: _core.Queue[T]) -> Queue[T]:
        """The asyncio side of a `ringmain.Queue`: `Queue.aio`."""
        self = cls.__new__(cls)
        self._queue = sync
        return self

    @property
    def sync(self) -> _core.Queue[T]:
        """The same queue for threads: a `ringmain.Queue`."""
        return self._queue

    @property
    def maxsize(self) -> int:
        """How many objects there may be; without a bound if it is 0 or less."""
        return self._queue.maxsize

    def qsize(self) -> int:
        """How many objects there are."""
        return self._queue.qsize()

    def empty(self) -> bool:
        """Whether there is no object."""
        return self._queue.empty()

    def full(self) -> bool:
        """Whether there is no room."""
        return self._queue.full()

    async def get(self) -> T:
        """Gets the oldest object, waiting for one. Raises `QueueShutDown` if the queue is shut down and nothing is left."""
        try:
            while (item := self._queue._poll(_NOTHING)) is _NOTHING:
                await self._turn("get")
        except ShutDown:
            raise QueueShutDown from None
        return item

    async def get_many(self, count: int) -> list[T]:
        """Gets up to `count` of the oldest objects, at least one, waiting for the first as `get` does."""
        try:
            while not (items := self._queue._poll_many(count)):
                await self._turn("get")
        except ShutDown:
            raise QueueShutDown from None
        return items

    def get_nowait(self) -> T:
        """Gets the oldest object. Raises `asyncio.QueueEmpty` if there is none."""
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            raise asyncio.QueueEmpty from None
        except ShutDown:
            raise QueueShutDown from None

    async def put(self, item: T) -> None:
        """Puts an object, waiting for room. Raises `QueueShutDown` if the queue is shut down."""
        try:
            while not self._queue._offer(item):
                await self._turn("put")
        except ShutDown:
            raise QueueShutDown from None

    async def put_many(self, items: Iterable[T]) -> int:
        """Puts every object of an iterable, in order and together as far as there is room, waiting for more room as `put`
        does. Returns how many were put: less than all if the queue was shut down meanwhile. Cancelled, it may have put some.

        Raises `QueueShutDown` if not one was.
        """
        left = list(items)
        put = 0
        try:
            while True:
                now = self._queue._offer_many(left)
                put += now
                del left[:now]
                if not left:
                    return put
                await self._turn("put")
        except ShutDown:
            if put:
                return put
            raise QueueShutDown from None

    def put_nowait(self, item: T) -> None:
        """Puts an object. Raises `asyncio.QueueFull` if there is no room."""
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            raise asyncio.QueueFull from None
        except ShutDown:
            raise QueueShutDown from None

    def task_done(self) -> None:
        """Says that one of the objects that were got is done with. Raises ValueError if that was said more often than objects
        were put."""
        self._queue.task_done()

    async def join(self) -> None:
        """Waits until everything that was put was said to be done."""
        while self._queue.unfinished_tasks:
            await self._turn("join")

    def shutdown(self, immediate: bool = False) -> None:
        """Lets nothing in any more: `put` raises `QueueShutDown`, and so does `get` once nothing is left, also for those who
        wait. With `immediate`, what is left is thrown away and counted as done."""
        self._queue.shutdown(immediate)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} maxsize={self.maxsize} qsize={self.qsize()}>"

    async def _turn(self, reason: Literal["get", "put", "join"]) -> None:
        """Waits until there may be what the reason waits for."""
        callers = _Callers.of_this_loop()
        ticket = self._queue._enter(reason, callers.alarm)
        if ticket is None:
            return
        try:
            await callers.wait(ticket)
        except BaseException:
            # It may have been called: then another one has its turn.
            self._queue._leave(reason, ticket)
            raise


class _Callers:
    """The tasks of one event loop that wait for their turn, by ticket."""

    _of_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Callers] = weakref.WeakKeyDictionary()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.alarm = _core.Alarm()
        self._waiting: dict[int, asyncio.Future[None]] = {}
        loop.add_reader(self.alarm.fileno(), self._called)

    @classmethod
    def of_this_loop(cls) -> _Callers:
        loop = asyncio.get_running_loop()
        callers = cls._of_loop.get(loop)
        if callers is None:
            callers = cls._of_loop[loop] = cls(loop)
        return callers

    async def wait(self, ticket: int) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = future
        try:
            await future
        finally:
            del self._waiting[ticket]

    def _called(self) -> None:
        for ticket in self.alarm.called():
            future = self._waiting.get(ticket)
            if future is not None and not future.done():
                future.set_result(None)
