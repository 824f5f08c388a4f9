"""Readers: where they begin and end, what they want, and how they wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from conftest import LONG

import ringmain
from ringmain import Filter, Hub, Message, Record, Stream, Time


@pytest.fixture
def one(hub: Hub) -> Stream:
    """A stream of one partition, so that its order is known."""
    return hub.stream("one")


def values(records: object) -> list[bytes]:
    return [record.value for record in records]  # type: ignore[attr-defined]


def test_a_reader_begins_at_a_datetime(one: Stream) -> None:
    one.append(b"0")
    assert values(one.reader(datetime.now(timezone.utc) - timedelta(hours=1))) == [b"0"]
    assert values(one.reader(datetime.now() + timedelta(hours=1))) == []


def test_a_reader_ends_where_it_was_told(one: Stream) -> None:
    one.append_many([b"0", b"1", b"2"])
    now = one.reader(until="now")
    one.append(b"3")
    assert not now.is_done
    assert values(now) == [b"0", b"1", b"2"]
    assert now.is_done
    assert now.poll(9) == []
    assert values(one.reader(until=1)) == [b"0"]
    assert values(one.reader(until=Time(1))) == []
    assert values(one.reader(until=datetime.now(timezone.utc) + timedelta(hours=1))) == [b"0", b"1", b"2", b"3"]


def test_an_end_that_is_none_is_refused(one: Stream) -> None:
    with pytest.raises(ringmain.InvalidArgument, match="until"):
        one.reader(until="tomorrow")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        one.reader(until=1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter.key("UA1"), [b"0", b"1"]),
        (Filter.keys("UA1", b"B6"), [b"0", b"1", b"2"]),
        (Filter.header("from"), [b"0", b"1", b"2"]),
        (Filter.header("from", "EWR"), [b"0", b"2"]),
        (Filter.all(Filter.key("UA1"), Filter.header("from", b"EWR")), [b"0"]),
        (Filter.any(Filter.key("B6"), Filter.header("from", b"IAH")), [b"1", b"2"]),
        (Filter.key("UA1") & Filter.header("from", b"IAH"), [b"1"]),
        (Filter.key("B6") | Filter.key("DL"), [b"2", b"3"]),
        (Filter.all(), [b"0", b"1", b"2", b"3"]),
        (Filter.any(), []),
        (lambda record: int(record.value) % 2, [b"1", b"3"]),
        (Filter.key("UA1") & (lambda record: record.value == b"1"), [b"1"]),
        ((lambda record: record.value == b"1") & Filter.key("UA1"), [b"1"]),
        ((lambda record: record.value == b"0") | Filter.key("B6"), [b"0", b"2"]),
    ],
)
def test_a_filter_lets_through_what_it_wants(
    one: Stream, wanted: Filter | Callable[[Record], object], expected: list[bytes]
) -> None:
    rows = [("UA1", "EWR"), ("UA1", "IAH"), ("B6", "EWR")]
    one.append_many([Message(str(n).encode(), key=key, headers={"from": at}) for n, (key, at) in enumerate(rows)])
    one.append(b"3", key="DL")
    assert values(one.reader(only=wanted)) == expected
    assert values(one.reader(only=wanted).poll(9, timeout=0)) == expected


def test_a_callable_sees_the_whole_record_and_may_keep_it(one: Stream) -> None:
    one.append(b"x", key="k", headers={"h": b"v"}, event_time_ns=7)
    seen: list[Record] = []
    (record,) = one.reader(only=lambda record: seen.append(record) or True)  # type: ignore[func-returns-value]
    (shown,) = seen
    for kept in (record, shown):
        assert (kept.value, kept.key, kept.headers, kept.header("h")) == (b"x", b"k", {"h": b"v"}, b"v")
        assert (kept.event_time_ns, kept.position, bytes(kept.view())) == (7, (0, 0), b"x")
    assert shown.time_ns == record.time_ns


def test_what_a_callable_raises_is_raised_at_its_record_which_comes_again(one: Stream) -> None:
    one.append_many([b"0", b"1", b"2", b"3"])
    bad = {b"2"}

    def wanted(record: Record) -> bool:
        if record.value in bad:
            raise LookupError(record.value)
        return record.value != b"0"

    reader = one.reader(only=wanted)
    assert values(reader.poll(9, timeout=0)) == [b"1"]
    for _ in range(2):
        with pytest.raises(LookupError, match="2"):
            reader.poll(9, timeout=0)
    with pytest.raises(LookupError, match="2"):
        next(reader)
    bad.clear()
    assert values(reader) == [b"2", b"3"]


def test_a_callable_that_calls_its_own_reader_is_told_so(one: Stream) -> None:
    one.append(b"x")

    def wanted(_: Record) -> bool:
        return reader.is_done

    reader: ringmain.Reader = one.reader(only=wanted)
    with pytest.raises(ringmain.InvalidArgument, match="calls itself"):
        reader.poll(1, timeout=0)


def test_a_filter_that_is_too_deep_is_refused() -> None:
    deep = Filter.key("k")
    with pytest.raises(ringmain.InvalidArgument, match="16"):
        for _ in range(100):
            deep = deep & Filter.key("k")


def test_a_filter_of_something_else_is_a_type_error(one: Stream) -> None:
    for make in (lambda: one.reader(only="k"), lambda: Filter.all(5), lambda: Filter.key(5)):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            make()


def test_fetch_takes_as_much_as_it_may(one: Stream) -> None:
    one.append_many([b"x" * 76] * 10)
    reader = one.reader()
    assert len(reader.fetch(bytes_max=300)) == 3
    assert len(reader.fetch(bytes_max=1)) == 1
    assert len(reader.fetch(count_max=2)) == 2
    assert len(reader.fetch()) == 4
    assert reader.fetch(timeout=0) == []
    assert reader.fetch(timeout=0.001) == []


def test_fetch_waits_for_as_many_bytes_as_it_is_told(one: Stream) -> None:
    one.append(b"x" * 100)
    reader = one.reader()
    appending = threading.Timer(0.15, one.append, [b"y" * 100])
    appending.start()
    assert len(reader.fetch(bytes_min=200, timeout=LONG)) == 2
    appending.join()
    one.append(b"z")
    assert len(reader.fetch(bytes_min=1000, timeout=0.01)) == 1


def test_fetch_does_not_take_what_comes_later_and_is_too_much(one: Stream) -> None:
    one.append(b"x" * 100)
    reader = one.reader()
    appending = threading.Timer(0.15, one.append, [b"y" * 1000])
    appending.start()
    assert values(reader.fetch(bytes_min=500, bytes_max=500, timeout=LONG)) == [b"x" * 100]
    appending.join()
    assert values(reader) == [b"y" * 1000]


def test_limits_that_contradict_each_other_are_refused(one: Stream) -> None:
    reader = one.reader()
    fetches: list[Callable[[], object]] = [
        lambda: reader.fetch(bytes_min=2, bytes_max=1),
        lambda: reader.fetch(bytes_min=0),
        lambda: reader.fetch(count_max=0),
        lambda: reader.poll_batch(0, 1.0),
        lambda: reader.poll_batch(1, -1.0),
        lambda: reader.poll(65_537, timeout=0),
    ]
    for fetch in fetches:
        with pytest.raises(ringmain.InvalidArgument):
            fetch()


def test_a_batch_waits_for_more_once_it_has_begun(one: Stream) -> None:
    one.append(b"0")
    reader = one.reader()
    appending = threading.Timer(0.15, one.append_many, [[b"1", b"2"]])
    appending.start()
    assert values(reader.poll_batch(3, fill=LONG)) == [b"0", b"1", b"2"]
    appending.join()
    assert reader.poll_batch(3, fill=LONG, timeout=0) == []
    one.append(b"3")
    assert values(reader.poll_batch(3, fill=0)) == [b"3"]
    one.append(b"4")
    assert values(reader.poll_batch(3, fill=0.01)) == [b"4"]


def test_follow_waits_for_what_comes_until_it_is_cancelled(one: Stream) -> None:
    one.append(b"0")
    follow = one.reader().follow()
    got: list[bytes] = []
    came = threading.Event()

    def read() -> None:
        for record in follow:
            got.append(record.value)
            came.set()

    reading = threading.Thread(target=read)
    reading.start()
    assert came.wait(LONG)
    came.clear()
    one.append(b"1")
    assert came.wait(LONG)
    follow.cancel()
    reading.join(LONG)
    assert not reading.is_alive()
    assert got == [b"0", b"1"]


def test_follow_ends_where_the_reader_does_and_with_the_hub(hub: Hub, one: Stream) -> None:
    one.append(b"0")
    assert values(one.reader(until="now").follow()) == [b"0"]
    assert values(one.reader().follow(end_after=0.01)) in ([b"0"], [])
    follow = one.reader().follow()
    assert next(follow).value == b"0"
    closing = threading.Timer(0.05, hub.close)
    closing.start()
    assert list(follow) == []
    closing.join()


def test_a_cancelled_reader_gives_what_is_there_and_waits_no_more(one: Stream) -> None:
    one.append(b"0")
    reader = one.reader()
    assert not reader.is_cancelled
    reader.cancel()
    assert reader.is_cancelled
    assert values(reader.poll(9)) == [b"0"]
    assert reader.poll(9) == []
    assert reader.poll_batch(9, fill=LONG) == []


def test_a_replay_keeps_the_pace_of_the_event_times(one: Stream) -> None:
    one.append_many([Message(str(n).encode(), event_time_ns=n * 100_000_000) for n in range(3)])
    begin = time.monotonic()
    replay = one.reader().replay(2.0, time_of="event")
    first = replay.next_nowait()
    assert first is not None and first.value == b"0"
    assert replay.next_nowait() is None
    due_ns = replay.due_ns()
    assert due_ns is not None
    assert values(replay) == [b"1", b"2"]
    assert time.monotonic() - begin >= 0.1
    assert replay.due_ns() is None


def test_a_replay_shortens_long_gaps_and_ends_when_it_is_cancelled(one: Stream) -> None:
    one.append_many([Message(str(n).encode(), event_time_ns=n * 3_600_000_000_000) for n in range(3)])
    assert values(one.reader().replay(time_of="event", gap_max=0.001)) == [b"0", b"1", b"2"]
    replay = one.reader().replay(time_of="event")
    assert next(replay).value == b"0"
    cancelling = threading.Timer(0.05, replay.cancel)
    cancelling.start()
    assert list(replay) == []
    cancelling.join()


def test_a_reader_that_is_replayed_is_used_up(one: Stream) -> None:
    reader = one.reader()
    with pytest.raises(ringmain.InvalidArgument, match="factor"):
        one.reader().replay(0.0)
    reader.replay()
    for verb in (lambda: reader.poll(1, timeout=0), reader.replay, reader.lag):
        with pytest.raises(ringmain.Closed):
            verb()


def test_a_reader_whose_records_were_removed_is_told_and_goes_on_where_it_says(hub: Hub) -> None:
    stream = hub.stream("s", count_max=2)
    failing, going_on = stream.reader(), stream.reader(on_out_of_range="earliest")
    latest = stream.reader(on_out_of_range="latest")
    stream.append_many([b"0", b"1", b"2", b"3", b"4"])
    for _ in range(2):
        with pytest.raises(ringmain.OutOfRange):
            failing.poll(9, timeout=0)
    failing.seek(0, 3)
    assert values(failing) == [b"3", b"4"]
    for reader, expected in ((going_on, [b"3", b"4"]), (latest, [])):
        with pytest.raises(ringmain.OutOfRange):
            reader.poll(9, timeout=0)
        assert values(reader) == expected
    with pytest.raises(ringmain.InvalidArgument, match="on_out_of_range"):
        stream.reader(on_out_of_range="explode")  # type: ignore[arg-type]


def test_lag_counts_what_is_still_to_be_read(one: Stream) -> None:
    one.append_many([b"0", b"1", b"2"])
    reader = one.reader()
    assert reader.lag() == 3
    reader.poll(2, timeout=0)
    assert reader.lag() == 1


def test_a_view_shows_the_value_without_a_copy_and_outlives_everything_else(one: Stream) -> None:
    value = bytes(range(256)) * 64
    one.append(value)
    (record,) = one.reader()
    view, again = record.view(), memoryview(record)  # type: ignore[arg-type]
    assert (view.nbytes, view.format, view.readonly, view == again) == (len(value), "B", True, True)
    with pytest.raises(TypeError):
        view[0] = 1
    del record, again, one
    assert view == value


def test_a_reader_is_used_from_several_threads_and_no_record_comes_twice(stream: Stream) -> None:
    stream.append_many([Message(b"%d" % n, key=str(n)) for n in range(2000)])
    reader = stream.reader()
    got: list[bytes] = []

    def read() -> None:
        while records := reader.poll(7, timeout=0):
            got.extend(record.value for record in records)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, got)) == list(range(2000))


def test_what_a_filter_raises_when_there_are_records_already_the_next_read_raises_and_no_other_verb(hub: Hub) -> None:
    class Bad(Exception):
        pass

    def is_wanted(record: Record) -> bool:
        if record.value == b"bad":
            raise Bad
        if record.value == b"good":
            # By the time of the next look it is there.
            stream.append(b"bad")
        return True

    stream = hub.stream("one")
    stream.append(b"good")
    reader = stream.reader(only=is_wanted)
    assert [record.value for record in reader.fetch(bytes_min=1_000, timeout=LONG)] == [b"good"]
    with pytest.raises(ringmain.InvalidName):
        hub.queue("")
    for _ in range(2):
        with pytest.raises(Bad):
            reader.poll(1, timeout=LONG)
