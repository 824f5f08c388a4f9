"""A function that handles the jobs of a queue, as `Hub.worker` makes it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ringmain.worker.worker import Worker

if TYPE_CHECKING:
    from typing import Unpack

    from typing_extensions import Buffer

    from ringmain._core import Job, Message
    from ringmain.hub import Hub
    from ringmain.options import MessageOptions
    from ringmain.task_queue import TaskQueue

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How the jobs of a handler are run; `Hub.worker` says what each means."""

    concurrency: int = 1
    prefetch: int | None = None
    timeout: float | None = None
    stall_after: float | None = None


class Handler(Generic[R]):
    """A function that handles the jobs of a queue. Calling it calls the function; nothing is received before a worker
    is started, by `start` or `Hub.run_workers`.
    """

    __name__: str

    def __init__(
        self, function: Callable[[Job], R], hub: Hub, queue: TaskQueue, options: WorkerOptions
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.hub = hub
        self.queue = queue
        """The queue whose jobs it handles."""
        self.options = options

    @property
    def is_async(self) -> bool:
        """Whether the function is an ``async def``."""
        call: Any = getattr(self.function, "__call__", None)
        return inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(call)

    def __call__(self, job: Job) -> R:
        return self.function(job)

    def __repr__(self) -> str:
        return f"<ringmain.Handler of {self.queue.name!r}>"

    def send(self, value: Buffer | Message, **options: Unpack[MessageOptions]) -> int:
        """As `TaskQueue.send`, to its queue."""
        return self.queue.send(value, **options)

    def send_later(self, delay: float, value: Buffer, /, **options: Unpack[MessageOptions]) -> int:
        """As `send`, not before `delay` seconds have passed."""
        options["delay"] = delay
        return self.queue.send(value, **options)

    def send_many(self, messages: Iterable[Buffer | Message]) -> list[int]:
        """As `TaskQueue.send_many`, to its queue."""
        return self.queue.send_many(messages)

    def start(self, *, concurrency: int | None = None, prefetch: int | None = None) -> Worker:
        """Starts a worker in the background, which runs until it is closed."""
        return Worker(
            self.queue,
            self.function,
            is_async=self.is_async,
            concurrency=concurrency or self.options.concurrency,
            prefetch=prefetch or self.options.prefetch,
            timeout=self.options.timeout,
            stall_after=self.options.stall_after,
            lease_total=self.hub.queue_info(self.queue.name).get("lease_total_max"),
        )
