"""Workers: functions that handle the jobs of a queue."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import LONG

import ringmain
from ringmain import Ack, Defer, Fail, Hub, Job, RateLimited, Reject, Release
from ringmain.worker import Outcome


def until(condition: Callable[[], bool]) -> None:
    """Waits until it is so; it is sure to come."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def options() -> Any:
    return {"dead_letter": "emails.dead", "retry": ringmain.Retry(0.0, jitter="none"), "max_failures": 2, "error_classes": {"Bad": "permanent"}}


def decorate(hub: Hub, kind: str, body: Callable[[Job], object], **worker: Any) -> ringmain.Handler[Any]:
    """The same handler as a thread's function and as a coroutine."""
    if kind == "def":

        @hub.worker("emails", **options(), **worker)
        def handle(job: Job) -> object:
            return body(job)

        return handle

    @hub.worker("emails", **options(), **worker)
    async def handle_async(job: Job) -> object:
        await asyncio.sleep(0)
        return body(job)

    return handle_async


both = pytest.mark.parametrize("kind", ["def", "async def"])


@both
def test_what_is_sent_is_handled_and_acked(hub: Hub, kind: str) -> None:
    seen: list[bytes] = []
    handler = decorate(hub, kind, lambda job: seen.append(job.value), concurrency=3, prefetch=4)
    handler.send(b"0", key="k")
    handler.send_later(0.01, b"1", priority=3)
    handler.send_many([b"2", ringmain.Message(b"3")])
    with handler.start() as worker:
        until(lambda: handler.queue.stats()["acked_total"] == 4)
        until(lambda: worker.stats()["running"] == 0)
        assert worker.stats() == {"running": 0, "handled_total": 4, "failed_total": 0}
    assert sorted(seen) == [b"0", b"1", b"2", b"3"]


def test_a_decorated_function_can_still_be_called(hub: Hub) -> None:
    @hub.worker("emails", **options())
    def handle(job: Job) -> bytes:
        """Sends it."""
        return job.value

    handle.send(b"x")
    job = handle.queue.receive(LONG)
    assert job is not None
    assert handle(job) == b"x"
    assert (handle.__name__, handle.__doc__) == ("handle", "Sends it.")
    assert not handle.is_async


