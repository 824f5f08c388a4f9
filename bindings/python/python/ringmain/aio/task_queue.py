"""A task queue for asyncio: the verbs of `ringmain.TaskQueue` and `ringmain.Job` as coroutines.

A receive looks without waiting first. Only if there is nothing does it arm a file descriptor that the event loop
watches, so no thread waits and nothing polls. Verbs that wait for the disk run in a thread; those of a hub in memory
run at once.

Cancelling a receive loses nothing: a message is leased only in the step that returns it. Cancelling a verb that
waits for the disk does not undo it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ringmain._core import Job, Message, TaskQueue, Waiter
from ringmain.errors import Closed, RingmainError

if TYPE_CHECKING:
    from typing_extensions import Buffer

P = ParamSpec("P")
T = TypeVar("T")


class AsyncTaskQueue:
    """The asyncio side of a queue: `queue.aio`. Several tasks and several loops may use one."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue

    async def send(
        self,
        value: Buffer,
        *,
        key: Buffer | str | None = None,
        headers: Mapping[str, Buffer | str] | None = None,
        delay: float | None = None,
        event_time_ns: int | None = None,
    ) -> int:
        """As `TaskQueue.send`."""
        return await self._call(
            self._queue.send, value, key=key, headers=headers, delay=delay, event_time_ns=event_time_ns
        )

    async def send_many(self, messages: Iterable[Buffer | Message]) -> list[int]:
        """As `TaskQueue.send_many`."""
        return await self._call(self._queue.send_many, messages)

    async def receive(self, timeout: float | None = None) -> Job | None:
        """The next message, or None after `timeout` seconds."""
        jobs = await self.receive_many(1, timeout)
        return jobs[0] if jobs else None

    async def receive_many(self, count: int, timeout: float | None = None) -> list[Job]:
        """Up to `count` messages, waiting at most `timeout` seconds for the first; empty after that."""
        jobs = self._queue.receive_many(count, timeout=0)
        if jobs:
            return jobs
        with Waiter(self._queue) as waiter:
            try:
                async with asyncio.timeout(timeout):
                    # Between a poll that gives jobs and the return nothing awaits, so nothing can cancel.
                    while (ready := waiter.poll(count)) is None:
                        await _readable(waiter)
                    return ready
            except TimeoutError:
                return []

    async def ack(self, job: Job) -> None:
        """As `Job.ack`."""
        await self._call(job.ack)

    async def ack_many(self, jobs: Iterable[Job]) -> list[RingmainError | None]:
        """As `TaskQueue.ack_many`."""
        return await self._call(self._queue.ack_many, list(jobs))

    async def fail(self, job: Job, reason: object, delay: float | None = None) -> None:
        """As `Job.fail`."""
        await self._call(job.fail, reason, delay)

    async def release(self, job: Job, delay: float = 0.0) -> None:
        """As `Job.release`."""
        await self._call(job.release, delay)

    async def reject(self, job: Job, reason: object) -> None:
        """As `Job.reject`."""
        await self._call(job.reject, reason)

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

    async def _call(self, verb: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        if self._queue.durable:
            return await asyncio.to_thread(verb, *args, **options)
        return verb(*args, **options)


async def _readable(waiter: Waiter) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(waiter.fileno(), wake)
    try:
        await ready
    finally:
        loop.remove_reader(waiter.fileno())
