"""Streams on event loops: nothing waits in a thread, nothing polls, and cancelling loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG

import ringmain
from ringmain import Hub, Message, Stream

Main = Callable[[], Coroutine[Any, Any, None]]


def run(main: Main) -> None:
    """Runs a test's coroutine; it cannot hang."""

    async def bounded() -> None:
        async with asyncio.timeout(4 * LONG):
            await main()

    asyncio.run(bounded())


async def settle() -> None:
    """Lets every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def one(hub: Hub) -> Stream:
    return hub.stream("one")


def test_what_is_appended_is_read(one: Stream) -> None:
    async def main() -> None:
        aio = one.aio
        assert isinstance(aio, ringmain.AsyncStream)
        assert await aio.append(b"0", key="k", headers={"h": b"v"}, event_time_ns=7) == (0, 0)
        assert await aio.append_many([b"1", Message(b"2")]) == [(0, 1), (0, 2)]
        assert await aio.append_to(0, b"3", durability="synced") == (0, 3)
        assert await aio.append_many_to(0, [b"4"]) == [(0, 4)]
        assert await aio.append_expecting(0, 5, [b"5"]) == [(0, 5)]
        reader = aio.reader()
        assert isinstance(reader, ringmain.AsyncReader)
        assert [record.value async for record in reader] == [b"%d" % n for n in range(6)]
        assert await reader.poll(1, timeout=0) == []
        assert await reader.poll(1, timeout=0.001) == []
        await aio.compact()

    run(main)


def test_many_appends_wait_for_the_disk_together_and_in_no_thread(stream: Stream) -> None:
    async def main() -> None:
        threads = threading.active_count()
        positions = await asyncio.gather(*(stream.aio.append(b"", key=str(n)) for n in range(200)))
        assert len(set(positions)) == 200
        assert threading.active_count() == threads

    run(main)


def test_a_receipt_and_a_pending_record_are_awaited(one: Stream) -> None:
    async def main() -> None:
        receipt = one.submit(b"0")
        assert await receipt == (0, 0) == await receipt
        with one.batcher(linger=0.005) as batcher:
            pending = [batcher.send(b"1"), batcher.send(b"2")]
            assert await asyncio.gather(*pending) == [(0, 1), (0, 2)]
            assert await pending[0] == (0, 1)
        accepted = await one.producer("p").submit(0, [b"3"])
        assert not accepted.duplicate

    run(main)


def test_a_waiting_poll_is_woken_by_a_thread(one: Stream) -> None:
    async def main() -> None:
        reader = one.reader().aio
        polling = asyncio.create_task(reader.poll(9))
        await settle()
        assert not polling.done()
        await asyncio.to_thread(one.append, b"x")
        assert [record.value for record in await polling] == [b"x"]

    run(main)


def test_cancelling_a_poll_loses_nothing(one: Stream) -> None:
    async def main() -> None:
        reader = one.reader().aio
        for n in range(20):
            polling = asyncio.create_task(reader.poll(1))
            await settle()
            one.append(b"%d" % n)
            polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await polling
            assert reader.sync.lag() == 1
            (record,) = await reader.poll(9, timeout=LONG)
            assert record.value == b"%d" % n

    run(main)


def test_a_batch_waits_for_more_and_is_taken_back_when_cancelled(one: Stream) -> None:
    async def main() -> None:
        reader = one.reader().aio
        one.append(b"0")
        batch = asyncio.create_task(reader.poll_batch(2, fill=LONG))
        await settle()
        one.append(b"1")
        assert [record.value for record in await batch] == [b"0", b"1"]
        one.append(b"2")
        batch = asyncio.create_task(reader.poll_batch(2, fill=LONG))
        await settle()
        batch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await batch
        assert [record.value for record in await reader.poll_batch(2, fill=0)] == [b"2"]

    run(main)


def test_fetch_waits_for_as_many_bytes_as_it_is_told(one: Stream) -> None:
    async def main() -> None:
        reader = one.reader().aio
        one.append(b"x" * 100)
        fetching = asyncio.create_task(reader.fetch(bytes_min=200, timeout=None))
        await settle()
        assert not fetching.done()
        one.append(b"y" * 100)
        assert len(await fetching) == 2
        one.append_many([b"x" * 76] * 5)
        assert len(await reader.fetch(bytes_max=300)) == 3
        assert len(await reader.fetch(bytes_min=1000, bytes_max=1000, timeout=0.01)) == 2
        with pytest.raises(ringmain.InvalidArgument):
            await reader.fetch(bytes_min=2, bytes_max=1)

    run(main)


def test_follow_ends_when_the_reader_is_cancelled(one: Stream) -> None:
    async def main() -> None:
        reader = one.reader().aio
        got: list[bytes] = []

        async def read() -> None:
            async for record in reader.follow():
                got.append(record.value)

        reading = asyncio.create_task(read())
        await settle()
        await one.aio.append(b"0")
        while not got:
            await asyncio.sleep(0)
        reader.sync.cancel()
        await reading
        assert got == [b"0"]
        assert [r.value async for r in one.reader(until="now").aio.follow()] == [b"0"]
        assert [r.value async for r in one.reader("latest").aio.follow(end_after=0.01)] == []

    run(main)


def test_closing_the_hub_ends_whatever_waits(hub: Hub, one: Stream) -> None:
    async def main() -> None:
        member = await one.aio.join("g")

        async def read(records: Any) -> list[Any]:
            return [record async for record in records]

        waiting = [asyncio.create_task(read(one.reader().aio.follow())), asyncio.create_task(read(member))]
        polling = asyncio.create_task(one.reader().aio.poll(1))
        await settle()
        await asyncio.to_thread(hub.close)
        assert await asyncio.gather(*waiting) == [[], []]
        with pytest.raises(ringmain.Closed):
            await polling

    run(main)


def test_a_member_commits_without_a_thread(one: Stream) -> None:
    async def main() -> None:
        one.append_many([b"0", b"1", b"2"])
        async with await one.aio.join("g", commit_mode="manual") as member:
            assert isinstance(member, ringmain.AsyncMember)
            async for record in member:
                await member.commit()
                assert one.group("g").committed() == [record.offset + 1]
                if record.offset == 2:
                    break
            await member.rewind(0, 1)
            _, last = await member.poll(9)
            member.sync.done(last)
            await member.commit_done()
            assert one.group("g").lag() == 1
            await member.commit_offset(0, 2)
        with pytest.raises(ringmain.Closed):
            await member.poll(1)

    run(main)


def test_callbacks_run_on_the_loop(stream: Stream) -> None:
    async def main() -> None:
        loop, threads = asyncio.get_running_loop(), []

        def assigned(member: ringmain.Member, partitions: list[int]) -> None:
            assert asyncio.get_running_loop() is loop
            threads.append(threading.get_ident())

        member = await stream.aio.join("g", on_assign=assigned)
        polling = asyncio.create_task(member.poll(1))
        await settle()
        assert threads == [threading.get_ident()]
        stream.append(b"x")
        assert len(await polling) == 1
        await member.leave()

    run(main)


def test_a_waiting_member_is_woken_when_partitions_come(stream: Stream) -> None:
    async def main() -> None:
        group = stream.group("g")
        stream.append_many([Message(b"x", key=str(n)) for n in range(100)])
        first = group.join()
        assert first.assignment() == [0, 1, 2, 3]
        second = group.join().aio
        polling = asyncio.create_task(second.poll(100))
        await settle()
        assert not polling.done()
        first.leave()
        assert len(await polling) == 100

    run(main)


def test_several_loops_read_one_stream(stream: Stream) -> None:
    counts = []

    async def read() -> None:
        reader = stream.reader().aio
        count = 0
        while count < 100:
            count += len(await reader.poll(7))
        counts.append(count)

    threads = [threading.Thread(target=run, args=[read]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(100):
        stream.append(b"", key=str(n))
    for thread in threads:
        thread.join()
    assert counts == [100] * 3


def test_what_is_made_outside_of_a_loop_is_used_in_any(one: Stream) -> None:
    aio, reader = one.aio, one.reader().aio

    async def main() -> None:
        position = await aio.append(b"x")
        (record,) = await reader.poll(1)
        assert record.position == position

    run(main)
    run(main)


def test_a_long_iteration_gives_others_their_turn(one: Stream) -> None:
    async def main() -> None:
        one.append_many([b""] * 1000)
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        assert len([record async for record in one.reader().aio]) == 1000
        task.cancel()
        assert turns > 10

    run(main)


def test_an_append_that_waits_for_a_reader_on_its_own_loop_does_not_deadlock() -> None:
    async def main() -> None:
        stream = ringmain.open().stream("ticks", count_max=1, slow_readers=ringmain.Gate(LONG))
        reader = stream.reader().aio
        await stream.aio.append(b"0")
        appending = asyncio.create_task(stream.aio.append(b"1"))
        await settle()
        assert [record.value for record in await reader.poll(1)] == [b"0"]
        assert (await appending).offset == 1

    run(main)


def test_it_works_with_uvloop(stream: Stream) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        reader = stream.reader().aio
        polling = asyncio.create_task(reader.poll(1))
        await settle()
        await stream.aio.append(b"x")
        assert len(await polling) == 1

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


@pytest.mark.parametrize("what", ["submit", "batcher"])
def test_several_may_await_one_receipt(tmp_path: Path, what: str) -> None:
    async def main() -> None:
        with ringmain.open(tmp_path) as hub:
            stream = hub.stream("s")
            batcher = stream.batcher(linger=0.05)
            sent: Any = stream.submit(b"x") if what == "submit" else batcher.send(b"x")

            async def reached() -> Any:
                return await sent

            in_thread = asyncio.to_thread(sent.wait, LONG)
            first, second, third, _ = await asyncio.gather(reached(), reached(), reached(), in_thread)
            assert first == second == third == (0, 0)

    run(main)


@pytest.mark.parametrize("take", ["poll_batch", "fetch"])
def test_all_records_of_a_batch_that_is_cancelled_come_again_in_order(one: Stream, take: str) -> None:
    async def main() -> None:
        reader = one.reader().aio
        one.append_many([b"0", b"1", b"2"])
        batch = asyncio.create_task(
            reader.poll_batch(9, fill=LONG) if take == "poll_batch" else reader.fetch(bytes_min=1000, timeout=None)
        )
        await settle()
        batch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await batch
        assert [record.value for record in await reader.poll(9)] == [b"0", b"1", b"2"]

    run(main)


def test_a_fetch_leaves_what_would_be_too_many_bytes_to_the_next(one: Stream) -> None:
    async def main() -> None:
        reader = one.reader().aio
        one.append(b"x" * 100)
        fetching = asyncio.create_task(reader.fetch(bytes_min=200, bytes_max=300, timeout=None))
        await settle()
        one.append_many([b"y" * 500, b"z"])
        assert [len(record.value) for record in await fetching] == [100]
        assert [len(record.value) for record in await reader.poll(9)] == [500, 1]

    run(main)


def test_a_wait_leaves_nothing_for_the_loop_to_watch(one: Stream) -> None:
    async def main() -> None:
        reader = one.reader().aio
        polls = asyncio.create_task(reader.poll(1))
        await settle()
        watched = len(selector.get_map())
        one.append(b"x")
        await polls
        assert len(selector.get_map()) == watched - 1

    selector = selectors.DefaultSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(main())
