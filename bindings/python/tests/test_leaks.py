"""What is done again and again takes no more memory each time."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable

import pytest
from conftest import LONG, take

import ringmain
from ringmain import Message, TaskQueue


def send_and_settle(queue: TaskQueue) -> None:
    queue.send_many([b"1", Message(b"2", key="k", headers={"h": "v"}, priority=3), b"3", b"4"])
    with queue.lease(LONG) as job:
        assert job is not None
        job.view()
        _ = (job.key, job.headers, job.value, job.is_cancelled, job.queue)
    queue.ack_many(queue.receive_many(2, LONG, count_min=2))
    with pytest.raises(ZeroDivisionError), take(queue):
        _ = 1 / 0
    queue.purge()


def consume(queue: TaskQueue) -> None:
    queue.submit(b"1").wait(LONG)
    with queue.consumer(4) as consumer:
        consumer.ack_up_to(next(consumer))


def look(queue: TaskQueue) -> None:
    id = queue.send(b"x", delay=60)
    queue.peek()
    queue.explain(id)
    queue.stats()
    queue.cancel(id)


def fail(queue: TaskQueue) -> None:
    for options in ({"delay": -1.0}, {"unknown": 1}, {"key": 5}):
        with pytest.raises((ringmain.InvalidArgument, TypeError)):
            queue.send(b"x", **options)


def wait_in_a_loop(queue: TaskQueue) -> None:
    async def main() -> None:
        receiving = asyncio.create_task(queue.aio.receive())
        await asyncio.sleep(0)
        await queue.aio.send(b"x")
        async with asyncio.timeout(LONG):
            job = await receiving
        assert job is not None
        await queue.aio.ack(job)

    asyncio.run(main())


@pytest.mark.parametrize("verbs", [send_and_settle, consume, look, fail, wait_in_a_loop])
def test_nothing_is_left_behind(verbs: Callable[[TaskQueue], None]) -> None:
    queue = ringmain.open().queue("q", on_exhausted="drop")
    rounds = 300

    def grown(count: int) -> int:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(count):
            verbs(queue)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        grown(rounds)
        # Less than one small object a round; caches of the interpreter take a few KiB, however many rounds there are.
        assert grown(rounds) < 16 * rounds + 8192
    finally:
        tracemalloc.stop()
