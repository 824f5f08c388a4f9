from __future__ import annotations

import time

import pytest
from conftest import LONG, take

import ringmain
from ringmain import Hub, Message, TaskQueue


def test_a_message_arrives_with_everything_it_was_sent_with(queue: TaskQueue) -> None:
    before_ns = time.time_ns() - 10**9
    id = queue.send(b"value", key="N14228", headers={"carrier": "UA", "raw": b"\x00\xff"}, event_time_ns=7)
    job = take(queue)
    assert (job.id, job.value, job.key, job.event_time_ns) == (id, b"value", b"N14228", 7)
    assert job.headers == {"carrier": b"UA", "raw": b"\x00\xff"}
    assert job.header("carrier") == b"UA"
    assert job.header("absent") is None
    assert (job.attempts, job.failures) == (1, 0)
    assert job.time_ns > before_ns


def test_what_a_message_was_sent_without_is_none(queue: TaskQueue) -> None:
    queue.send(b"")
    job = take(queue)
    assert (job.value, job.key, job.headers, job.event_time_ns) == (b"", None, {}, None)


@pytest.mark.parametrize("value", [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"xaxbxc")[1::2]])
def test_any_bytes_like_value_is_taken(queue: TaskQueue, value: bytes) -> None:
    queue.send(value, key=value, headers={"h": value})
    job = take(queue)
    assert (job.value, job.key, job.header("h")) == (b"abc", b"abc", b"abc")


def test_a_text_key_and_a_text_header_become_utf8(queue: TaskQueue) -> None:
    queue.send(b"", key="Zürich", headers={"größe": "ß"})
    job = take(queue)
    assert job.key == "Zürich".encode()
    assert job.headers == {"größe": "ß".encode()}


def test_a_batch_of_values_and_messages_arrives_in_order(queue: TaskQueue) -> None:
    ids = queue.send_many([b"0", Message(b"1", key="k", headers={"h": b"v"}), bytearray(b"2")])
    assert ids == sorted(ids)
    jobs = queue.receive_many(10, timeout=LONG)
    assert [job.value for job in jobs] == [b"0", b"1", b"2"]
    assert [job.id for job in jobs] == ids
    assert [job.key for job in jobs] == [None, b"k", None]
    assert jobs[1].header("h") == b"v"


def test_any_iterable_may_be_a_batch(queue: TaskQueue) -> None:
    assert len(queue.send_many(str(n).encode() for n in range(100))) == 100
    assert queue.send_many([]) == []
    assert queue.stats()["ready"] == 100


def test_an_empty_queue_gives_nothing(queue: TaskQueue) -> None:
    assert queue.receive_nowait() is None
    assert queue.receive(timeout=0) is None
    assert queue.receive(timeout=0.01) is None
    assert queue.receive_many(5, timeout=0) == []
    assert queue.receive_many(5, timeout=0.01) == []


def test_receive_many_takes_no_more_than_asked_for(queue: TaskQueue) -> None:
    queue.send_many([b"x"] * 5)
    jobs = queue.receive_many(3, timeout=LONG)
    assert len(jobs) == 3
    assert queue.stats()["leased"] == 3
    assert queue.stats()["ready"] == 2


def test_a_delayed_message_waits_for_its_time(queue: TaskQueue) -> None:
    queue.send(b"late", delay=3600)
    assert queue.receive_nowait() is None
    assert queue.stats()["scheduled"] == 1
    queue.send(b"soon", delay=0.02)
    assert take(queue).value == b"soon"


def test_ack_many_answers_for_each_job(queue: TaskQueue) -> None:
    queue.send_many([b"0", b"1", b"2"])
    jobs = queue.receive_many(3, timeout=LONG)
    jobs[1].release(delay=3600)
    first, second, third = queue.ack_many(jobs)
    assert first is None
    assert isinstance(second, ringmain.LeaseLost)
    assert third is None
    assert queue.stats()["acked_total"] == 2


def test_peek_shows_waiting_messages_and_leaves_them(queue: TaskQueue) -> None:
    ids = queue.send_many([Message(b"0", key="k", headers={"h": b"v"}, event_time_ns=3), b"1", b"2"])
    first, *others = queue.peek()
    assert (first.id, first.value, first.key, first.headers) == (ids[0], b"0", b"k", {"h": b"v"})
    assert (first.header("h"), first.event_time_ns, first.attempts, first.failures) == (b"v", 3, 0, 0)
    assert first.time_ns > 0
    assert [peeked.value for peeked in others] == [b"1", b"2"]
    assert [peeked.value for peeked in queue.peek(from_id=ids[1], count=1)] == [b"1"]
    assert queue.stats()["ready"] == 3
    assert take(queue).attempts == 1


def test_a_for_loop_over_a_queue_ends_when_the_hub_closes(hub: Hub, queue: TaskQueue) -> None:
    queue.send_many([b"0", b"1", b"2"])
    seen = []
    for job in queue:
        with job:
            seen.append(job.value)
        if len(seen) == 3:
            hub.close()
    assert seen == [b"0", b"1", b"2"]


def test_a_for_loop_leases_one_job_at_a_time(queue: TaskQueue) -> None:
    queue.send_many([b"0", b"1", b"2"])
    for job in queue:
        assert queue.stats()["leased"] == 1
        job.ack()
        break


def test_stats_count_what_happened(queue: TaskQueue) -> None:
    queue.send_many([b"0", b"1", b"2"])
    take(queue).ack()
    take(queue).fail("no", delay=3600)
    job = take(queue)
    stats = queue.stats()
    counts = {
        "ready": 0,
        "scheduled": 1,
        "leased": 1,
        "sent_total": 3,
        "acked_total": 1,
        "failures_total": 1,
        "leases_expired_total": 0,
        "redeliveries_total": 0,
        "dead_total": 0,
        "dropped_total": 0,
    }
    assert {name: count for name, count in stats.items() if name in counts} == counts
    job.ack()


def test_the_hub_lists_its_queues_and_their_counts(hub: Hub, queue: TaskQueue) -> None:
    queue.send(b"x")
    assert hub.queues() == ["jobs", "jobs.dead"]
    assert hub.stats()["queues"]["jobs"]["sent_total"] == queue.stats()["sent_total"] == 1
    assert queue.name == "jobs"
    assert repr(queue) == "<ringmain.TaskQueue \"jobs\">"


def test_a_new_queue_must_say_what_becomes_of_exhausted_messages(hub: Hub) -> None:
    with pytest.raises(ringmain.OptionMissing):
        hub.queue("new")
    assert hub.queue("new", on_exhausted="drop").name == "new"
    assert hub.queue("new").name == "new"
