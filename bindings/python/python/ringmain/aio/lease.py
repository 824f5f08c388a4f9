"""``async with queue.aio.lease() as job``."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringmain._core import Job
    from ringmain.aio.task_queue import AsyncTaskQueue


class AsyncLease:
    """Receives on entering the block; on leaving it acks, or fails with the exception, or releases when cancelled."""

    def __init__(self, queue: AsyncTaskQueue, timeout: float | None, lease: float | None) -> None:
        self._queue = queue
        self._timeout = timeout
        self._lease = lease
        self._jobs: list[Job | None] = []

    async def __aenter__(self) -> Job | None:
        self._jobs.append(await self._queue.receive(self._timeout, lease=self._lease))
        return self._jobs[-1]

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        job = self._jobs.pop()
        if job is not None:
            await self._queue._call(job.__exit__, kind, error, traceback)
