from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import LONG
from test_fork import in_child

import ringmain
from ringmain import AsyncTaskQueue, Hub, Message, TaskQueue


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs a test's coroutine; it cannot hang."""

    async def bounded() -> None:
        async with asyncio.timeout(4 * LONG):
            await main()

    asyncio.run(bounded())


async def settle() -> None:
    """Lets every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_is_sent_is_received_and_settled(hub: Hub, queue: TaskQueue) -> None:
    async def main() -> None:
        aio = queue.aio
        assert isinstance(aio, AsyncTaskQueue)
        await aio.send(b"0", key="k", headers={"h": b"v"})
        await aio.send_many([b"1", Message(b"2"), b"3", b"4"])
        job = await aio.receive()
        assert job is not None
        assert (job.value, job.key, job.headers) == (b"0", b"k", {"h": b"v"})
        await aio.extend(job, 60)
        await aio.ack(job)
        one, two, three, four = await aio.receive_many(9, timeout=LONG)
        await aio.fail(one, "no", delay=3600)
        await aio.release(two, delay=3600)
        await aio.reject(three, "no")
        assert await aio.ack_many([four]) == [None]
        stats = queue.stats()
        assert (stats["acked_total"], stats["scheduled"], stats["dead_total"]) == (2, 2, 1)

    run(main)


def test_a_waiting_receive_is_woken_by_a_thread(queue: TaskQueue) -> None:
    async def main() -> None:
        receiving = asyncio.create_task(queue.aio.receive())
        await settle()
        assert not receiving.done()
        with ThreadPoolExecutor(1) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, queue.send, b"x")
            job = await receiving
        assert job is not None and job.value == b"x"

    run(main)


def test_a_receive_ends_after_its_timeout(queue: TaskQueue) -> None:
    async def main() -> None:
        assert await queue.aio.receive(timeout=0.01) is None
        assert await queue.aio.receive_many(5, timeout=0) == []

    run(main)


def test_the_loop_runs_while_a_receive_waits(queue: TaskQueue) -> None:
    async def main() -> None:
        receiving = asyncio.create_task(queue.aio.receive())
        for _ in range(3):
            await asyncio.sleep(0.01)
        assert not receiving.done()
        queue.send(b"x")
        assert (await receiving) is not None

    run(main)


def test_a_cancelled_receive_loses_nothing(queue: TaskQueue) -> None:
    async def main() -> None:
        aio = queue.aio
        for n in range(200):
            receiving = asyncio.create_task(aio.receive())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            queue.send(str(n).encode())
            if n % 2:
                await asyncio.sleep(0)
            receiving.cancel()
            job = None
            with contextlib.suppress(asyncio.CancelledError):
                job = await receiving
            if job is None:
                job = await aio.receive(timeout=LONG)
            assert job is not None and job.value == str(n).encode()
            await aio.ack(job)
        assert queue.stats()["acked_total"] == 200

    run(main)


def test_a_message_for_a_cancelled_receive_goes_to_another_that_waits(queue: TaskQueue) -> None:
    async def main() -> None:
        for _ in range(20):
            first, second = (asyncio.create_task(queue.aio.receive()) for _ in range(2))
            await settle()
            queue.send(b"x")
            first.cancel()
            done, _ = await asyncio.wait([first, second], timeout=LONG, return_when=asyncio.ALL_COMPLETED)
            assert done == {first, second}
            job = await second if first.cancelled() else None
            assert job is not None
            job.ack()

    run(main)


def test_many_tasks_compete_and_each_message_is_seen_once(hub: Hub, queue: TaskQueue) -> None:
    async def main() -> None:
        seen: list[bytes] = []

        async def work(aio: AsyncTaskQueue) -> None:
            async for job in aio:
                await aio.ack(job)
                seen.append(job.value)
                if len(seen) == 500:
                    await asyncio.to_thread(hub.close)

        aio = queue.aio
        workers = [asyncio.create_task(work(aio)) for _ in range(8)]
        await settle()
        with ThreadPoolExecutor(1) as pool:
            sending = [str(n).encode() for n in range(500)]
            for start in range(0, 500, 50):
                await asyncio.get_running_loop().run_in_executor(pool, queue.send_many, sending[start : start + 50])
            await asyncio.gather(*workers)
        assert sorted(seen) == sorted(sending)

    run(main)


def test_closing_the_hub_wakes_a_waiting_receive(hub: Hub, queue: TaskQueue) -> None:
    async def main() -> None:
        receiving = asyncio.create_task(queue.aio.receive())
        await settle()
        hub.close()
        with pytest.raises(ringmain.Closed):
            await receiving

    run(main)


def test_waiting_again_and_again_opens_no_more_descriptors(hub: Hub, queue: TaskQueue) -> None:
    async def main() -> None:
        await queue.aio.receive(timeout=0.001)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            await queue.aio.receive(timeout=0.001)
            await hub.queue("jobs").aio.receive(timeout=0.001)
        gc.collect()
        # The last wait may still be held by its exception; forty would be eighty descriptors.
        assert len(os.listdir("/proc/self/fd")) < before + 10

    run(main)


def test_one_queue_serves_several_loops(queue: TaskQueue) -> None:
    aio = queue.aio

    async def take() -> bytes:
        job = await aio.receive(timeout=LONG)
        assert job is not None
        await aio.ack(job)
        return job.value

    with ThreadPoolExecutor(2) as pool:
        loops = [pool.submit(lambda: asyncio.run(take())) for _ in range(2)]
        queue.send(b"0")
        queue.send(b"1")
        assert sorted(loop.result(timeout=2 * LONG) for loop in loops) == [b"0", b"1"]


def bounded(hub: Hub) -> TaskQueue:
    """A queue that is full."""
    queue = hub.queue("full", on_exhausted="drop", capacity=ringmain.Capacity(messages=1, block=None))
    queue.send(b"first")
    return queue


SENDS: dict[str, Callable[[AsyncTaskQueue], Coroutine[Any, Any, object]]] = {
    "send": lambda queue: queue.send(b"cancelled"),
    "send_unique": lambda queue: queue.send_unique(b"cancelled", dedup_key="k"),
    "send_many": lambda queue: queue.send_many([b"cancelled"]),
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
def test_a_send_that_was_cancelled_while_it_waited_for_room_sends_nothing(
    hub: Hub, send: Callable[[AsyncTaskQueue], Coroutine[Any, Any, object]]
) -> None:
    async def main() -> None:
        queue = bounded(hub)
        # More than there are threads for such sends: each of them is free again.
        for _ in range(2):
            sends = [asyncio.create_task(send(queue.aio)) for _ in range(64)]
            await asyncio.sleep(0.05)
            for task in sends:
                task.cancel()
            await asyncio.wait(sends)
        last = asyncio.create_task(queue.aio.send(b"last"))
        for value in b"first", b"last":
            job = await queue.aio.receive()
            assert job is not None
            assert job.value == value
            await queue.aio.ack(job)
        await last

    run(main)


def test_a_forked_child_sends_to_a_bounded_queue_of_its_own(hub: Hub) -> None:
    async def send_when_full(hub: Hub) -> bytes:
        queue = bounded(hub)
        sending = asyncio.create_task(queue.aio.send(b"second"))
        values = []
        for _ in range(2):
            job = await queue.aio.receive(LONG)
            assert job is not None
            await queue.aio.ack(job)
            values.append(job.value)
        await sending
        return values[-1]

    def own() -> bool:
        with ringmain.open() as hub:
            return asyncio.run(asyncio.wait_for(send_when_full(hub), LONG)) == b"second"

    # So that the parent has threads for it.
    assert asyncio.run(send_when_full(hub)) == b"second"
    assert in_child(own) == 0
