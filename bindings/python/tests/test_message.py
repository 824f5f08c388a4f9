"""Every option of a message does what it says, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import LONG, take

import ringmain
from ringmain import Hub, ManualClock, Message, MessageOptions, TaskQueue

HOUR = 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["memory", "durable"])
def still(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[TaskQueue]:
    """A queue on that clock."""
    with ringmain.open(None if request.param == "memory" else tmp_path, clock=clock) as hub:
        yield hub.queue("still", dead_letter="still.dead", on_breach="dead")


SENDERS: dict[str, Callable[[TaskQueue, bytes, MessageOptions], object]] = {
    "send": lambda queue, value, options: queue.send(value, **options),
    "message": lambda queue, value, options: queue.send(Message(value, **options)),
    "send_many": lambda queue, value, options: queue.send_many([Message(value, **options)]),
    "send_unique": lambda queue, value, options: queue.send_unique(value, **options),
    "submit": lambda queue, value, options: queue.submit(value, **options).wait(LONG),
    "submit_many": lambda queue, value, options: queue.submit_many([Message(value, **options)]).wait(LONG),
}


@pytest.mark.parametrize("send", SENDERS.values(), ids=SENDERS)
def test_options_are_the_same_in_each_way_of_sending(
    send: Callable[[TaskQueue, bytes, MessageOptions], object], still: TaskQueue
) -> None:
    send(still, b"low", {"priority": 1, "key": "k", "headers": {"h": "v"}, "event_time_ns": 7})
    send(still, b"high", {"priority": 9, "durability": "written"})
    assert still.peek()[0].event_time_ns == 7
    high, low = still.receive_many(2)
    assert (high.value, low.value, low.key, low.headers["h"]) == (b"high", b"low", b"k", b"v")


@pytest.mark.parametrize("option", [{"delay": HOUR}, {"deliver_at_ns": int((1 + HOUR) * 1e9)}])
def test_a_message_comes_when_it_is_due_and_not_before(
    option: MessageOptions, still: TaskQueue, clock: ManualClock
) -> None:
    still.send(b"later", **option)
    clock.advance(HOUR - 1)
    assert still.receive_nowait() is None
    clock.advance(1)
    assert take(still).value == b"later"


def test_a_message_expires_after_its_ttl(still: TaskQueue, clock: ManualClock) -> None:
    still.send(b"x", ttl=5)
    clock.advance(5)
    assert still.receive_nowait() is None
    assert still.stats()["expired_total"] == 1


@pytest.mark.parametrize(
    ("option", "deadline"),
    [
        ({"start_within": 5.0}, "start"),
        ({"complete_within": 5.0}, "complete"),
        ({"complete_by_ns": 6_000_000_000}, "complete"),
    ],
)
def test_a_missed_deadline_is_told_and_kills_where_the_queue_says_so(
    option: MessageOptions, deadline: str, still: TaskQueue, clock: ManualClock
) -> None:
    id = still.send(b"x", **option)
    clock.advance(5.001)
    (breach,) = still.breaches()
    assert (breach["id"], breach["deadline"]) == (id, deadline)
    assert still.breaches() == []
    assert still.stats()["dead_total"] == 1


def test_messages_of_one_ordering_key_come_one_at_a_time(still: TaskQueue) -> None:
    still.send_many([Message(value, ordering_key=key) for value, key in [(b"a1", "a"), (b"a2", "a"), (b"b1", "b")]])
    first = still.receive_many(9)
    assert [job.value for job in first] == [b"a1", b"b1"]
    assert still.ack_many(first) == [None, None]
    assert take(still).value == b"a2"


def test_a_message_may_have_its_own_number_of_failures(still: TaskQueue) -> None:
    still.send(b"x", max_failures=1)
    take(still).fail("no")
    assert still.stats()["dead_total"] == 1


def test_a_duplicate_is_not_sent_again_and_said_to_be_one(still: TaskQueue) -> None:
    first = still.send_unique(b"pay", dedup_key="order 17")
    again = still.send_unique(b"pay", dedup_key=b"order 17")
    assert (first.is_duplicate, again.is_duplicate, again.id) == (False, True, first.id)
    receipt = still.submit_many([Message(b"pay", dedup_key="order 17"), b"ship"])
    assert [sent.is_duplicate for sent in receipt.value] == [True, False]
    assert still.stats()["ready"] == 2


def test_an_unknown_option_is_a_type_error_that_names_it(queue: TaskQueue) -> None:
    with pytest.raises(TypeError, match='"dealy"'):
        queue.send(b"", dealy=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Message has its options"):
        queue.send(Message(b""), delay=5)
    assert queue.stats()["ready"] == 0


def test_none_is_as_if_an_option_was_left_out(queue: TaskQueue) -> None:
    queue.send(b"x", key=None, headers=None, delay=None, priority=None, dedup_key=None)
    assert take(queue).key is None


@pytest.mark.parametrize(("option", "said"), [({"priority": 10}, "0 to 9"), ({"ttl": 0.0}, "ttl"), ({"max_failures": 0}, "max_failures")])
def test_an_option_out_of_its_range_is_refused(queue: TaskQueue, option: MessageOptions, said: str) -> None:
    with pytest.raises(ringmain.InvalidArgument, match=said):
        queue.send(b"", **option)


def test_a_receipt_is_reached_in_the_end(queue: TaskQueue) -> None:
    receipt = queue.submit(b"x")
    assert receipt.value == 0
    assert receipt.wait(LONG)
    assert receipt.is_reached and receipt.wait(0)
    assert "0 durable" in repr(receipt)


def test_a_sender_waits_for_room_and_others_run_meanwhile(hub: Hub) -> None:
    import threading

    queue = hub.queue("full", on_exhausted="drop", capacity=ringmain.Capacity(messages=1, block=LONG))
    queue.send(b"first")
    sent: list[object] = []
    sending = threading.Thread(target=lambda: sent.extend([queue.send(b"a"), queue.send_many([b"b"]), queue.send_unique(b"c")]))
    sending.start()
    values: list[bytes] = []
    while len(values) < 4:
        job = take(queue)
        values.append(job.value)
        job.ack()
    sending.join(LONG)
    assert values == [b"first", b"a", b"b", b"c"]
    assert len(sent) == 3


def test_a_queue_that_refuses_what_does_not_fit_says_full(hub: Hub) -> None:
    queue = hub.queue("full", on_exhausted="drop", capacity=ringmain.Capacity(messages=1, overflow="reject"))
    queue.send(b"first")
    for send in (queue.send, queue.submit, queue.send_unique):
        with pytest.raises(ringmain.Full, match="1"):
            send(b"second")
