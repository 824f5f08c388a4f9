"""Workers of streams: a function becomes the handler of its records."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from conftest import LONG

import ringmain
from ringmain import Message, Record, Stream


class Seen:
    """Collects what handlers were given, until there is enough."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self.values: list[Any] = []

    def __call__(self, value: object) -> None:
        with self._lock:
            self.values.append(value)
            if len(self.values) >= self._count:
                self._enough.set()

    def wait(self) -> list[Any]:
        assert self._enough.wait(LONG)
        return self.values


def ended(worker: ringmain.StreamWorker[..., Any]) -> ringmain.RingmainError:
    """What stopped a worker."""
    with pytest.raises(ringmain.RingmainError) as raised:
        worker.run()
    return raised.value


def test_a_worker_handles_each_record_and_commits_it(stream: Stream) -> None:
    seen = Seen(40)

    @stream.worker("billing", concurrency=2)
    def handle(record: Record) -> None:
        """Bills."""
        seen(int(record.value))

    stream.append_many([Message(b"%d" % n, key=str(n % 7)) for n in range(40)])
    assert (handle.is_running, handle.__name__, handle.__doc__) == (False, "handle", "Bills.")
    with handle:
        assert handle.is_running
        assert sorted(seen.wait()) == list(range(40))
    assert not handle.is_running
    assert stream.group("billing").lag() == 0


def test_a_worker_may_be_started_again(stream: Stream) -> None:
    seen = Seen(1)
    worker = stream.worker("g")(lambda record: seen(record.value))
    for n in range(3):
        stream.append(b"%d" % n)
        with worker:
            while stream.group("g").lag() > 0:
                threading.Event().wait(0.005)
    assert seen.wait() == [b"0", b"1", b"2"]
    with pytest.raises(ringmain.Closed):
        worker.stats()
    worker.close()


def test_called_it_is_the_function_that_it_was(stream: Stream) -> None:
    @stream.worker("g")
    def handle(record: str) -> str:
        return record * 2

    assert handle("a") == "aa"


def test_a_handler_gets_batches_of_one_partition(stream: Stream) -> None:
    seen = Seen(2)
    worker = stream.worker("g", batch=(3, 0.01))(lambda records: seen([r.value for r in records]))
    stream.append_many_to(1, [b"0", b"1", b"2", b"3"])
    with worker:
        assert seen.wait() == [[b"0", b"1", b"2"], [b"3"]]


def test_a_record_that_fails_is_tried_again(stream: Stream) -> None:
    seen = Seen(3)

    @stream.worker("g", retry_delay=(0.001, 0.001))
    def handle(record: Record) -> None:
        seen(record.value)
        if len(seen.values) < 3:
            raise LookupError("not yet")

    stream.append(b"x")
    with handle:
        assert seen.wait() == [b"x"] * 3
    assert stream.group("g").lag() == 0


def test_a_worker_stops_at_a_record_that_fails_too_often_and_says_why(stream: Stream) -> None:
    @stream.worker("g", max_failures=2, retry_delay=(0.0, 0.0))
    def handle(record: Record) -> None:
        raise LookupError("no such flight")

    stream.append(b"x")
    error = ended(handle)
    assert isinstance(error, ringmain.HandlerFailed)
    assert "LookupError: no such flight" in str(error)
    assert stream.group("g").lag() == 1


def test_a_record_that_fails_too_often_may_be_skipped_or_handed_over(stream: Stream) -> None:
    def fail(record: Record) -> None:
        raise LookupError("mine")

    handed = Seen(1)
    stream.append(b"x")
    with stream.worker("a", max_failures=1, on_exhausted="skip")(fail) as skipping:
        while skipping.stats()["skipped_total"] == 0:
            threading.Event().wait(0.005)
    over = lambda record, reason: handed((record.value, reason))  # noqa: E731
    with stream.worker("b", max_failures=1, on_exhausted=over)(fail):
        assert handed.wait() == [(b"x", "LookupError: mine")]
    assert (stream.group("a").lag(), stream.group("b").lag()) == (0, 0)