@both
def test_a_handler_that_raises_fails_its_job_with_the_exceptions_name(
    hub: Hub, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    handler = decorate(hub, kind, lambda job: dict[bytes, int]()[job.value])
    handler.send(b"x")
    with handler.start() as worker:
        until(lambda: handler.queue.stats()["dead_total"] == 1)
        until(lambda: worker.stats()["failed_total"] == 2)
    (letter,) = hub.queue("emails.dead").dead_letters.peek()
    assert letter.headers["rm-dead-class"] == b"KeyError"
    assert any(record.exc_info for record in caplog.records)


@both
@pytest.mark.parametrize("raises", [False, True], ids=["returned", "raised"])
@pytest.mark.parametrize(
    ("outcome", "count"),
    [
        (Ack(), "acked_total"),
        (Fail("no", delay=3600), "failures_total"),
        (Fail("no", error_class="Bad"), "dead_total"),
        (Release(delay=3600), "scheduled"),
        (Reject("no"), "dead_total"),
        (RateLimited(3600), "redeliveries_total"),
        (Defer(), "deferred"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ringmain.Outcome) else "",
)
def test_a_handler_says_what_becomes_of_its_job(
    hub: Hub, kind: str, raises: bool, outcome: ringmain.Outcome, count: str
) -> None:
    def body(job: Job) -> object:
        if raises:
            raise outcome
        return outcome

    handler = decorate(hub, kind, body)
    handler.send(b"x")
    with handler.start() as worker:
        until(lambda: worker.stats()["handled_total"] >= 1)
    stats: Any = handler.queue.stats()
    assert stats[count] == (0 if count == "redeliveries_total" else 1)


@both
def test_a_handler_may_settle_its_job_itself(hub: Hub, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    handler = decorate(hub, kind, lambda job: job.release(3600))
    handler.send(b"x")
    with handler.start() as worker:
        until(lambda: worker.stats()["handled_total"] == 1)
    assert handler.queue.stats()["scheduled"] == 1
    assert caplog.records == []


@both
def test_a_lease_is_prolonged_while_the_interpreter_is_kept_busy(kind: str) -> None:
    """Neither the event loop nor any other Python code runs meanwhile, but the core does."""
    with ringmain.open() as hub:

        def body(job: Job) -> None:
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                sum(range(10_000))

        handler = decorate(hub, kind, body, lease=0.5)
        handler.send(b"x")
        with handler.start():
            until(lambda: handler.queue.stats()["acked_total"] == 1)
        stats = handler.queue.stats()
        assert (stats["leases_expired_total"], stats["redeliveries_total"]) == (0, 0)


def test_a_coroutine_over_its_time_is_cancelled_and_fails(hub: Hub) -> None:
    ended: list[BaseException] = []

    @hub.worker("emails", timeout=0.05, **options() | {"max_failures": 1})
    async def handle(job: Job) -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError as error:
            ended.append(error)
            raise

    handle.send(b"x")
    with handle.start():
        until(lambda: handle.queue.stats()["dead_total"] == 1)
    (letter,) = hub.queue("emails.dead").dead_letters.peek()
    assert letter.headers["rm-dead-class"] == b"TimeLimit"
    assert len(ended) == 1


def test_a_function_over_its_time_is_told_and_loses_its_lease(caplog: pytest.LogCaptureFixture) -> None:
    attempts: list[int] = []
    expired: list[int] = []
    with ringmain.open() as hub:

        @hub.worker("emails", concurrency=2, timeout=0.05, lease=1.0, **options())
        def handle(job: Job) -> None:
            attempts.append(job.attempts)
            if job.attempts == 1:
                until(lambda: job.is_cancelled)
                expired.append(handle.queue.stats()["leases_expired_total"])
                until(lambda: handle.queue.stats()["leases_expired_total"] == 1)

        handle.send(b"x")
        with handle.start() as worker:
            until(lambda: handle.queue.stats()["acked_total"] == 1)
            until(lambda: worker.stats()["handled_total"] == 2)
    assert (attempts, expired) == ([1, 2], [0])
    assert "is_cancelled" in caplog.text


@both
def test_closing_waits_for_what_runs_and_hands_back_the_rest(hub: Hub, kind: str) -> None:
    go, running = threading.Event(), threading.Event()

    def wait() -> None:
        running.set()
        assert go.wait(LONG)

    if kind == "def":

        @hub.worker("emails", prefetch=8, **options())
        def handle(job: Job) -> None:
            wait()
    else:

        @hub.worker("emails", prefetch=8, **options())
        async def handle(job: Job) -> None:
            await asyncio.to_thread(wait)

    handle.send_many([b"0", b"1", b"2"])
    worker = handle.start()
    assert running.wait(LONG)
    threading.Timer(0.2, go.set).start()
    assert worker.close(LONG) == []
    stats = handle.queue.stats()
    assert (stats["acked_total"], stats["ready"], stats["leased"], stats["failures_total"]) == (1, 2, 0, 0)
    assert not worker.is_alive


def test_closing_tells_which_functions_do_not_end(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    go, running = threading.Event(), threading.Event()

    @hub.worker("emails", **options())
    def handle(job: Job) -> None:
        running.set()
        go.wait(LONG)

    id = handle.send(b"x")
    worker = handle.start()
    assert running.wait(LONG)
    assert worker.close(0.1) == [id]
    worker.release_running()
    assert handle.queue.stats()["ready"] == 1
    go.set()
    assert worker.close(LONG) == []


def test_closing_cancels_coroutines_that_do_not_end_and_releases_their_jobs(hub: Hub) -> None:
    running = threading.Event()

    @hub.worker("emails", concurrency=2, **options())
    async def handle(job: Job) -> None:
        running.set()
        await asyncio.sleep(LONG)

    id = handle.send(b"x")
    worker = handle.start()
    assert running.wait(LONG)
    assert worker.close(0.1) == [id]
    until(lambda: handle.queue.stats()["ready"] == 1)
    assert handle.queue.stats()["failures_total"] == 0


@both
def test_a_worker_ends_with_its_hub(hub: Hub, kind: str) -> None:
    handler = decorate(hub, kind, lambda job: None)
    worker = handler.start()
    hub.close()
    until(lambda: not worker.is_alive)
    assert worker.close() == []


@both
def test_as_many_run_at_a_time_as_it_was_told(hub: Hub, kind: str) -> None:
    now, most, lock = 0, 0, threading.Lock()
    ready = threading.Barrier(4)

    def enter(by: int) -> None:
        nonlocal now, most
        with lock:
            now += by
            most = max(most, now)

    if kind == "def":

        @hub.worker("emails", concurrency=4, **options())
        def handle(job: Job) -> None:
            enter(1)
            ready.wait(LONG)
            enter(-1)
    else:

        @hub.worker("emails", concurrency=4, **options())
        async def handle(job: Job) -> None:
            enter(1)
            await asyncio.to_thread(ready.wait, LONG)
            enter(-1)

    handle.send_many([b"x"] * 20)
    with handle.start():
        until(lambda: handle.queue.stats()["acked_total"] == 20)
    assert most == 4


def test_a_result_on_a_queue_without_history_fails_the_job_and_says_why(
    hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    handler = decorate(hub, "def", lambda job: Ack(b"42"))
    handler.send(b"x")
    with handler.start():
        until(lambda: handler.queue.stats()["dead_total"] == 1)
    assert "history" in caplog.text


def test_workers_without_sense_are_refused(hub: Hub) -> None:
    with pytest.raises(ringmain.OptionMissing):
        hub.worker("new")(lambda job: None)
    with pytest.raises(ringmain.NotFound, match="any queue"):
        hub.run_workers()
    for worker in ({"concurrency": 0}, {"timeout": 0.0}, {"prefetch": 70_000}):
        handler = decorate(hub, "def", lambda job: None, **worker)
        with pytest.raises(ringmain.InvalidArgument):
            handler.start()
    with pytest.raises(ringmain.NotFound, match="others"):
        hub.run_workers(["others"])


def test_an_event_loop_that_hangs_loses_its_leases_if_it_was_told_to() -> None:
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    with ringmain.open() as hub:

        @hub.worker("emails", lease=0.1, stall_after=0.1, **options() | {"max_failures": 9})
        async def handle(job: Job) -> None:
            if job.attempts == 1:
                until(lambda: handle.queue.stats()["leases_expired_total"] == 1)

        handle.send(b"x")
        with handle.start():
            until(lambda: handle.queue.stats()["acked_total"] == 1)


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, type("Odd", (BaseException,), {})])
def test_a_handler_that_raises_what_is_no_exception_fails_its_job_and_the_worker_goes_on(
    kind: str, error: type[BaseException]
) -> None:
    def body(job: Job) -> None:
        if job.value == b"bad":
            raise error

    with ringmain.open() as hub:
        handler = decorate(hub, kind, body)
        with handler.start() as worker:
            handler.send_many([b"bad", b"good"])
            until(lambda: worker.stats()["handled_total"] == 3)
            assert worker.stats() == {"running": 0, "handled_total": 3, "failed_total": 2}
            assert worker.is_alive


def test_a_job_that_cannot_be_settled_at_all_does_not_end_its_worker(hub: Hub) -> None:
    class Gone(Outcome):
        def settle(self, job: Job) -> None:
            job.ack()
            raise ValueError("and what is said next is refused, too")

    handler = decorate(hub, "def", lambda job: Gone() if job.value == b"bad" else None)
    with handler.start() as worker:
        handler.send_many([b"bad", b"good"])
        until(lambda: worker.stats()["handled_total"] == 2)
        assert worker.is_alive


def test_a_handler_may_close_its_own_worker(hub: Hub) -> None:
    closed: list[object] = []
    handler = decorate(hub, "def", lambda job: closed.append(worker.close(timeout=LONG)))
    worker = handler.start()
    handler.send(b"x")
    until(lambda: handler.queue.stats()["acked_total"] == 1)
    assert closed == [[0]]
    assert worker.close() == []


def test_after_a_close_that_does_not_wait_the_lease_of_what_runs_ends() -> None:
    entered, go_on = threading.Event(), threading.Event()

    def body(job: Job) -> None:
        entered.set()
        assert go_on.wait(LONG)

    with ringmain.open() as hub:
        handler = decorate(hub, "def", body, lease=0.2)
        worker = handler.start()
        handler.send(b"x")
        assert entered.wait(LONG)
        assert worker.close(timeout=0) == [0]
        again = handler.queue.receive(LONG)
        assert again is not None and again.attempts == 2
        again.ack()
        go_on.set()
        assert worker.close() == []


def test_a_time_out_of_a_coroutines_own_is_no_time_limit(hub: Hub) -> None:
    async def body(job: Job) -> None:
        raise TimeoutError("of its own")

    handler = hub.worker("emails", timeout=4 * LONG, **options() | {"max_failures": 1})(body)
    with handler.start():
        handler.send(b"x")
        dead = hub.queue("emails.dead").receive(LONG)
    assert dead is not None
    assert dead.header("rm-dead-error") == b"TimeoutError: of its own"


@pytest.mark.parametrize("thread", ["main", "another"])
def test_workers_that_run_until_their_hub_is_closed_leave_signals_as_they_were(thread: str) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with ringmain.open() as hub, concurrent.futures.ThreadPoolExecutor(1) as pool:
        handler = decorate(hub, "def", lambda job: hub.close(0))
        handler.send(b"x")
        if thread == "main":
            hub.run_workers(timeout=LONG)
        else:
            pool.submit(hub.run_workers, timeout=LONG).result(4 * LONG)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
