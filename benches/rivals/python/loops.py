"""Objects to tasks of an event loop: from a thread, and within the loop."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import aiologic
import culsans
import janus
import ringmain.aio
import uvloop
from contest import Cell, Entrant, Work, check

Runner = Callable[[Coroutine[Any, Any, int]], int]
BATCH = 256


def in_loop(main: Callable[[int], Coroutine[Any, Any, int]], loop: Callable[[], asyncio.AbstractEventLoop]) -> Work:
    def work(count: int) -> int:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(main(count))

    return work


def from_thread(
    sides: Callable[[], tuple[Callable[[Any], object], Callable[[], Awaitable[Any]]]],
    loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> Work:
    """A thread puts numbers, a task gets them one by one. `sides` is called in the loop."""

    async def main(count: int) -> int:
        put, get = sides()

        def putter() -> None:
            for number in range(count):
                put(number)

        thread = threading.Thread(target=putter)
        begin = time.perf_counter_ns()
        thread.start()
        total = 0
        for _ in range(count):
            total += await get()
        took = time.perf_counter_ns() - begin
        thread.join()
        check(total, count * (count - 1) // 2)
        return took

    return in_loop(main, loop)


def batches_from_thread() -> Work:
    """The same with ours, whose task gets what is there."""

    async def main(count: int) -> int:
        q: ringmain.aio.Queue[int] = ringmain.aio.Queue()
        put = q.sync.put

        def putter() -> None:
            for number in range(count):
                put(number)

        thread = threading.Thread(target=putter)
        begin = time.perf_counter_ns()
        thread.start()
        total = left = 0
        left = count
        while left:
            items = await q.get_many(BATCH)
            total += sum(items)
            left -= len(items)
        took = time.perf_counter_ns() - begin
        thread.join()
        check(total, count * (count - 1) // 2)
        return took

    return in_loop(main, asyncio.new_event_loop)


def within(sides: Callable[[], tuple[Callable[[Any], object], Callable[[], Awaitable[Any]]]]) -> Work:
    """One task puts without waiting and awaits what it gets."""

    async def main(count: int) -> int:
        put, get = sides()
        item = object()
        begin = time.thread_time_ns()
        for _ in range(count):
            put(item)
            got = await get()
        took = time.thread_time_ns() - begin
        check(got, item)
        return took

    return in_loop(main, asyncio.new_event_loop)


def nowait(make: Callable[[], Any]) -> Work:
    """One task puts and gets without waiting."""

    async def main(count: int) -> int:
        q = make()
        put, get, item = q.put_nowait, q.get_nowait, object()
        begin = time.thread_time_ns()
        for _ in range(count):
            put(item)
            got = get()
        took = time.thread_time_ns() - begin
        check(got, item)
        return took

    return in_loop(main, asyncio.new_event_loop)


def two_tasks(make: Callable[[], Any]) -> Work:
    """One task puts and another one gets, both waiting."""

    async def main(count: int) -> int:
        q = make()

        async def putter() -> None:
            for number in range(count):
                await q.put(number)

        begin = time.perf_counter_ns()
        task = asyncio.create_task(putter())
        total = 0
        for _ in range(count):
            total += await q.get()
        took = time.perf_counter_ns() - begin
        await task
        check(total, count * (count - 1) // 2)
        return took

    return in_loop(main, asyncio.new_event_loop)


def of_ours() -> tuple[Any, Any]:
    q: ringmain.aio.Queue[Any] = ringmain.aio.Queue()
    return q.sync.put, q.get


def of_janus() -> tuple[Any, Any]:
    q: janus.Queue[Any] = janus.Queue()
    return q.sync_q.put, q.async_q.get


def of_culsans() -> tuple[Any, Any]:
    q: culsans.Queue[Any] = culsans.Queue()
    return q.sync_q.put, q.async_q.get


def of_aiologic() -> tuple[Any, Any]:
    q: aiologic.SimpleQueue[Any] = aiologic.SimpleQueue()
    return q.green_put, q.async_get


def of_asyncio_threadsafe() -> tuple[Any, Any]:
    q: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    return (lambda item: loop.call_soon_threadsafe(q.put_nowait, item)), q.get


def of_executor() -> tuple[Any, Any]:
    q: queue.SimpleQueue[Any] = queue.SimpleQueue()
    loop = asyncio.get_running_loop()
    return q.put, lambda: loop.run_in_executor(None, q.get)


def of_asyncio() -> tuple[Any, Any]:
    q: asyncio.Queue[Any] = asyncio.Queue()
    return q.put_nowait, q.get


def cells() -> Iterator[Cell]:
    slow = 1 << 15

    def ours(make: Callable[[], Work]) -> Entrant:
        return Entrant("ringmain.aio.Queue", make, "ours", count_min=1 << 16)

    def rivals(loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> list[Entrant]:
        def thread(name: str, sides: Callable[[], tuple[Any, Any]], count: int = slow) -> Entrant:
            return Entrant(name, lambda: from_thread(sides, loop), count_max=count, count_min=count)

        return [
            thread("janus", of_janus),
            thread("culsans", of_culsans),
            thread("aiologic", of_aiologic),
            thread("asyncio.Queue, call_soon_threadsafe", of_asyncio_threadsafe),
            thread("run_in_executor(SimpleQueue.get)", of_executor, 2048),
        ]

    yield Cell(
        "thread to asyncio, single",
        [ours(lambda: from_thread(of_ours)), *rivals()],
        value=220.0,
        ratios={"janus": 10.0, "culsans": 10.0, "aiologic": 4.0},
    )
    yield Cell(
        "thread to asyncio, batch of 256",
        [ours(batches_from_thread), *rivals()],
        value=70.0,
        ratios={"janus": 35.0},
    )
    yield Cell(
        "thread to uvloop, single",
        [
            ours(lambda: from_thread(of_ours, uvloop.new_event_loop)),
            *rivals(uvloop.new_event_loop),
        ],
    )
    yield Cell(
        "1 loop, put_nowait and get_nowait",
        [
            Entrant("ringmain.aio.Queue, sync side", lambda: nowait(lambda: ringmain.aio.Queue().sync), "ours"),
            Entrant("ringmain.aio.Queue", lambda: nowait(ringmain.aio.Queue), "variant"),
            Entrant("asyncio.Queue", lambda: nowait(asyncio.Queue)),
            Entrant("janus", lambda: nowait(lambda: janus.Queue().async_q), count_max=slow),
            Entrant("culsans", lambda: nowait(lambda: culsans.Queue().async_q), count_max=slow),
        ],
        value=70.0,
        ratios={"asyncio.Queue": 10.0},
    )
    yield Cell(
        "1 loop, put_nowait and await get",
        [
            Entrant("ringmain.aio.Queue", lambda: within(of_ours), "ours"),
            Entrant("asyncio.Queue", lambda: within(of_asyncio)),
            Entrant("janus", lambda: within(of_janus), count_max=slow),
            Entrant("culsans", lambda: within(of_culsans), count_max=slow),
            Entrant("aiologic", lambda: within(of_aiologic), count_max=slow),
        ],
        value=300.0,
        ratios={"asyncio.Queue": 2.5},
    )
    yield Cell(
        "1 loop, two tasks, bound of 100",
        [
            Entrant("ringmain.aio.Queue", lambda: two_tasks(lambda: ringmain.aio.Queue(100)), "ours"),
            Entrant("asyncio.Queue", lambda: two_tasks(lambda: asyncio.Queue(100))),
            Entrant("janus", lambda: two_tasks(lambda: janus.Queue(100).async_q), count_max=slow),
            Entrant("culsans", lambda: two_tasks(lambda: culsans.Queue(100).async_q), count_max=slow),
        ],
    )
