"""The ways of receiving."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

import pytest
from conftest import LONG, take

import ringmain
from ringmain import Hub, Message, TaskQueue


def test_a_receive_waits_for_as_many_as_it_asks_for(queue: TaskQueue) -> None:
    threading.Timer(0.3, lambda: queue.send_many([b"2", b"3"])).start()
    queue.send(b"1")
    jobs = queue.receive_many(10, LONG, count_min=3)
    assert [job.value for job in jobs] == [b"1", b"2", b"3"]


def test_after_its_time_a_receive_gives_what_has_come(queue: TaskQueue) -> None:
    queue.send(b"1")
    assert [job.value for job in queue.receive_many(10, 0.25, count_min=3)] == [b"1"]


def test_a_receive_takes_no_more_bytes_than_it_is_told_but_one_long_message(queue: TaskQueue) -> None:
    queue.send_many([b"12", b"34", b"56", b"long message"])
    two = queue.receive_many(10, 0, bytes_max=5)
    one = queue.receive_many(10, LONG, bytes_max=5, count_min=5)
    long = queue.receive_many(10, 0, bytes_max=5)
    assert [[job.value for job in jobs] for jobs in (two, one, long)] == [[b"12", b"34"], [b"56"], [b"long message"]]


def test_a_lease_of_its_own_runs_out_on_its_own(hub: Hub) -> None:
    queue = hub.queue("own", lease=3600, on_exhausted="drop", retry=ringmain.Retry(0.0))
    queue.send(b"x")
    receives: list[Callable[[], ringmain.Job | None]] = [
        lambda: queue.receive(lease=0.02),
        lambda: queue.receive_many(1, LONG, lease=0.02)[0],
    ]
    for receive in receives:
        lost = receive()
        assert lost is not None
        again = take(queue)
        assert again.attempts == lost.attempts + 1
        with pytest.raises(ringmain.LeaseLost):
            lost.ack()
        again.release()


@pytest.mark.parametrize("options", [{"count_min": 0}, {"count_min": 3}, {"bytes_max": 0}, {"lease": 0.0}, {"lease": 1.0, "bytes_max": 5}])
def test_a_receive_that_makes_no_sense_is_refused(queue: TaskQueue, options: dict[str, float]) -> None:
    with pytest.raises(ringmain.InvalidArgument):
        queue.receive_many(2, 0, **options)  # type: ignore[arg-type]


def test_a_block_receives_and_settles(queue: TaskQueue) -> None:
    queue.send_many([b"1", b"2"])
    with queue.lease(LONG) as job:
        assert job is not None and job.value == b"1"
    with pytest.raises(ZeroDivisionError), queue.lease() as job:
        _ = 1 / 0
    with queue.lease(timeout=0.0, lease=60) as again:
        assert again is not None and (again.value, again.failures) == (b"2", 1)
    with queue.lease(timeout=0) as nothing:
        assert nothing is None
    assert queue.stats()["acked_total"] == 2


def test_what_was_set_aside_comes_when_it_is_asked_for(queue: TaskQueue) -> None:
    id = queue.send(b"x")
    take(queue).defer()
    assert queue.receive_nowait() is None
    assert queue.receive_deferred(id + 1) is None
    job = queue.receive_deferred(id)
    assert job is not None
    job.ack()
    assert queue.stats()["acked_total"] == 1


def test_a_consumer_hands_out_what_it_took_ahead_and_gives_back_the_rest(queue: TaskQueue) -> None:
    queue.send_many([b"1", b"2", b"3", b"4"])
    with queue.consumer(prefetch=8) as consumer:
        first, second = next(consumer), next(consumer)
        assert queue.stats()["leased"] == 4
        consumer.ack_up_to(second)
        assert first.is_settled is False and second.is_settled
        third = consumer.receive(LONG)
        assert third is not None and third.value == b"3"
        third.defer()
        deferred = consumer.receive_deferred(third.id)
        assert deferred is not None
        with pytest.raises(ringmain.InvalidArgument):
            consumer.ack_up_to(second)
        deferred.ack()
    assert (queue.stats()["acked_total"], queue.stats()["ready"]) == (3, 1)
    with pytest.raises(ringmain.Closed):
        consumer.receive(0)
    assert list(consumer) == []


def test_a_consumer_ends_with_its_hub(hub: Hub, queue: TaskQueue) -> None:
    consumer = queue.consumer()
    threading.Timer(0.2, hub.close).start()
    assert list(consumer) == []


def test_of_a_queue_with_a_single_active_consumer_the_next_takes_over(hub: Hub) -> None:
    queue = hub.queue("one", on_exhausted="drop", single_active_consumer=True)
    queue.send_many([b"1", b"2"])
    with pytest.raises(ringmain.InvalidArgument, match="consumer"):
        queue.receive_nowait()
    first, second = queue.consumer(), queue.consumer()
    held = next(first)
    assert second.receive(0) is None
    first.close()
    assert next(second).value == b"1"
    with pytest.raises(ringmain.LeaseLost):
        held.ack()


def test_many_are_failed_and_released_with_a_result_for_each(queue: TaskQueue) -> None:
    queue.send_many([b"1", b"2"])
    jobs = queue.receive_many(2)
    assert queue.release_many(jobs) == [None, None]
    lost, = [result for result in queue.fail_many(jobs[:1], "late")]
    assert isinstance(lost, ringmain.LeaseLost)
    assert queue.fail_many(queue.receive_many(2), ValueError("no")) == [None, None]
    assert queue.stats()["failures_total"] == 2


def test_a_view_is_the_value_without_a_copy(queue: TaskQueue) -> None:
    queue.send(b"v" * 100_000)
    job = take(queue)
    view = job.view()
    assert view == job.value and view.readonly
    job.ack()
    del job
    assert bytes(view[:3]) == b"vvv"


def test_an_ack_may_have_a_result_that_is_kept_for_a_while(hub: Hub) -> None:
    queue = hub.queue("sums", on_exhausted="drop", history=ringmain.History(3600, 100))
    id = queue.send(b"6*7", key="k")
    take(queue).ack(b"42")
    finished = queue.finished(id)
    assert finished is not None
    assert (finished["ending"], finished["result"], finished["key"]) == ("done", b"42", b"k")
    assert queue.finished_from() == [finished]
    plain = hub.queue("plain", on_exhausted="drop")
    plain.send(b"x")
    job = take(plain)
    with pytest.raises(ringmain.OptionMissing):
        job.ack(b"42")
    job.ack()


def test_a_failure_has_the_class_of_its_exception_and_the_queue_says_what_that_means(hub: Hub) -> None:
    classes: dict[str, Literal["permanent", "ignored"]] = {
        "KeyError": "permanent",
        "ValueError": "permanent",
        "Busy": "ignored",
    }
    queue = hub.queue("jobs", dead_letter="jobs.dead", error_classes=classes)
    queue.send_many([b"1", b"2", b"3"])
    with pytest.raises(KeyError), take(queue):
        raise KeyError("gone")
    take(queue).fail(ValueError("bad"))
    take(queue).fail("later", error_class="Busy")
    stats = queue.stats()
    assert (stats["dead_total"], stats["failures_ignored_total"]) == (2, 1)
    (letter,) = hub.queue("jobs.dead").dead_letters.peek(ringmain.Letters(error_class="KeyError"))
    assert letter.headers["rm-dead-class"] == b"KeyError"


def test_a_rate_limited_key_rests_and_others_go_on(hub: Hub) -> None:
    queue = hub.queue("jobs", on_exhausted="drop")
    queue.send_many([Message(b"1", key="a"), Message(b"2", key="a"), Message(b"3", key="b")])
    take(queue).rate_limited(3600)
    other = take(queue)
    assert other.value == b"3"
    assert queue.receive_nowait() is None


def test_a_cancelled_job_can_see_it(queue: TaskQueue) -> None:
    waiting, out = queue.send_many([b"1", b"2"])
    queue.cancel(waiting)
    job = take(queue)
    assert not job.is_cancelled and job.queue == "jobs"
    assert queue.cancel(out) is False
    assert job.is_cancelled
    assert queue.cancel(out, now=True)
    with pytest.raises(ringmain.LeaseLost):
        job.ack()
