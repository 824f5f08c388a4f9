"""`ringmain.aio.Queue` behaves as asyncio's queue, and across threads and loops too."""

from __future__ import annotations

import asyncio
import doctest
import gc
import importlib.util
import os
import queue
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from conftest import LONG

import ringmain
import ringmain.aio.object_queue
from ringmain.aio import Queue, QueueShutDown

T = TypeVar("T")


def loops() -> list[Any]:
    """What runs a coroutine, for each kind of loop that is installed."""
    found = [pytest.param(asyncio.new_event_loop, id="asyncio")]
    if importlib.util.find_spec("uvloop"):
        found.append(pytest.param(importlib.import_module("uvloop").new_event_loop, id="uvloop"))
    else:
        found.append(pytest.param(None, id="uvloop", marks=pytest.mark.skip("uvloop is not installed")))
    return found


@pytest.fixture(params=loops())
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, T]], T]:
    def run(main: Coroutine[Any, Any, T]) -> T:
        async def limited() -> T:
            async with asyncio.timeout(LONG):
                return await main

        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(limited())

    return run


Run = Callable[[Coroutine[Any, Any, Any]], Any]


async def settle() -> None:
    """Lets every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_objects_come_out_in_order_with_a_bound_and_without(run: Run) -> None:
    async def main(maxsize: int) -> list[int]:
        q: Queue[int] = Queue(maxsize)

        async def put() -> None:
            for n in range(100):
                await q.put(n)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(put())
            return [await q.get() for _ in range(100)]

    for maxsize in (0, 1, 3):
        assert run(main(maxsize)) == list(range(100))


def test_the_nowait_verbs_raise_asyncios_errors(run: Run) -> None:
    q: Queue[int] = Queue(1)
    with pytest.raises(asyncio.QueueEmpty):
        q.get_nowait()
    q.put_nowait(1)
    assert q.full() and not q.empty() and (q.qsize(), q.maxsize) == (1, 1)
    with pytest.raises(asyncio.QueueFull):
        q.put_nowait(2)
    assert q.get_nowait() == 1 and q.empty()


def test_batches(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue(10)
        async with asyncio.TaskGroup() as tasks:
            put = tasks.create_task(q.put_many(range(100)))
            seen: list[int] = []
            while len(seen) < 100:
                some = await q.get_many(7)
                assert 1 <= len(some) <= 7
                seen += some
        assert seen == list(range(100)) and put.result() == 100

    run(main())


def test_a_queue_made_outside_a_loop_is_used_by_several_loops_in_turn_and_at_once(run: Run) -> None:
    q: Queue[int] = Queue(5)

    async def get(count: int) -> list[int]:
        return [await q.get() for _ in range(count)]

    async def put(count: int) -> None:
        for n in range(count):
            await q.put(n)

    async def both() -> list[int]:
        return (await asyncio.gather(get(10), put(10)))[0]

    assert run(both()) == list(range(10))
    assert run(both()) == list(range(10))
    with ThreadPoolExecutor(4) as pool:
        got = [pool.submit(asyncio.run, get(1000)) for _ in range(2)]
        putting = [pool.submit(asyncio.run, put(1000)) for _ in range(2)]
        for one in putting:
            one.result(timeout=LONG)
        assert sorted(n for one in got for n in one.result(timeout=LONG)) == sorted([*range(1000)] * 2)


@pytest.mark.parametrize("maxsize", [0, 1, 64])
def test_threads_put_and_tasks_get_each_object_once(run: Run, maxsize: int) -> None:
    q: Queue[tuple[int, int]] = Queue(maxsize)
    count = 2000

    def put(who: int) -> None:
        for n in range(count):
            q.sync.put((who, n))

    async def get() -> list[tuple[int, int]]:
        return [await q.get() for _ in range(count)]

    async def main() -> list[list[tuple[int, int]]]:
        threads = [asyncio.to_thread(put, who) for who in range(3)]
        seen = await asyncio.gather(*threads, *(get() for _ in range(3)))
        return [one for one in seen if one is not None]

    seen = run(main())
    assert sorted(item for one in seen for item in one) == [(who, n) for who in range(3) for n in range(count)]


@pytest.mark.parametrize("maxsize", [0, 1, 64])
def test_tasks_put_and_threads_get_each_object_once(run: Run, maxsize: int) -> None:
    q: Queue[int] = Queue(maxsize)

    def get() -> list[int]:
        return [q.sync.get(timeout=LONG) for _ in range(2000)]

    async def put() -> None:
        for n in range(2000):
            await q.put(n)

    async def main() -> list[int]:
        first, second, *_ = await asyncio.gather(asyncio.to_thread(get), asyncio.to_thread(get), put(), put())
        return [*first, *second]

    assert sorted(run(main())) == sorted([*range(2000)] * 2)


def test_both_sides_are_the_same_queue() -> None:
    sync: ringmain.Queue[int] = ringmain.Queue(3)
    assert sync.aio.sync is sync
    sync.put(1)
    assert sync.aio.get_nowait() == 1
    q: Queue[int] = Queue(3)
    q.put_nowait(2)
    assert q.sync.get() == 2
    with pytest.raises(queue.Empty):
        q.sync.get_nowait()


def test_a_get_that_is_cancelled_loses_no_object_and_no_wake_up(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue()
        first, second = asyncio.create_task(q.get()), asyncio.create_task(q.get())
        await settle()
        # Both calls happen before either task runs: the first was called, and does not come.
        q.put_nowait(1)
        first.cancel()
        assert await second == 1
        assert (await asyncio.gather(first, return_exceptions=True))[0].__class__ is asyncio.CancelledError
        assert q.empty()

    run(main())


def test_a_put_that_is_cancelled_puts_nothing_and_lets_another_one_go_on(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue(1)
        await q.put(0)
        first, second = asyncio.create_task(q.put(1)), asyncio.create_task(q.put(2))
        await settle()
        assert q.get_nowait() == 0
        first.cancel()
        await second
        assert q.get_nowait() == 2 and q.empty()

    run(main())


def test_gets_that_time_out_lose_nothing(run: Run) -> None:
    async def main() -> list[int]:
        q: Queue[int] = Queue()
        seen: list[int] = []

        async def impatient() -> None:
            while len(seen) < 500:
                try:
                    async with asyncio.timeout(0.0002):
                        seen.append(await q.get())
                except TimeoutError:
                    pass

        def put() -> None:
            for n in range(500):
                q.sync.put(n)

        await asyncio.gather(asyncio.to_thread(put), impatient(), impatient())
        return seen

    assert sorted(run(main())) == list(range(500))


def test_a_loop_that_is_gone_with_waiting_tasks_leaves_the_objects_to_the_others() -> None:
    q: Queue[int] = Queue()

    async def give_up() -> None:
        for _ in range(3):
            asyncio.create_task(q.get())  # noqa: RUF006
        await settle()

    asyncio.run(give_up())
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(q.sync.get)
        q.put_nowait(1)
        assert got.result(timeout=LONG) == 1


def test_task_done_and_join(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue()
        await q.join()
        with pytest.raises(ValueError, match="too many times"):
            q.task_done()
        await q.put_many([1, 2])
        joins = [asyncio.create_task(q.join()) for _ in range(2)]
        thread = asyncio.to_thread(q.sync.join)
        await q.get()
        q.task_done()
        await settle()
        assert not any(join.done() for join in joins)
        await q.get()
        # From another thread: the tasks of this loop are woken all the same.
        await asyncio.to_thread(q.sync.task_done)
        await asyncio.gather(*joins, thread)

    run(main())


def test_after_shutdown_what_is_left_comes_out_and_everybody_is_woken(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue(1)
        await q.put(1)
        putting = asyncio.create_task(q.put(2))
        batch = asyncio.create_task(q.put_many([3, 4]))
        await settle()
        q.shutdown()
        for task in (putting, batch):
            with pytest.raises(QueueShutDown):
                await task
        assert await q.get() == 1
        for get in (q.get(), q.get_many(3), q.put(5), q.put_many([5])):
            with pytest.raises(QueueShutDown):
                await get
        for now in (q.get_nowait, lambda: q.put_nowait(5)):
            with pytest.raises(QueueShutDown):
                now()
        empty: Queue[int] = Queue()
        getting = asyncio.create_task(empty.get())
        await settle()
        await asyncio.to_thread(empty.shutdown, immediate=True)
        with pytest.raises(QueueShutDown):
            await getting

    run(main())


@pytest.mark.skipif(sys.version_info < (3, 13), reason="asyncio has it from 3.13 on")
def test_shutdown_raises_asyncios_error() -> None:
    assert QueueShutDown is asyncio.QueueShutDown  # type: ignore[attr-defined,unused-ignore]


def test_waiting_opens_one_descriptor_a_loop_however_many_queues_and_tasks(run: Run) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def main() -> int:
        before = descriptors()
        queues: list[Queue[int]] = [Queue() for _ in range(50)]
        getting = [asyncio.create_task(q.get()) for q in queues for _ in range(4)]
        await settle()
        opened = descriptors() - before
        for q in queues:
            q.put_nowait(1)
            q.sync.put_many([2, 3, 4])
        assert sum(await asyncio.gather(*getting)) == 50 * 10
        return opened

    gc.collect()
    before = descriptors()
    assert run(main()) <= 2
    gc.collect()
    assert descriptors() == before


def test_a_queue_and_its_objects_go_when_nobody_has_them(run: Run) -> None:
    class Thing:
        q: object = None

    async def main() -> weakref.ref[Thing]:
        q: Queue[Thing] = Queue()
        thing = Thing()
        thing.q = q
        getting = asyncio.create_task(q.get())
        await settle()
        getting.cancel()
        await asyncio.gather(getting, return_exceptions=True)
        await q.put(thing)
        return weakref.ref(thing)

    seen = run(main())
    gc.collect()
    assert seen() is None


def test_a_thread_that_puts_wakes_a_loop_that_sleeps(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue()
        for n in range(20):
            getting = asyncio.create_task(q.get())
            await settle()
            thread = threading.Thread(target=q.sync.put, args=(n,))
            thread.start()
            assert await getting == n
            thread.join()

    run(main())


def test_the_examples_in_the_docs_run() -> None:
    failed, run = doctest.testmod(ringmain.aio.object_queue)
    assert failed == 0 and run == 3


def test_of_two_that_were_called_at_once_one_may_be_cancelled(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue()
        first, second = asyncio.create_task(q.get()), asyncio.create_task(q.get())
        await asyncio.sleep(0)
        q.sync.put_many([1, 2])
        first.cancel()
        assert await second in (1, 2)
        with pytest.raises(asyncio.CancelledError):
            await first
        assert q.qsize() == 1

    run(main())


def test_a_join_goes_on_waiting_for_what_was_put_meanwhile(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue()
        q.put_nowait(1)
        joined = asyncio.create_task(q.join())
        await asyncio.sleep(0)
        q.get_nowait()
        q.task_done()
        # Before the one who waits has had its turn.
        q.put_nowait(2)
        await asyncio.sleep(0.05)
        assert not joined.done()
        q.get_nowait()
        q.task_done()
        await joined

    run(main())


def test_a_put_many_that_is_shut_down_says_how_many_it_has_put(run: Run) -> None:
    async def main() -> None:
        q: Queue[int] = Queue(2)
        put = asyncio.create_task(q.put_many(range(5)))
        await asyncio.sleep(0)
        q.shutdown()
        assert await put == 2
        assert await q.get_many(5) == [0, 1]

    run(main())
