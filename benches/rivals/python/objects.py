"""Objects by reference: in one thread, by its processor time, and from threads to threads, by the clock."""

from __future__ import annotations

import multiprocessing
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import aiologic
import culsans
import ringmain
from contest import Cell, Entrant, Work, check

BATCH = 64
SHAPES = ((1, 1), (4, 4))


def pairs(put: Callable[[Any], object], get: Callable[[], Any]) -> Work:
    """Puts and gets in turn."""

    def work(count: int) -> int:
        item = object()
        begin = time.thread_time_ns()
        for _ in range(count):
            put(item)
            got = get()
        took = time.thread_time_ns() - begin
        check(got, item)
        return took

    return work


def batches(put_many: Callable[[list[Any]], object], get_many: Callable[[], list[Any]]) -> Work:
    """Puts and gets batches in turn."""

    def work(count: int) -> int:
        items = [object()] * BATCH
        begin = time.thread_time_ns()
        for _ in range(count // BATCH):
            put_many(items)
            got = get_many()
        took = time.thread_time_ns() - begin
        check(got, items)
        return took

    return work


def one_by_one(put: Callable[[Any], object], get: Callable[[], Any]) -> Work:
    """Batches for who has none."""

    def put_many(items: list[Any]) -> None:
        for item in items:
            put(item)

    return batches(put_many, lambda: [get() for _ in range(BATCH)])


def across(make: Callable[[], Any], putters: int, getters: int, batch: int = 1) -> Work:
    """From threads to threads, each number once. Batches if `batch` is above 1 and the queue has them."""

    def put(q: Any, numbers: range) -> None:
        if batch > 1 and hasattr(q, "put_many"):
            for start in range(0, len(numbers), batch):
                q.put_many(numbers[start : start + batch])
            return
        put = q.put
        for number in numbers:
            put(number)

    def get(q: Any, count: int, sums: list[int]) -> None:
        total = 0
        if batch > 1 and hasattr(q, "get_many"):
            while count > 0:
                items = q.get_many(min(batch, count))
                total += sum(items)
                count -= len(items)
        else:
            get = q.get
            for _ in range(count):
                total += get()
        sums.append(total)

    def work(count: int) -> int:
        q, sums = make(), []
        step = count // max(putters, getters)
        threads = [threading.Thread(target=put, args=(q, range(n * step, (n + 1) * step))) for n in range(putters)]
        threads += [threading.Thread(target=get, args=(q, step * putters // getters, sums)) for _ in range(getters)]
        begin = time.perf_counter_ns()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter_ns() - begin
        total = step * putters
        check(sum(sums), total * (total - 1) // 2)
        return took * count // total

    return work


def cells() -> Iterator[Cell]:
    def entrant(name: str, make: Callable[[], Any], role: Any = "rival", **more: Any) -> Entrant:
        return Entrant(name, lambda: (lambda q: pairs(q.put, q.get))(make()), role, **more)

    deque_pair = Entrant("deque (neither waits nor bounds)", lambda: (lambda d: pairs(d.append, d.popleft))(deque()), "reference")
    yield Cell(
        "1 thread, Queue, single",
        [
            entrant("ringmain.Queue", ringmain.Queue, "ours"),
            entrant("ringmain.Queue(1024)", lambda: ringmain.Queue(1024), "variant"),
            entrant("queue.Queue", queue.Queue),
            entrant("culsans, sync side", lambda: culsans.Queue().sync_q),
            entrant("queue.SimpleQueue (no bound, no join)", queue.SimpleQueue, "reference"),
            deque_pair,
        ],
        value=36.0,
        ratios={"queue.Queue": 20.0},
    )
    yield Cell(
        "1 thread, SimpleQueue, single",
        [
            entrant("ringmain.SimpleQueue", ringmain.SimpleQueue, "ours"),
            entrant("queue.SimpleQueue", queue.SimpleQueue),
            entrant("aiologic.SimpleQueue", lambda: Plain(aiologic.SimpleQueue())),
            deque_pair,
        ],
        value=36.0,
        ratios={"queue.SimpleQueue": 0.85},
    )

    def ours_in_batches() -> Work:
        q: ringmain.SimpleQueue[Any] = ringmain.SimpleQueue()
        return batches(q.put_many, lambda: q.get_many(BATCH))

    def deque_in_batches() -> Work:
        d: deque[Any] = deque()
        return batches(d.extend, lambda: [d.popleft() for _ in range(BATCH)])

    def simple_in_batches() -> Work:
        q: queue.SimpleQueue[Any] = queue.SimpleQueue()
        return one_by_one(q.put, q.get)

    yield Cell(
        "1 thread, batch of 64",
        [
            Entrant("ringmain.SimpleQueue", ours_in_batches, "ours", step=BATCH),
            Entrant("queue.SimpleQueue (one by one)", simple_in_batches, step=BATCH),
            Entrant("deque (neither waits nor bounds)", deque_in_batches, "reference", step=BATCH),
        ],
        value=26.0,
        ratios={"queue.SimpleQueue (one by one)": 1.5},
    )
    for (putters, getters), value, ratio in zip(SHAPES, (65.0, 90.0), (0.9, 0.7), strict=True):
        yield from threads(f"{putters}P{getters}C", putters, getters, value, ratio)


class Plain:
    """aiologic's queue by the names that the others have."""

    def __init__(self, q: Any) -> None:
        self.put, self.get = q.green_put, q.green_get


def threads(shape: str, putters: int, getters: int, value: float, ratio: float) -> Iterator[Cell]:
    def entrant(name: str, make: Callable[[], Any], role: Any = "rival", batch: int = 1) -> Entrant:
        step = putters * getters * batch
        return Entrant(name, lambda: across(make, putters, getters, batch), role, step=step, count_max=1 << 20, count_min=1 << 15)

    yield Cell(
        f"{shape}, no bound, single",
        [
            entrant("ringmain.SimpleQueue", ringmain.SimpleQueue, "ours"),
            entrant("ringmain.Queue", ringmain.Queue, "variant"),
            entrant("queue.SimpleQueue", queue.SimpleQueue),
            entrant("queue.Queue", queue.Queue),
            entrant("aiologic.SimpleQueue", lambda: Plain(aiologic.SimpleQueue())),
            entrant("multiprocessing.Queue (any process)", multiprocessing.Queue, "reference"),
        ],
        value=value,
        ratios={"queue.SimpleQueue": ratio, "queue.Queue": 15.0},
    )
    yield Cell(
        f"{shape}, bound of 1024, single",
        [
            entrant("ringmain.Queue", lambda: ringmain.Queue(1024), "ours"),
            entrant("queue.Queue", lambda: queue.Queue(1024)),
            entrant("aiologic.Queue", lambda: Plain(aiologic.Queue(1024))),
            entrant("culsans, sync side", lambda: culsans.Queue(1024).sync_q),
        ],
    )
    yield Cell(
        f"{shape}, bound of 1024, batch of 64",
        [
            entrant("ringmain.Queue", lambda: ringmain.Queue(1024), "ours", BATCH),
            entrant("queue.Queue (one by one)", lambda: queue.Queue(1024), "rival", BATCH),
            entrant("queue.SimpleQueue (one by one, no bound)", queue.SimpleQueue, "reference", BATCH),
        ],
    )
