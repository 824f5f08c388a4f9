from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import take

import ringmain
from ringmain import Hub, Message, TaskQueue, Retry, Stream

MIB = 1 << 20


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "a.", "é", "a\0b", "x" * 129, "\ud800"])
def test_a_bad_name_is_refused(hub: Hub, name: str) -> None:
    for make in (lambda: hub.queue(name, on_exhausted="drop"), lambda: hub.stream(name)):
        with pytest.raises(ValueError):
            make()


def test_a_bad_name_is_shown_with_the_rule_it_breaks(hub: Hub) -> None:
    with pytest.raises(ringmain.InvalidName, match=r'"a/b".*A-Z'):
        hub.stream("a/b")


@pytest.mark.parametrize(
    "options",
    [
        {"value": b"x" * (MIB + 1)},
        {"value": bytearray(MIB + 1)},
        {"value": memoryview(bytearray(MIB + 1))},
        {"value": b"", "key": b"k" * 4097},
        {"value": b"", "key": "é" * 2049},
        {"value": b"", "headers": {"n" * 256: b""}},
        {"value": b"", "headers": {"n": b"v" * (32 * 1024 + 1)}},
    ],
)
def test_what_is_over_its_limit_is_too_large(queue: TaskQueue, stream: Stream, options: dict[str, Any]) -> None:
    for verb in (queue.send, stream.append):
        with pytest.raises(ringmain.TooLarge, match="limit of"):
            verb(**options)
    assert queue.stats()["ready"] == 0


def test_the_largest_message_is_accepted(queue: TaskQueue, stream: Stream) -> None:
    value = b"x" * (MIB - 4096)
    queue.send(value, key=b"k" * 4096)
    assert take(queue).value == value
    stream.append(value, key=b"k" * 4096)
    (record,) = stream.reader()
    assert record.value == value


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"": b""}},
        {"headers": {"rm-failures": b"0"}},
        {"headers": {str(n): b"" for n in range(65)}},
        {"delay": -1.0},
        {"delay": float("nan")},
        {"delay": float("inf")},
        {"delay": 4e8},
    ],
)
def test_what_is_out_of_its_range_is_an_invalid_argument(queue: TaskQueue, options: dict[str, Any]) -> None:
    with pytest.raises(ringmain.InvalidArgument):
        queue.send(b"", **options)