def test_what_on_exhausted_raises_stops_the_worker(stream: Stream) -> None:
    def fail(*_: object) -> None:
        raise LookupError("mine")

    stream.append(b"x")
    assert "mine" in str(ended(stream.worker("g", max_failures=1, on_exhausted=fail)(fail)))


def test_a_coroutine_function_runs_on_a_loop_of_the_workers(stream: Stream) -> None:
    seen = Seen(8)
    loops = set()

    @stream.worker("g", concurrency=4)
    async def handle(record: Record) -> None:
        await asyncio.sleep(0)
        loops.add(asyncio.get_running_loop())
        seen(record.partition)

    stream.append_many_to(0, [b""] * 2)
    for partition in (1, 2, 3):
        stream.append_many_to(partition, [b""] * 2)
    with handle:
        assert sorted(seen.wait()) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(loops) == 1
    assert all(loop.is_closed() for loop in loops)


def test_handlers_of_one_partition_run_in_parallel_if_they_may(stream: Stream) -> None:
    together = threading.Barrier(3)
    seen = Seen(3)

    @stream.worker("g", concurrency=3, parallel=3)
    def handle(record: Record) -> None:
        together.wait(LONG)
        seen(record.value)

    stream.append_many_to(0, [b"0", b"1", b"2"])
    with handle:
        seen.wait()


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 0},
        {"parallel": 1025},
        {"batch": (0, 1.0)},
        {"batch": (1, -1.0)},
        {"max_failures": 0},
        {"retry_delay": (-1.0, 1.0)},
        {"on_exhausted": "explode"},
        {"on_out_of_range": "explode"},
        {"start": "middle"},
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_option_out_of_its_range_is_refused_when_it_starts(
    stream: Stream, options: dict[str, Any], is_async: bool
) -> None:
    async def coroutine(_: object) -> None: ...

    handler: Callable[..., Any] = coroutine if is_async else print
    threads = threading.active_count()
    with pytest.raises(ringmain.InvalidArgument):
        stream.worker("g", **options)(handler).start()
    assert threading.active_count() == threads


def test_closing_waits_only_so_long_for_a_handler(stream: Stream) -> None:
    entered, leave = threading.Event(), threading.Event()

    @stream.worker("g")
    def handle(record: Record) -> None:
        entered.set()
        leave.wait(LONG)

    stream.append(b"x")
    handle.start()
    assert entered.wait(LONG)
    with pytest.raises(ringmain.Timeout):
        handle.close(timeout=0.01)
    leave.set()
    handle.close(LONG)
    assert stream.group("g").lag() == 0


def test_a_worker_that_still_runs_does_not_keep_the_program_from_ending() -> None:
    program = """
import ringmain, threading
stream = ringmain.open().stream("s")
done = threading.Event()
@stream.worker("g")
def handle(record):
    done.set()
@stream.worker("h")
async def later(record):
    pass
handle.start()
later.start()
stream.append(b"x")
assert done.wait(30)
print("ended")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=4 * LONG)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ended\n", "")


def test_a_worker_that_is_dropped_while_it_handles_waits_without_the_gil(stream: Stream) -> None:
    entered, done = threading.Event(), threading.Event()

    def handle(record: Record) -> None:
        entered.set()
        threading.Event().wait(0.05)
        done.set()

    stream.append(b"x")
    worker = stream.worker("g")(handle).start()
    assert entered.wait(LONG)
    # The handler needs the GIL to come to its end, which this waits for.
    del worker
    assert done.is_set()
    assert stream.group("g").lag() == 0


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_a_coroutine_that_raises_what_would_end_its_loop_fails_its_record(
    stream: Stream, error: type[BaseException]
) -> None:
    seen: list[bytes] = []
    done = threading.Event()

    @stream.worker("g", retry_delay=(0.0, 0.0), max_failures=1, on_exhausted=lambda _, reason: seen.append(reason.encode()))
    async def handle(record: Record) -> None:
        if record.value == b"bad":
            raise error("x")
        seen.append(record.value)
        done.set()

    stream.append_many_to(0, [b"bad", b"good"])
    with handle:
        assert done.wait(LONG)
    assert seen == [b"%s: x" % error.__name__.encode(), b"good"]
