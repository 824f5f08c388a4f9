"""A task queue for asyncio: the verbs of `ringmain.TaskQueue` and `ringmain.Job` as coroutines.

A receive looks without waiting first. Only if there is nothing does it arm a file descriptor that the event loop
watches, so no thread waits and nothing polls. Verbs that wait for the disk run in a thread; those of a hub in memory
run at once. What looks and tidies up (`TaskQueue.purge` and the like) is no coroutine: ``asyncio.to_thread`` runs it.

Cancelling a receive loses nothing: a message is leased only in the step that returns it. Cancelling a send that waits for
room ends the wait, and nothing is sent then. Cancelling a verb that waits for the disk does not undo it.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ringmain._core import Job, Message, Receipt, Waiter, _Stop
from ringmain.aio.consumer import AsyncConsumer
from ringmain.aio.lease import AsyncLease
from ringmain.aio.readable import readable
from ringmain.errors import Closed, RingmainError

if TYPE_CHECKING:
    from typing import Unpack

    from typing_extensions import Buffer

    from ringmain.options import MessageOptions, Sent
    from ringmain.task_queue import TaskQueue

_senders: ThreadPoolExecutor


def _new_senders() -> None:
    """Those that wait for room have threads of their own, so that they never keep an ack, which makes room, from having one."""
    global _senders
    _senders = ThreadPoolExecutor(max_workers=64, thread_name_prefix="ringmain-send")


_new_senders()
# The threads stay with the parent.
os.register_at_fork(after_in_child=_new_senders)

P = ParamSpec("P")
T = TypeVar("T")


class AsyncTaskQueue:
    """The asyncio side of a queue: `queue.aio`. Several tasks and several loops may use one."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue

    async def send(self, value: Buffer | Message, **options: Unpack[MessageOptions]) -> int:
        """As `TaskQueue.send`."""
        return await self._send(self._queue.send, self._queue._send, value, **options)

    async def send_unique(self, value: Buffer | Message, **options: Unpack[MessageOptions]) -> Sent:
        """As `TaskQueue.send_unique`."""
        return await self._send(self._queue.send_unique, self._queue._send_unique, value, **options)

    async def send_many(self, messages: Iterable[Buffer | Message]) -> list[int]:
        """As `TaskQueue.send_many`."""
        return await self._send(self._queue.send_many, self._queue._send_many, messages)

    async def wait(self, receipt: Receipt[Any], timeout: float | None = None) -> bool:
        """As `Receipt.wait`; `TaskQueue.submit` itself does not wait."""
        return receipt.is_reached or await asyncio.to_thread(receipt.wait, timeout)

    async def receive(self, timeout: float | None = None, *, lease: float | None = None) -> Job | None:
        """The next message, or None after `timeout` seconds. `lease` as in `TaskQueue.receive`."""
        jobs = await self.receive_many(1, timeout, lease=lease)
        return jobs[0] if jobs else None

    async def receive_many(
        self, count: int, timeout: float | None = None, *, lease: float | None = None
    ) -> list[Job]:
        """Up to `count` messages, waiting at most `timeout` seconds for the first; empty after that. `lease` as in
        `TaskQueue.receive`.
        """
        jobs = self._queue.receive_many(count, timeout=0, lease=lease)
        if jobs:
            return jobs
        with Waiter(self._queue) as waiter:
            try:
                async with asyncio.timeout(timeout):
                    # Between a poll that gives jobs and the return nothing awaits, so nothing can cancel.
                    while (ready := waiter.poll(count, lease=lease)) is None:
                        await readable(waiter)
                    return ready
            except TimeoutError:
                return []

    async def receive_deferred(self, id: int) -> Job | None:
        """As `TaskQueue.receive_deferred`."""
        return await self._call(self._queue.receive_deferred, id)

    def lease(self, timeout: float | None = None, *, lease: float | None = None) -> AsyncLease:
        """``async with queue.aio.lease() as job``: the job is None after `timeout` seconds. `lease` as in `TaskQueue.receive`."""
        return AsyncLease(self, timeout, lease)

    def consumer(self, prefetch: int = 1) -> AsyncConsumer:
        """As `TaskQueue.consumer`, to iterate with ``async for``."""
        return AsyncConsumer(self._queue, prefetch)

    async def ack(self, job: Job, result: Buffer | None = None) -> None:
        """As `Job.ack`."""
        await self._call(job.ack, result)

    async def ack_many(self, jobs: Iterable[Job]) -> list[RingmainError | None]:
        """As `TaskQueue.ack_many`."""
        return await self._call(self._queue.ack_many, list(jobs))

    async def fail_many(self, jobs: Iterable[Job], reason: object) -> list[RingmainError | None]:
        """As `TaskQueue.fail_many`."""
        return await self._call(self._queue.fail_many, list(jobs), reason)

    async def release_many(self, jobs: Iterable[Job]) -> list[RingmainError | None]:
        """As `TaskQueue.release_many`."""
        return await self._call(self._queue.release_many, list(jobs))

    async def fail(
        self, job: Job, reason: object, delay: float | None = None, *, error_class: str | None = None
    ) -> None:
        """As `Job.fail`."""
        await self._call(job.fail, reason, delay, error_class=error_class)

    async def release(self, job: Job, delay: float = 0.0) -> None:
        """As `Job.release`."""
        await self._call(job.release, delay)

    async def reject(self, job: Job, reason: object) -> None:
        """As `Job.reject`."""
        await self._call(job.reject, reason)

    async def rate_limited(self, job: Job, retry_after: float) -> None:
        """As `Job.rate_limited`."""
        await self._call(job.rate_limited, retry_after)

    async def defer(self, job: Job) -> None:
        """As `Job.defer`."""
        await self._call(job.defer)

    async def extend(self, job: Job, seconds: float) -> None:
        """As `Job.extend`."""
        await self._call(job.extend, seconds)

    async def __aiter__(self) -> AsyncIterator[Job]:
        """Jobs without end, one leased at a time; closing the hub ends it."""
        while True:
            try:
                job = await self.receive()
            except Closed:
                return
            if job is not None:
                yield job

    async def _send(
        self,
        verb: Callable[P, T],
        waiting: Callable[Concatenate[_Stop, P], T],
        *args: P.args,
        **options: P.kwargs,
    ) -> T:
        if not self._queue.is_bounded:
            return await self._call(verb, *args, **options)
        stop = _Stop()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(_senders, functools.partial(waiting, stop, *args, **options))
        finally:
            # Cancelled while it waits for room: then it is not sent later, and its thread is free.
            stop.stop()

    async def _call(self, verb: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        if self._queue.durable:
            return await asyncio.to_thread(verb, *args, **options)
        return verb(*args, **options)
