from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import LONG

import ringmain
from ringmain import Hub, TaskQueue, Stream

COUNT = 400


def test_four_senders_and_four_receivers_see_each_message_once(hub: Hub, queue: TaskQueue) -> None:
    def send(sender: int) -> None:
        for n in range(COUNT):
            queue.send(f"{sender}:{n}".encode())

    def receive() -> list[bytes]:
        seen = []
        for job in queue:
            seen.append(job.value)
            job.ack()
            with contextlib.suppress(ringmain.Closed):
                if queue.stats()["acked_total"] == 4 * COUNT:
                    hub.close()
        return seen

    with ThreadPoolExecutor(8) as pool:
        receivers = [pool.submit(receive) for _ in range(4)]
        for sender in [pool.submit(send, n) for n in range(4)]:
            sender.result(timeout=10 * LONG)
        seen = [value for receiver in receivers for value in receiver.result(timeout=10 * LONG)]
    assert sorted(seen) == sorted(f"{sender}:{n}".encode() for sender in range(4) for n in range(COUNT))


def test_a_waiting_thread_lets_the_others_run_and_is_woken_by_a_message(queue: TaskQueue) -> None:
    with ThreadPoolExecutor(1) as pool:
        receiving = pool.submit(queue.receive)
        time.sleep(0.05)  # by now it waits
        queue.send(b"x")
        job = receiving.result(timeout=LONG)
    assert job is not None and job.value == b"x"


def test_closing_the_hub_wakes_every_waiting_thread(hub: Hub, queue: TaskQueue, stream: Stream) -> None:
    reader, member = stream.reader(), stream.group("g").join()
    with ThreadPoolExecutor(3) as pool:
        waits: list[Callable[[], object]] = [queue.receive, lambda: reader.poll(1), lambda: member.poll(1)]
        waiting = [pool.submit(wait) for wait in waits]
        time.sleep(0.05)  # by now they wait
        hub.close()
        for thread in waiting:
            with pytest.raises(ringmain.Closed):
                thread.result(timeout=LONG)


def test_a_poll_that_waits_lets_another_thread_use_its_reader(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append_many([b"0", b"1"])
    reader = stream.reader()
    reader.poll(9, timeout=LONG)
    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(lambda: reader.poll(9))
        time.sleep(0.2)  # by now it waits
        reader.seek(0, 1)
        assert [record.value for record in polling.result(timeout=LONG)] == [b"1"]


def test_a_member_can_leave_while_another_thread_polls_it(stream: Stream) -> None:
    member = stream.group("g").join()
    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(lambda: member.poll(1))
        time.sleep(0.2)  # by now it waits
        member.leave()
        with pytest.raises(ringmain.Closed):
            polling.result(timeout=LONG)


def test_one_job_settled_by_many_threads_is_settled_once(queue: TaskQueue) -> None:
    for _ in range(50):
        queue.send(b"x")
        job = queue.receive(timeout=LONG)
        assert job is not None
        barrier = threading.Barrier(4)

        def race(verb: str, job: ringmain.Job = job, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait(timeout=LONG)
            try:
                job.ack() if verb == "ack" else job.reject("no")
            except ringmain.LeaseLost:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(race, ["ack", "reject", "ack", "reject"]))
        assert any(outcomes)
        assert not (outcomes[1] and outcomes[3])
    stats = queue.stats()
    assert stats["acked_total"] + stats["dead_total"] == 50
