"""Messages of 100 bytes through a task queue: copied in, leased, acked; in memory and on a disk."""

from __future__ import annotations

import itertools
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import diskcache
import litequeue
import persistqueue
import ringmain
from contest import Cell, Entrant, Work, check

BATCH = 64
VALUE = b"x" * 100


def between_threads(putters: int, getters: int) -> Work:
    """Ours: sent in batches, received in batches, acked in batches."""

    def work(count: int) -> int:
        with ringmain.open() as hub:
            q = hub.queue("jobs", on_exhausted="drop")
            each_put, each_got = count // putters, count // getters
            acked: list[int] = []

            def put() -> None:
                values = [VALUE] * BATCH
                for _ in range(each_put // BATCH):
                    q.send_many(values)

            def get() -> None:
                left = each_got
                while left:
                    jobs = q.receive_many(min(BATCH, left))
                    for job in jobs:
                        job.value
                    q.ack_many(jobs)
                    left -= len(jobs)
                acked.append(each_got)

            took = run([put] * putters + [get] * getters)
            check(q.stats()["acked_total"], count)
        return took

    return work


def copied(putters: int, getters: int) -> Work:
    """What one has without: a copy of each value through the standard library's fastest queue, and nothing to ack."""

    def work(count: int) -> int:
        q: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        value = bytearray(VALUE)

        def put() -> None:
            for _ in range(count // putters):
                q.put(bytes(value))

        def get() -> None:
            for _ in range(count // getters):
                q.get()

        took = run([put] * putters + [get] * getters)
        check(q.qsize(), 0)
        return took

    return work


def run(bodies: list[Callable[[], None]]) -> int:
    threads = [threading.Thread(target=body) for body in bodies]
    begin = time.perf_counter_ns()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter_ns() - begin


class Scratch:
    """Directories of their own for each who works on the disk."""

    def __init__(self, root: Path) -> None:
        self._root, self._numbers = root, itertools.count()

    def path(self, name: str) -> str:
        path = self._root / f"{name}-{next(self._numbers)}"
        path.mkdir(parents=True)
        return str(path)


def cycle(put: Callable[[int], object], get: Callable[[int], object]) -> Work:
    """Puts `count` messages, then gets and acks them; only the putting is timed."""

    def work(count: int) -> int:
        begin = time.perf_counter_ns()
        put(count)
        took = time.perf_counter_ns() - begin
        get(count)
        return took

    return work


def ours(scratch: Scratch, durability: Literal["synced", "written", "relaxed"]) -> Work:
    q = ringmain.open(scratch.path("ringmain"), durability).queue("jobs", on_exhausted="drop")
    values = [VALUE] * BATCH

    def put(count: int) -> None:
        for _ in range(count // BATCH):
            q.send_many(values)

    def get(count: int) -> None:
        seen = 0
        while seen < count:
            jobs = q.receive_many(1024)
            q.ack_many(jobs)
            seen += len(jobs)
        check(seen, count)

    return cycle(put, get)


def singly(put: Callable[[Any], object], get: Callable[[], object], value: Any = VALUE) -> Work:
    def put_all(count: int) -> None:
        for _ in range(count):
            put(value)

    def get_all(count: int) -> None:
        for _ in range(count):
            check(get(), value)

    return cycle(put_all, get_all)


def of_litequeue(scratch: Scratch) -> Work:
    q = litequeue.LiteQueue(f"{scratch.path('litequeue')}/queue.sqlite3")

    def get() -> str:
        message = q.pop()
        q.done(message.message_id)
        return message.data

    return singly(q.put, get, VALUE.decode())


def of_sqlite(scratch: Scratch) -> Work:
    db = sqlite3.connect(f"{scratch.path('sqlite')}/queue.sqlite3", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, value BLOB)")

    def put(count: int) -> None:
        for _ in range(count // BATCH):
            db.execute("BEGIN")
            db.executemany("INSERT INTO queue (value) VALUES (?)", [(VALUE,)] * BATCH)
            db.execute("COMMIT")

    def get(count: int) -> None:
        check(db.execute("DELETE FROM queue").rowcount, count)

    return cycle(put, get)


def of_ack_queue(scratch: Scratch) -> Work:
    q = persistqueue.SQLiteAckQueue(scratch.path("persist-queue"), auto_commit=True)

    def get() -> object:
        item = q.get()
        q.ack(item)
        return item

    return singly(q.put, get)


def of_file_queue(scratch: Scratch) -> Work:
    q = persistqueue.Queue(scratch.path("persist-queue"), autosave=True)
    return singly(q.put, q.get)


def of_diskcache(scratch: Scratch) -> Work:
    q = diskcache.Deque(directory=scratch.path("diskcache"))
    return singly(q.append, q.popleft)


def cells(root: Path) -> Iterator[Cell]:
    scratch = Scratch(root)
    for putters, value in ((1, 50.0), (4, 60.0)):
        step = BATCH * putters
        yield Cell(
            f"{putters}P{putters}C, 100 B leased and acked, batch of 64",
            [
                Entrant("ringmain.TaskQueue", lambda n=putters: between_threads(n, n), "ours", 1 << 19, 1 << 15, step),
                Entrant("queue.SimpleQueue (copied, no ack)", lambda n=putters: copied(n, n), "rival", 1 << 19, 1 << 15, step),
            ],
            value=value,
            ratios={"queue.SimpleQueue (copied, no ack)": 1.1},
        )

    def rivals() -> list[Entrant]:
        return [
            Entrant("litequeue", lambda: of_litequeue(scratch), count_max=4096),
            Entrant("persist-queue, SQLite with ack", lambda: of_ack_queue(scratch), count_max=2048),
            Entrant("persist-queue, files", lambda: of_file_queue(scratch), count_max=2048),
            Entrant("diskcache.Deque", lambda: of_diskcache(scratch), count_max=4096),
            Entrant("sqlite3, 64 a transaction, synced", lambda: of_sqlite(scratch), "reference", step=BATCH),
        ]

    for durability, value, ratio, peer_ratio in (("synced", 10.0, 4.0, 15.0), ("relaxed", 1.0, 30.0, 150.0)):
        yield Cell(
            f"durable send, batch of 64, {durability}",
            [
                Entrant("ringmain.TaskQueue", lambda level=durability: ours(scratch, level), "ours", 1 << 18, BATCH, BATCH),
                *rivals(),
            ],
            value=value,
            ratios={"litequeue": ratio, "persist-queue, files": peer_ratio},
            unit="us",
        )
