from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest
from conftest import take

import ringmain
from ringmain import Hub, TaskQueue


def reason(hub: Hub) -> bytes | None:
    """Why the next dead letter died."""
    dead = take(hub.queue("jobs.dead"))
    dead.ack()
    return dead.header("rm-dead-error")


def test_an_acked_job_is_gone(queue: TaskQueue) -> None:
    queue.send(b"x")
    job = take(queue)
    job.ack()
    job.ack()
    assert queue.receive_nowait() is None
    assert queue.stats()["acked_total"] == 1


def test_a_failed_job_comes_again_and_then_is_a_dead_letter(hub: Hub, queue: TaskQueue) -> None:
    queue.send(b"x", key="k")
    take(queue).fail("first")
    again = take(queue)
    assert (again.attempts, again.failures) == (2, 1)
    again.fail("second")
    dead = take(hub.queue("jobs.dead"))
    assert (dead.value, dead.key) == (b"x", b"k")
    assert dead.header("rm-dead-reason") == b"failed"
    assert dead.header("rm-dead-error") == b"second"
    assert dead.header("rm-dead-queue") == b"jobs"
    assert dead.header("rm-failures") == b"2"
    assert queue.stats()["dead_total"] == 1


def test_a_failure_with_a_delay_waits_that_long(queue: TaskQueue) -> None:
    queue.send(b"x")
    take(queue).fail("later", delay=3600)
    assert queue.receive_nowait() is None
    assert queue.stats()["scheduled"] == 1


def test_a_released_job_comes_again_and_does_not_count_as_failed(queue: TaskQueue) -> None:
    queue.send(b"x")
    take(queue).release()
    again = take(queue)
    assert (again.attempts, again.failures) == (2, 0)
    again.release(delay=3600)
    assert queue.receive_nowait() is None


def test_a_rejected_job_is_a_dead_letter_at_once(hub: Hub, queue: TaskQueue) -> None:
    queue.send(b"x")
    take(queue).reject("unreadable")
    dead = take(hub.queue("jobs.dead"))
    assert dead.header("rm-dead-reason") == b"rejected"
    assert dead.header("rm-dead-error") == b"unreadable"


def test_a_reason_may_be_an_exception(hub: Hub, queue: TaskQueue) -> None:
    queue.send(b"x")
    take(queue).reject(ValueError("bad row"))
    assert reason(hub) == b"ValueError: bad row"


def test_an_expired_lease_is_lost(hub: Hub) -> None:
    queue = hub.queue("short", lease=0.02, max_failures=9, on_exhausted="drop", retry=ringmain.Retry(0.0))
    queue.send(b"x")
    stale = take(queue)
    fresh = take(queue)
    assert (fresh.attempts, fresh.failures) == (2, 1)
    verbs: list[Callable[[], None]] = [stale.ack, stale.release, lambda: stale.fail("late"), lambda: stale.extend(5)]
    for verb in verbs:
        with pytest.raises(ringmain.LeaseLost) as lost:
            verb()
        assert "attempt 1" in str(lost.value)
    fresh.extend(3600)
    fresh.ack()


def test_a_verb_after_another_verb_is_refused(queue: TaskQueue) -> None:
    queue.send(b"x")
    job = take(queue)
    job.release(delay=3600)
    with pytest.raises(ringmain.LeaseLost):
        job.ack()
    assert queue.stats()["scheduled"] == 1


def test_a_clean_with_block_acks(queue: TaskQueue) -> None:
    queue.send(b"x")
    with take(queue) as job:
        assert job.value == b"x"
    assert queue.stats()["acked_total"] == 1


def test_an_exception_in_a_with_block_fails_the_job_with_its_text(hub: Hub, queue: TaskQueue) -> None:
    queue.send(b"x")
    for _ in range(2):
        with pytest.raises(ValueError, match="bad row"), take(queue):
            raise ValueError("bad row")
    assert reason(hub) == b"ValueError: bad row"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interrupted_with_block_releases_the_job(queue: TaskQueue, error: type[BaseException]) -> None:
    queue.send(b"x")
    with pytest.raises(error), take(queue):
        raise error
    assert take(queue).failures == 0


def test_a_verb_inside_a_with_block_wins(queue: TaskQueue) -> None:
    queue.send_many([b"released", b"acked"])
    with take(queue) as job:
        job.release(delay=3600)
    with pytest.raises(ValueError), take(queue) as job:
        job.ack()
        raise ValueError
    stats = queue.stats()
    assert (stats["scheduled"], stats["acked_total"], stats["failures_total"]) == (1, 1, 0)


def test_a_with_block_whose_lease_was_lost_says_so_unless_an_exception_is_on_its_way(hub: Hub) -> None:
    queue = hub.queue("short", lease=0.02, max_failures=9, on_exhausted="drop", retry=ringmain.Retry(0.0))
    queue.send(b"x")
    with pytest.raises(ringmain.LeaseLost), take(queue):
        held = take(queue)
        held.extend(3600)
    held.release()
    with pytest.raises(ValueError), take(queue):
        held = take(queue)
        raise ValueError


def test_a_dropped_job_is_released(queue: TaskQueue) -> None:
    queue.send(b"x")
    job = take(queue)
    del job
    gc.collect()
    again = take(queue)
    assert (again.attempts, again.failures) == (2, 0)


class Mute(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "told"),
    [(Mute(), b"Mute"), (type("", (Exception,), {})("text"), b": text"), (type("A\nB", (Exception,), {})("text"), b"A\nB: text")],
    ids=["no text", "no name", "a name that is no class"],
)
def test_an_odd_exception_fails_its_job_like_any_other(hub: Hub, queue: TaskQueue, error: Exception, told: bytes) -> None:
    queue.send(b"x")
    for _ in range(2):
        with pytest.raises(type(error)), take(queue):
            raise error
    assert reason(hub) == told
