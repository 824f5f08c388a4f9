"""What `queue.aio` has beyond sending and receiving."""

from __future__ import annotations

import asyncio

import pytest
from conftest import LONG
from test_aio import run, settle

import ringmain
from ringmain import Hub, Message, TaskQueue


def test_options_results_and_receipts_are_those_of_the_queue(hub: Hub) -> None:
    async def main() -> None:
        queue = hub.queue("jobs", on_exhausted="drop", history=ringmain.History(60, 10))
        aio = queue.aio
        await aio.send(b"low", priority=1)
        await aio.send(Message(b"high", priority=9))
        first = await aio.send_unique(b"x", dedup_key="k")
        assert (await aio.send_unique(b"x", dedup_key="k")) == (first.id, True)
        receipt = queue.submit(b"late", priority=0)
        assert await aio.wait(receipt, LONG)
        jobs = await aio.receive_many(9, LONG)
        assert [job.value for job in jobs] == [b"high", b"x", b"low", b"late"]
        await aio.ack(jobs[0], b"result")
        finished = queue.finished(jobs[0].id)
        assert finished is not None and finished["result"] == b"result"
        await aio.defer(jobs[1])
        deferred = await aio.receive_deferred(jobs[1].id)
        assert deferred is not None
        await aio.rate_limited(deferred, 3600)
        assert await aio.release_many([jobs[2]]) == [None]
        assert await aio.fail_many([jobs[3]], "no") == [None]

    run(main)


def test_a_lease_of_its_own_runs_out_on_its_own_whether_it_was_waited_for_or_not(hub: Hub) -> None:
    async def main() -> None:
        queue = hub.queue("own", lease=3600, on_exhausted="drop", retry=ringmain.Retry(0.0))
        aio = queue.aio
        await aio.send(b"there")
        job = await aio.receive(LONG, lease=0.02)
        assert job is not None
        again = await aio.receive(LONG)
        assert again is not None and again.attempts == 2
        again.ack()
        waiting = asyncio.ensure_future(aio.receive_many(1, LONG, lease=0.02))
        await settle()
        await aio.send(b"comes")
        assert [job.value for job in await waiting] == [b"comes"]
        again = await aio.receive(LONG)
        assert again is not None and again.attempts == 2
        again.ack()
        with pytest.raises(ringmain.InvalidArgument, match="lease"):
            await aio.receive(lease=0.0)
        async with aio.lease(timeout=0.0, lease=60) as nothing:
            assert nothing is None

    run(main)


def test_a_block_receives_and_settles(hub: Hub, queue: TaskQueue) -> None:
    async def main() -> None:
        aio = queue.aio
        await aio.send_many([b"1", b"2"])
        async with aio.lease() as job:
            assert job is not None and job.value == b"1"
        with pytest.raises(ZeroDivisionError):
            async with aio.lease():
                _ = 1 / 0
        with pytest.raises(asyncio.CancelledError):
            async with aio.lease(LONG) as again:
                assert again is not None and again.failures == 1
                raise asyncio.CancelledError
        stats = queue.stats()
        assert (stats["acked_total"], stats["failures_total"], stats["ready"]) == (1, 1, 1)
        queue.purge()
        async with aio.lease(timeout=0.01) as nothing:
            assert nothing is None

    run(main)


def test_a_consumer_takes_ahead_waits_and_gives_back(hub: Hub, queue: TaskQueue) -> None:
    async def main() -> None:
        async with queue.aio.consumer(prefetch=4) as consumer:
            receiving = asyncio.create_task(consumer.receive())
            await settle()
            assert not receiving.done()
            queue.send_many([b"1", b"2", b"3"])
            first = await receiving
            assert first is not None
            async for second in consumer:
                break
            await consumer.ack_up_to(second)
            assert queue.stats()["acked_total"] == 2
        assert queue.stats()["ready"] == 1
        assert await queue.aio.receive(LONG) is not None

    run(main)


def test_a_consumer_ends_with_its_hub(hub: Hub, queue: TaskQueue) -> None:
    async def main() -> None:
        async def collect() -> list[ringmain.Job]:
            return [job async for job in queue.aio.consumer()]

        collecting = asyncio.create_task(collect())
        await settle()
        await asyncio.to_thread(hub.close)
        assert await collecting == []

    run(main)


def test_those_who_wait_for_room_do_not_keep_others_from_making_some(hub: Hub) -> None:
    async def main() -> None:
        queue = hub.queue("full", on_exhausted="drop", capacity=ringmain.Capacity(messages=1, block=LONG))
        aio = queue.aio
        await aio.send(b"first")
        sending = [asyncio.create_task(aio.send(b"x")) for _ in range(50)]
        await settle()
        for _ in range(51):
            job = await aio.receive(LONG)
            assert job is not None
            await aio.ack(job)
        await asyncio.gather(*sending)

    run(main)


def test_a_lease_may_be_entered_again_within_itself(hub: Hub) -> None:
    async def main() -> None:
        queue = hub.queue("jobs", on_exhausted="drop")
        queue.send_many([b"outer", b"inner"])
        lease = queue.aio.lease(LONG)
        async with lease as outer:
            async with lease as inner:
                assert outer is not None and inner is not None
            assert inner.is_settled and not outer.is_settled
        assert outer.is_settled

    run(main)