@pytest.mark.parametrize(
    "options",
    [
        {"value": "text"},
        {"value": None},
        {"value": 5},
        {"value": [1, 2]},
        {"value": memoryview(b"12345678").cast("d")},
        {"value": b"", "key": 5},
        {"value": b"", "headers": {5: b""}},
        {"value": b"", "headers": {"n": 5}},
        {"value": b"", "headers": [("n", b"")]},
        {"value": b"", "delay": "soon"},
        {},
    ],
)
def test_an_argument_of_the_wrong_type_is_a_type_error(queue: TaskQueue, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        queue.send(**options)


@pytest.mark.parametrize("number", [-1, 1 << 64])
def test_a_number_that_does_not_fit_is_an_overflow(queue: TaskQueue, stream: Stream, number: int) -> None:
    calls: list[Callable[[], object]] = [
        lambda: queue.send(b"", event_time_ns=number),
        lambda: queue.receive_many(number),
        lambda: queue.peek(number),
        lambda: stream.reader(number),
    ]
    for call in calls:
        with pytest.raises(OverflowError):
            call()


@pytest.mark.parametrize("timeout", [-1.0, float("nan")])
def test_a_timeout_that_is_no_time_is_refused(queue: TaskQueue, stream: Stream, timeout: float) -> None:
    for call in (queue.receive, lambda t: queue.receive_many(1, t), lambda t: stream.reader().poll(1, t)):
        with pytest.raises(ringmain.InvalidArgument, match="timeout"):
            call(timeout)


@pytest.mark.parametrize("timeout", [float("inf"), 1e300])
def test_an_endless_timeout_is_no_timeout(queue: TaskQueue, timeout: float) -> None:
    queue.send(b"x")
    job = queue.receive(timeout)
    assert job is not None


def test_a_text_in_the_place_of_a_batch_is_a_type_error(queue: TaskQueue) -> None:
    for batch in ("text", b"bytes", 5, [b"ok", "not"]):
        with pytest.raises(TypeError):
            queue.send_many(batch)  # type: ignore[arg-type]
    assert queue.stats()["ready"] == 0


def test_an_endless_batch_is_refused(queue: TaskQueue) -> None:
    with pytest.raises(ValueError):
        queue.send_many(itertools.repeat(b"x"))
    assert queue.stats()["ready"] == 0


def test_an_exception_of_the_callers_iterable_comes_through(queue: TaskQueue) -> None:
    def broken() -> Any:
        yield b"x"
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        queue.send_many(broken())
    assert queue.stats()["ready"] == 0


@pytest.mark.parametrize(
    "options",
    [
        {"lease": 0.0},
        {"lease": -1.0},
        {"lease": 1e9},
        {"max_failures": 0},
        {"on_exhausted": "explode"},
        {"on_exhausted": "drop", "dead_letter": "d"},
        {"on_exhausted": "drop", "retry": Retry(-1.0)},
        {"on_exhausted": "drop", "retry": Retry(jitter="some")},  # type: ignore[arg-type]
        {"on_exhausted": "drop", "retry": Retry(factor=float("nan"))},
        {"dead_letter": "a/b"},
    ],
)
def test_a_bad_queue_option_is_a_value_error(hub: Hub, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        hub.queue("q", **{"on_exhausted": None if "dead_letter" in options else "drop", **options})


def test_bad_options_elsewhere_are_refused(hub: Hub, stream: Stream, tmp_path: Path) -> None:
    for call in (
        lambda: ringmain.open(tmp_path / "other", durability="hopeful"),  # type: ignore[arg-type]
        lambda: hub.stream("s", partitions=0),
        lambda: hub.stream("s", partitions=1025),
        lambda: stream.reader("middle"),  # type: ignore[arg-type]
        lambda: stream.reader(partition=4),
        lambda: stream.group("a/b").join(),
        lambda: stream.append_many([Message(b"", delay=1.0)]),
    ):
        with pytest.raises((ValueError, LookupError)):
            call()
    with pytest.raises(TypeError):
        stream.reader(1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        ringmain.open(5)  # type: ignore[arg-type]


def test_classes_without_a_constructor_cannot_be_made() -> None:
    kinds: list[Callable[[], object]] = [
        ringmain.Hub,
        ringmain.TaskQueue,  # type: ignore[list-item]
        ringmain.Job,
        ringmain.Stream,
        ringmain.Member,
        ringmain.Record,
    ]
    for kind in kinds:
        with pytest.raises(TypeError):
            kind()


def test_a_closed_hub_refuses_every_verb(hub: Hub, queue: TaskQueue, stream: Stream) -> None:
    queue.send_many([b"x", b"y"])
    stream.append(b"x")
    job = take(queue)
    group = stream.group("g")
    reader, member = stream.reader(), group.join()
    hub.close()
    hub.close()
    calls: list[Callable[[], object]] = [
        lambda: hub.queue("jobs"),
        lambda: hub.stream("events"),
        hub.flush,
        lambda: queue.send(b""),
        lambda: queue.send_many([b""]),
        queue.receive,
        queue.receive_nowait,
        lambda: queue.receive_many(1),
        queue.peek,
        job.ack,
        lambda: job.fail(""),
        job.release,
        lambda: job.reject(""),
        lambda: job.extend(1),
        lambda: stream.append(b""),
        lambda: stream.append_many([b""]),
        stream.reader,
        lambda: reader.poll(1),
        group.join,
        lambda: member.poll(1),
        member.commit,
    ]
    for call in calls:
        with pytest.raises(ringmain.Closed):
            call()
    (refused,) = queue.ack_many([job])
    assert isinstance(refused, ringmain.Closed)
    member.leave()


def test_a_job_outlives_its_hub_and_queue() -> None:
    hub = ringmain.open()
    queue = hub.queue("q", on_exhausted="drop")
    queue.send(b"x", key="k")
    job = take(queue)
    del hub, queue
    assert (job.value, job.key) == (b"x", b"k")
