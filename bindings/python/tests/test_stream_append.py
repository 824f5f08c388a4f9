"""Appending to streams: where records go, what is waited for, and what is not appended twice."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from conftest import LONG

import ringmain
from ringmain import Hub, Message, Position, Stream


def values(stream: Stream) -> list[bytes]:
    return [record.value for record in stream.reader()]


def test_a_message_is_appended_with_its_own_options_and_takes_no_others(stream: Stream) -> None:
    stream.append(Message(b"x", key="k", headers={"h": b"v"}, event_time_ns=7))
    (record,) = stream.reader()
    assert (record.key, record.headers, record.event_time_ns) == (b"k", {"h": b"v"}, 7)
    with pytest.raises(TypeError):
        stream.append(Message(b"x"), key="k")


def test_a_tombstone_says_that_its_key_has_no_value(stream: Stream) -> None:
    stream.append_many([Message(b"C71", key="UA1"), Message.tombstone("UA1")])
    first, last = stream.reader()
    assert (first.is_tombstone, last.is_tombstone) == (False, True)
    assert (last.key, last.value) == (b"UA1", b"")


def test_a_record_goes_to_the_partition_that_it_is_appended_to(stream: Stream) -> None:
    assert stream.append_to(3, b"x", key="N14228").partition == 3
    assert {position.partition for position in stream.append_many_to(2, [Message(b"x", key=str(n)) for n in range(9)])} == {2}
    for verb in (lambda: stream.append_to(4, b""), lambda: stream.append_many_to(4, [b""]), lambda: stream.submit_to(4, b"")):
        with pytest.raises(ringmain.NotFound):
            verb()


def test_of_two_who_append_where_they_expect_the_end_one_succeeds(stream: Stream) -> None:
    assert stream.append_expecting(1, 0, [b"a", b"b"]) == [Position(1, 0), Position(1, 1)]
    with pytest.raises(ringmain.Conflict, match="2"):
        stream.append_expecting(1, 0, [b"c"])
    assert stream.append_expecting(1, 2, [b"c"]) == [Position(1, 2)]


def test_a_receipt_gives_the_position_at_once_and_is_reached_when_waited_for(stream: Stream) -> None:
    receipts = [stream.submit(b"0", key="k"), stream.submit_to(2, b"1")]
    batches = [stream.submit_many([b"2", b"3"]), stream.submit_many_to(1, [b"4"])]
    assert receipts[1].value.partition == 2
    assert [len(batch.value) for batch in batches] == [2, 1]
    for receipt in (*receipts, *batches):
        assert receipt.wait(LONG)
        assert receipt.is_reached
        assert receipt.wait(0)
    assert sorted(values(stream)) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_partitioner_chooses_for_its_own_handle_only(stream: Stream) -> None:
    seen: list[tuple[bytes | None, bytes, int]] = []

    def choose(key: bytes | None, value: bytes, count: int) -> int:
        seen.append((key, value, count))
        return 3 if key is None else 1

    mine = stream.partitioner(choose)
    assert (mine.name, mine.partitions) == (stream.name, 4)
    assert [mine.append(b"a", key="k").partition, mine.append(b"b").partition] == [1, 3]
    assert [position.partition for position in mine.append_many([b"c", Message(b"d", key="k")])] == [3, 1]
    assert seen == [(b"k", b"a", 4), (None, b"b", 4), (None, b"c", 4), (b"k", b"d", 4)]
    stream.append(b"e", key="k")
    assert len(seen) == 4


def test_what_a_partitioner_raises_the_append_raises_and_nothing_is_appended(stream: Stream) -> None:
    def choose(key: bytes | None, value: bytes, count: int) -> int:
        raise LookupError("mine")

    failing = stream.partitioner(choose)
    for append in (lambda: failing.append(b""), lambda: failing.append_many([b""]), lambda: failing.batcher().send(b"")):
        with pytest.raises(LookupError, match="mine"):
            append()
    with pytest.raises(ringmain.InvalidArgument, match="chose partition 9"):
        stream.partitioner(lambda *_: 9).append(b"")
    assert values(stream) == []


def test_a_batch_lingers_until_it_is_full(hub: Hub) -> None:
    stream = hub.stream("one")
    with stream.batcher(linger=3600.0, max_batch_messages=2) as batcher:
        first = batcher.send(b"0", key="k")
        assert not first.is_reached
        with pytest.raises(ringmain.Timeout):
            first.wait(0)
        second = batcher.send(b"1", key="k")
        assert [first.wait(LONG), second.wait(LONG)] == [Position(0, 0), Position(0, 1)]
        assert first.is_reached
        assert first.wait(0) == Position(0, 0)


def test_a_batch_is_closed_by_flush_and_at_the_end_of_the_block(hub: Hub) -> None:
    stream = hub.stream("one")
    with stream.batcher(linger=3600.0) as batcher:
        pending = batcher.send(b"0")
        batcher.flush()
        assert pending.is_reached
        last = batcher.send(b"1")
    assert last.wait(LONG) == Position(0, 1)
    batcher.close()
    with pytest.raises(ringmain.Closed):
        batcher.send(b"2")


def test_a_batch_without_linger_ends_by_itself(stream: Stream) -> None:
    batcher = stream.batcher(linger=0.001)
    assert batcher.send(b"x").wait(LONG).offset == 0


@pytest.mark.parametrize("options", [{"max_batch_bytes": 0}, {"max_batch_messages": 65_537}, {"linger": -1.0}])
def test_a_batch_out_of_its_range_is_refused(stream: Stream, options: dict[str, int]) -> None:
    with pytest.raises(ringmain.InvalidArgument):
        stream.batcher(**options)


def test_what_a_producer_appends_again_is_left_out(stream: Stream) -> None:
    producer = stream.producer("import")
    assert (producer.name, producer.epoch, producer.next_sequence()) == ("import", 1, 0)
    accepted = producer.append(0, [b"a", Message(b"b", key="k")])
    assert not accepted.duplicate
    again = producer.append(0, [b"a", Message(b"b", key="k"), b"c"])
    assert not again.duplicate
    assert again.positions[:2] == accepted.positions
    assert producer.append(1, [Message(b"b", key="k"), b"c"]).duplicate
    assert producer.next_sequence() == 3
    assert sorted(values(stream)) == [b"a", b"b", b"c"]
    with pytest.raises(ringmain.SequenceGap, match="3"):
        producer.append(5, [b"x"])


def test_a_producer_that_is_opened_again_fences_the_one_before(stream: Stream) -> None:
    old = stream.producer("import")
    old.append(0, [b"a"])
    new = stream.producer("import")
    assert (new.epoch, new.next_sequence()) == (2, 1)
    with pytest.raises(ringmain.ProducerFenced):
        old.append(1, [b"b"])
    receipt = new.submit(1, [b"b"])
    assert not receipt.value.duplicate
    assert receipt.wait(LONG)
    assert stream.producers() == ["import"]
    stream.delete_producer("import")
    assert stream.producers() == []
    with pytest.raises(ringmain.NotFound):
        new.next_sequence()


def test_a_producer_goes_on_after_its_hub_was_opened_again(tmp_path: Path) -> None:
    for run in range(3):
        with ringmain.open(tmp_path / "hub") as hub:
            producer = hub.stream("s").producer("import")
            assert producer.next_sequence() == run
            producer.append(run, [b"x"])
    with ringmain.open(tmp_path / "hub") as hub:
        assert len(values(hub.stream("s"))) == 3


def test_an_append_that_waits_for_a_slow_reader_does_not_keep_that_from_reading() -> None:
    stream = ringmain.open().stream("ticks", count_max=2, slow_readers=ringmain.Gate(LONG))
    reader = stream.reader()
    stream.append_many([b"0", b"1"])
    assert stream.is_gated
    appending = threading.Thread(target=stream.append, args=[b"2"])
    appending.start()
    # The thread that waits in `append` must not have the GIL.
    read = [record.value for record in reader.poll(1, timeout=LONG)]
    appending.join(LONG)
    assert not appending.is_alive()
    assert read + [record.value for record in reader] == [b"0", b"1", b"2"]


def test_an_append_is_refused_when_a_reader_is_too_slow() -> None:
    stream = ringmain.open().stream("ticks", count_max=2, slow_readers=ringmain.Gate(0.001))
    reader = stream.reader()
    stream.append_many([b"0", b"1"])
    with pytest.raises(ringmain.Full, match="read on"):
        stream.append(b"2")
    assert len(list(reader)) == 2
    stream.append(b"2")
