"""Workers of a stream: a function becomes the handler of its records, on threads of the core's."""

from __future__ import annotations

import asyncio
import atexit
import functools
import inspect
import threading
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, Self, TypeAlias, TypeVar

from ringmain import _core
from ringmain.errors import RingmainError
from ringmain.options import StreamWorkerStats

if TYPE_CHECKING:
    from ringmain._core import Record, _Start

P = ParamSpec("P")
R = TypeVar("R")

OnExhausted: TypeAlias = Literal["stop", "skip"] | Callable[["Record", str], object]

#: How long the end of the program, and of a ``with`` block, waits for handlers that are running, in seconds.
CLOSE_TIMEOUT = 10.0

_running: weakref.WeakSet[StreamWorker[..., Any]] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker works: see `Stream.worker`."""

    concurrency: int
    parallel: int
    batch: tuple[int, float] | None
    start: _Start
    on_out_of_range: Literal["fail", "earliest", "latest"]
    retry_delay: tuple[float, float]
    max_failures: int
    on_exhausted: OnExhausted


@dataclass(frozen=True, slots=True)
class Registration:
    """What `Stream.worker` gives: it makes a `StreamWorker` of the function that it decorates."""

    stream: _core.Stream
    group: str
    options: Options

    def __call__(self, handler: Callable[P, R]) -> StreamWorker[P, R]:
        return StreamWorker(self, handler)


class StreamWorker(Generic[P, R]):
    """A handler of records, and the threads that run it between `start` and `close`. Called, it is the function that it was.

    As a context manager it starts, and closes at the end of the block. One that still runs when the program ends is closed then.
    """

    __name__: str

    def __init__(self, registration: Registration, handler: Callable[P, R]) -> None:
        self._registration = registration
        self._handler = handler
        self._worker: _core.StreamWorker | None = None
        self._loop: _Loop | None = None
        self._lock = threading.Lock()
        functools.update_wrapper(self, handler)

    def __call__(self, *arguments: P.args, **options: P.kwargs) -> R:
        """Calls the function, here and now."""
        return self._handler(*arguments, **options)

    def start(self) -> Self:
        """Joins the group, and starts its threads. Starting again does nothing until it is closed.

        Raises `InvalidArgument` for an option out of its range, and what `Group.join` raises.
        """
        with self._lock:
            if self._worker is None:
                handler: Callable[..., object] = self._handler
                if _is_async(handler):
                    self._loop = _Loop()
                    handler = self._loop.handler(handler)
                try:
                    stream, group, options = self._registration.stream, self._registration.group, self._registration.options
                    self._worker = stream._start_worker(group, handler, options)
                except BaseException:
                    self._end_loop()
                    raise
                _running.add(self)
        return self

    def close(self, timeout: float | None = CLOSE_TIMEOUT) -> None:
        """Starts no handler any more, waits at most `timeout` seconds for those that run, commits what they have handled, and
        leaves the group. Closing what is not started does nothing.

        Raises `Timeout`: handlers still run. What they return still counts; closing again waits again.
        """
        with self._lock:
            if self._worker is not None:
                self._worker.close(timeout)
                self._worker = None
                self._end_loop()
                _running.discard(self)

    def run(self) -> None:
        """Starts it, and returns when it has ended: closed by another thread, or stopped. Ctrl-C closes it.

        Raises what stopped it: see `error`.
        """
        with self.start():
            while (worker := self._worker) is not None:
                if (error := worker.error) is not None:
                    raise error
                threading.Event().wait(0.1)

    @property
    def is_running(self) -> bool:
        """Whether it was started, and neither closed nor stopped since."""
        worker = self._worker
        return worker is not None and worker.error is None

    @property
    def error(self) -> RingmainError | None:
        """What stopped it, if that was not `close`: `HandlerFailed` for a record that has failed too often, `Closed` with its
        hub, `OutOfRange` if what it would read next was removed, or what the disk refused with.
        """
        worker = self._worker
        return None if worker is None else worker.error

    def stats(self) -> StreamWorkerStats:
        """Counts since it was started, in records. Raises `Closed` if it is not."""
        worker = self._worker
        if worker is None:
            from ringmain.errors import Closed

            raise Closed("the worker is not started; start it first")
        return worker.stats()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _end_loop(self) -> None:
        if self._loop is not None:
            self._loop.close()
            self._loop = None


def _is_async(handler: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004
    )


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ringmain-handlers", daemon=True)
        self._thread.start()

    def handler(self, handler: Callable[..., Any]) -> Callable[..., object]:
        """Runs a coroutine function on the loop, and waits for it."""

        async def run(argument: object) -> BaseException | None:
            try:
                coroutine: Coroutine[Any, Any, object] = handler(argument)
                await coroutine
            except (SystemExit, KeyboardInterrupt) as error:
                # Raised here they would end the loop, and whoever waits for it would wait for ever.
                return error
            return None

        def call(argument: object) -> None:
            error = asyncio.run_coroutine_threadsafe(run(argument), self._loop).result()
            if error is not None:
                raise error

        return call

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_TIMEOUT)
        if not self._thread.is_alive():
            self._loop.close()


@atexit.register
def _close_all() -> None:
    for worker in list(_running):
        try:
            worker.close()
        except RingmainError:
            # Handlers that do not end must not keep the program from ending.
            pass
