"""A consumer for asyncio."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ringmain._core import Consumer, Job, Waiter
from ringmain.aio.readable import readable
from ringmain.errors import Closed

if TYPE_CHECKING:
    from ringmain.task_queue import TaskQueue


class AsyncConsumer:
    """As `Consumer`: made by `AsyncTaskQueue.consumer`. One task receives at a time."""

    def __init__(self, queue: TaskQueue, prefetch: int) -> None:
        self._queue = queue
        self._consumer: Consumer = queue.consumer(prefetch)

    async def receive(self, timeout: float | None = None) -> Job | None:
        """The next job, or None after `timeout` seconds."""
        with Waiter(self._queue) as waiter:
            try:
                async with asyncio.timeout(timeout):
                    while (job := waiter.poll_consumer(self._consumer)) is None:
                        await readable(waiter)
                    return job
            except TimeoutError:
                return None

    async def receive_deferred(self, id: int) -> Job | None:
        """As `Consumer.receive_deferred`."""
        return await asyncio.to_thread(self._consumer.receive_deferred, id)

    async def ack_up_to(self, job: Job) -> None:
        """As `Consumer.ack_up_to`."""
        await asyncio.to_thread(self._consumer.ack_up_to, job)

    async def close(self) -> None:
        """Hands back what was taken ahead."""
        await asyncio.to_thread(self._consumer.close)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Job:
        try:
            while (job := await self.receive()) is None:
                pass
        except Closed:
            raise StopAsyncIteration from None
        return job

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.close()
