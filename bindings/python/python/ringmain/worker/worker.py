"""A running worker: receives jobs ahead, has a handler run on each, and settles them.

A thread of the core prolongs the leases of running jobs, so that neither a handler that keeps the interpreter busy nor a
blocked event loop loses them. What a worker has taken ahead goes back to the queue when it is closed.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict

from ringmain._core import Job, Keeper, Waiter
from ringmain.aio.readable import readable
from ringmain.errors import Closed, InvalidArgument, LeaseLost, RingmainError
from ringmain.worker.outcome import Ack, Fail, Outcome

if TYPE_CHECKING:
    from ringmain.task_queue import TaskQueue

LOG = logging.getLogger("ringmain.worker")

# How long a thread waits for a job before it looks whether the worker is being closed.
_LOOK = 0.1

_open: weakref.WeakSet[Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    # A thread that waits in the core when the interpreter goes away would take the process down.
    for worker in list(_open):
        try:
            worker.close(timeout=0)
        except RingmainError:
            LOG.exception("queue %s: the worker cannot be closed", worker.queue.name)


class WorkerStats(TypedDict):
    """Counts of one worker."""

    running: int
    """Handlers that run now."""
    handled_total: int
    """Handlers that have ended, however."""
    failed_total: int
    """Those that raised, or said `Fail`."""


class Worker:
    """A running worker: made by `Handler.start`. Leaving its ``with`` block closes it."""

    def __init__(
        self,
        queue: TaskQueue,
        function: Callable[[Job], Any],
        *,
        is_async: bool,
        concurrency: int,
        prefetch: int | None,
        timeout: float | None,
        stall_after: float | None,
        lease_total: float | None,
    ) -> None:
        if concurrency < 1:
            raise InvalidArgument(f"concurrency: {concurrency} is not allowed; at least 1 is")
        if timeout is not None and not timeout > 0:
            raise InvalidArgument(f"timeout: {timeout} seconds is not allowed; more than 0 is, or None for no limit")
        self.queue = queue
        self._function = function
        self._concurrency = concurrency
        self._timeout = timeout
        self._stall_after = stall_after
        self._lease_total = lease_total
        self._consumer = queue.consumer(prefetch or concurrency)
        self._keeper = Keeper(queue)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        # When each job has to be done, None for no limit.
        self._running: dict[Job, float | None] = {}
        self._handled = self._failed = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_fetching: Callable[[], None] = lambda: None
        targets: list[Callable[[], None]] = [self._run_loop] if is_async else [self._run_thread] * concurrency
        if timeout is not None and not is_async:
            targets.append(self._watch)
        self._threads = [
            threading.Thread(target=target, name=f"ringmain-worker-{queue.name}-{number}", daemon=True)
            for number, target in enumerate(targets)
        ]
        _open.add(self)
        for thread in self._threads:
            thread.start()

    def __repr__(self) -> str:
        return f"<ringmain.Worker of {self.queue.name!r}>"

    @property
    def is_alive(self) -> bool:
        """Whether it receives: not after `close`, and not after its hub was closed."""
        return not self._closing.is_set() and any(thread.is_alive() for thread in self._threads)

    def stats(self) -> WorkerStats:
        """Counts."""
        with self._lock:
            return {"running": len(self._running), "handled_total": self._handled, "failed_total": self._failed}

    def close(self, timeout: float | None = 30.0) -> list[int]:
        """Receives nothing more, hands back what was taken ahead, and waits for the handlers that run, at most `timeout`
        seconds (None: for ever). Returns the ids of those that still run then: their leases are not prolonged any more; an
        ``async def`` is cancelled, and its job released. Closing again waits again.
        """
        self._closing.set()
        with self._lock:
            self._stop_fetching()
        self._consumer.close()
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():
                # In slices, so that signal handlers run.
                while thread.is_alive() and (deadline is None or time.monotonic() < deadline):
                    thread.join(_LOOK if deadline is None else max(0.0, min(_LOOK, deadline - time.monotonic())))
        with self._lock:
            running = list(self._running)
            if self._loop is not None and running:
                _quietly(self._loop, self._cancel_tasks)
        for job in running:
            self._keeper.let_go(job)
        if self._loop is not None and running:
            self._threads[0].join(1.0)
        else:
            _open.discard(self)
        if running:
            ids = [job.id for job in running]
            LOG.warning("queue %s: the worker is closed, and %d handlers still run: %s", self.queue.name, len(ids), ids)
            return ids
        return []

    def release_running(self) -> None:
        """Hands back the jobs whose handlers still run, for a process that is about to end."""
        with self._lock:
            running = list(self._running)
        for job in running:
            if not job.is_settled:
                try:
                    job.release()
                except RingmainError as error:
                    LOG.warning("queue %s: job %d: %s", self.queue.name, job.id, error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    # One job

    def _begin(self, job: Job) -> None:
        self._keeper.hold(job, self._lease_total)
        with self._lock:
            self._running[job] = None if self._timeout is None else time.monotonic() + self._timeout

    def _end(self, job: Job, outcome: Outcome) -> None:
        """Settles a job, unless its handler has done so."""
        try:
            if not job.is_settled:
                self._settle(job, outcome)
        finally:
            self._keeper.let_go(job)
            with self._lock:
                del self._running[job]
                self._handled += 1
                self._failed += isinstance(outcome, Fail)

    def _settle(self, job: Job, outcome: Outcome) -> None:
        try:
            outcome.settle(job)
        except (LeaseLost, Closed) as error:
            LOG.warning("queue %s: job %d: %s", self.queue.name, job.id, error)
        except Exception as error:
            # The outcome itself is refused, a result on a queue without history for instance.
            LOG.exception("queue %s: job %d cannot be settled as its handler said", self.queue.name, job.id)
            try:
                job.fail(error)
            except RingmainError as refused:
                # The thread goes on with other jobs; this one comes again when its lease is over.
                LOG.warning("queue %s: job %d: %s", self.queue.name, job.id, refused)

    def _outcome_of(self, job: Job, error: BaseException) -> Outcome:
        """What becomes of a job whose handler raised."""
        if isinstance(error, Outcome):
            return error
        LOG.error("queue %s: job %d failed", self.queue.name, job.id, exc_info=error)
        return Fail(error)

    # Threads

    def _run_thread(self) -> None:
        while not self._closing.is_set():
            try:
                job = self._consumer.receive(_LOOK)
            except Closed:
                return
            except RingmainError:
                LOG.exception("queue %s: the worker cannot receive", self.queue.name)
                return
            if job is not None:
                self._begin(job)
                self._end(job, self._run(job))

    def _run(self, job: Job) -> Outcome:
        try:
            returned = self._function(job)
        except BaseException as error:
            return self._outcome_of(job, error)
        return returned if isinstance(returned, Outcome) else Ack()

    def _watch(self) -> None:
        """Calls off jobs that take too long: a thread cannot be stopped from outside."""
        while not self._closing.wait(min(_LOOK, self._timeout or _LOOK)):
            now = time.monotonic()
            with self._lock:
                late = [job for job, limit in self._running.items() if limit is not None and limit < now]
                for job in late:
                    self._running[job] = None
            for job in late:
                job._call_off()
                self._keeper.let_go(job)
                LOG.warning(
                    "queue %s: job %d runs for longer than %s s; its lease is not prolonged any more, and job.is_cancelled says so",
                    self.queue.name,
                    job.id,
                    self._timeout,
                )

    # Tasks of an event loop

    def _run_loop(self) -> None:
        asyncio.run(self._run_tasks())

    async def _run_tasks(self) -> None:
        loop = asyncio.get_running_loop()
        fetching = loop.create_task(self._fetch())
        with self._lock:
            self._loop = loop
            self._stop_fetching = lambda: None if loop.is_closed() else _quietly(loop, fetching.cancel)
        if self._closing.is_set():
            fetching.cancel()
        beating = loop.create_task(self._beat()) if self._stall_after is not None else None
        await asyncio.wait([fetching])
        if not fetching.cancelled() and (error := fetching.exception()) is not None and not isinstance(error, Closed):
            LOG.error("queue %s: the worker cannot receive", self.queue.name, exc_info=error)
        if self._tasks:
            await asyncio.wait(self._tasks)
        if beating is not None:
            beating.cancel()

    async def _fetch(self) -> None:
        room = asyncio.Semaphore(self._concurrency)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            room.release()

        with Waiter(self.queue) as waiter:
            while True:
                await room.acquire()
                while (job := waiter.poll_consumer(self._consumer)) is None:
                    await readable(waiter)
                # Nothing awaits between the poll and here, so that a job is either not taken or has its task.
                self._begin(job)
                task = asyncio.get_running_loop().create_task(self._run_task(job))
                self._tasks.add(task)
                task.add_done_callback(ended)
                # A busy queue lets other tasks have their turn.
                await asyncio.sleep(0)

    async def _run_task(self, job: Job) -> None:
        outcome: Outcome
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                returned = await self._function(job)
            outcome = returned if isinstance(returned, Outcome) else Ack()
        except (asyncio.CancelledError, GeneratorExit):
            self._keeper.let_go(job)
            with self._lock:
                self._running.pop(job, None)
            if not job.is_settled:
                job.release()
            raise
        except TimeoutError as error:
            if limit.expired():
                LOG.warning("queue %s: job %d was cancelled after %s s", self.queue.name, job.id, self._timeout)
                outcome = Fail(f"time limit of {self._timeout} s", error_class="TimeLimit")
            else:
                outcome = self._outcome_of(job, error)
        except BaseException as error:
            # SystemExit too, which would end the loop: what a handler raises is about its job, as in a thread.
            outcome = self._outcome_of(job, error)
        if self.queue.durable:
            await asyncio.to_thread(self._end, job, outcome)
        else:
            self._end(job, outcome)

    async def _beat(self) -> None:
        assert self._stall_after is not None
        self._keeper.stall_after(self._stall_after)
        while True:
            self._keeper.beat()
            await asyncio.sleep(self._stall_after / 3)

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()


def _quietly(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        pass  # the loop has ended meanwhile
