from __future__ import annotations

import threading
import time

import pytest
from conftest import LONG

import ringmain
from ringmain import Hub, Message, Position, Stream, Time


def test_a_record_is_read_as_it_was_appended(stream: Stream) -> None:
    before_ns = time.time_ns() - 10**9
    position = stream.append(b"value", key="N14228", headers={"carrier": "UA"}, event_time_ns=7)
    (record,) = stream.reader()
    assert isinstance(position, Position)
    assert (record.partition, record.offset) == record.position == position
    assert (record.value, record.key, record.event_time_ns) == (b"value", b"N14228", 7)
    assert (record.headers, record.header("carrier"), record.header("absent")) == ({"carrier": b"UA"}, b"UA", None)
    assert record.time_ns > before_ns


def test_records_of_one_key_keep_their_order(stream: Stream) -> None:
    positions = stream.append_many([Message(str(n).encode(), key=f"k{n % 8}") for n in range(80)])
    assert len({position.partition for position in positions}) > 1
    for key in range(8):
        mine = [record for record in stream.reader() if record.key == f"k{key}".encode()]
        assert [int(record.value) for record in mine] == list(range(key, 80, 8))
        assert len({record.partition for record in mine}) == 1


def test_readers_start_where_they_are_told(hub: Hub) -> None:
    stream = hub.stream("one")
    positions = stream.append_many([b"0", b"1", b"2"])
    assert [record.value for record in stream.reader("earliest")] == [b"0", b"1", b"2"]
    assert [record.value for record in stream.reader(positions[1].offset)] == [b"1", b"2"]
    assert [record.value for record in stream.reader(Time(0), partition=0)] == [b"0", b"1", b"2"]
    latest = stream.reader("latest")
    assert list(latest) == []
    stream.append(b"3")
    assert [record.value for record in latest] == [b"3"]


def test_a_reader_of_one_partition_reads_only_that(stream: Stream) -> None:
    positions = stream.append_many([Message(b"", key=str(n)) for n in range(40)])
    for partition in range(stream.partitions):
        expected = [position for position in positions if position.partition == partition]
        assert [(r.partition, r.offset) for r in stream.reader(partition=partition)] == expected


def test_poll_gives_what_is_there_and_then_waits(stream: Stream) -> None:
    stream.append_many([b"x"] * 5)
    reader = stream.reader()
    assert len(reader.poll(3, timeout=LONG)) == 3
    assert len(reader.poll(100, timeout=LONG)) == 2
    assert reader.poll(100, timeout=0) == []
    assert reader.poll(100, timeout=0.01) == []
    appending = threading.Timer(0.05, stream.append, [b"late"])
    appending.start()
    assert [record.value for record in reader.poll(100)] == [b"late"]
    appending.join()


def test_a_reader_goes_back_on_seek(hub: Hub) -> None:
    stream = hub.stream("one")
    positions = stream.append_many([b"0", b"1", b"2"])
    reader = stream.reader()
    assert len(list(reader)) == 3
    reader.seek(0, positions[1].offset)
    assert [record.value for record in reader] == [b"1", b"2"]


def test_an_offset_that_was_never_there_is_out_of_range(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append(b"0")
    with pytest.raises(ringmain.OutOfRange) as error:
        stream.reader().seek(0, 99)
    assert "99" in str(error.value)
    assert isinstance(error.value, IndexError)


def test_stats_count_each_partition(hub: Hub, stream: Stream) -> None:
    stream.append_many([b"x"] * 10)
    partitions = stream.stats()["partitions"]
    assert len(partitions) == stream.partitions == 4
    assert sum(partition["end"] - partition["start"] for partition in partitions) == 10
    assert sum(partition["bytes"] for partition in partitions) > 10
    assert hub.streams() == ["events"]
    (told,) = hub.stats()["streams"].values()
    assert [partition["end"] for partition in told["partitions"]] == [partition["end"] for partition in partitions]
    assert stream.name == "events"


def test_a_stream_gets_more_partitions_unless_keys_would_move_and_never_fewer(hub: Hub, stream: Stream) -> None:
    with pytest.raises(ringmain.OptionMismatch):
        hub.stream("events", partitions=3)
    stream.append(b"keyless")
    assert hub.stream("events", partitions=5).partitions == stream.partitions == 5
    stream.append(b"keyed", key="N14228")
    with pytest.raises(ringmain.InvalidArgument, match="keys would move"):
        hub.stream("events", partitions=6)
    assert hub.stream("events").partitions == 5


def test_a_group_starts_again_where_it_committed(stream: Stream) -> None:
    stream.append_many([Message(str(n).encode(), key=str(n)) for n in range(20)])
    group = stream.group("billing")
    with group.join() as member:
        assert member.assignment() == [0, 1, 2, 3]
        assert (member.lag(), group.lag()) == (20, 20)
        first = member.poll(8, timeout=LONG)
        member.commit()
        assert member.lag() == 20 - len(first)
        member.poll(4, timeout=LONG)
    with group.join() as member:
        rest = []
        while records := member.poll(100, timeout=0):
            rest += records
        member.commit()
    assert sorted(int(record.value) for record in first + rest) == list(range(20))
    assert group.lag() == 0
    assert stream.groups() == ["billing"]
    ends = [partition["end"] for partition in stream.stats()["partitions"]]
    assert [offset or 0 for offset in group.committed()] == ends


def test_a_member_commits_one_partition_and_seeks(hub: Hub) -> None:
    stream = hub.stream("one")
    positions = stream.append_many([b"0", b"1", b"2"])
    group = stream.group("g")
    with group.join() as member:
        member.poll(3, timeout=LONG)
        member.commit_offset(0, positions[1].offset)
        assert group.committed() == [positions[1].offset]
        member.seek(0, positions[2].offset)
        assert [record.value for record in member.poll(3, timeout=LONG)] == [b"2"]


def test_a_group_may_start_at_the_end(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append(b"old")
    with stream.group("g").join("latest") as member:
        stream.append(b"new")
        assert [record.value for record in member.poll(9, timeout=LONG)] == [b"new"]


def test_two_members_share_the_partitions(stream: Stream) -> None:
    group = stream.group("g")
    with group.join() as one, group.join() as two:
        assert sorted(one.assignment() + two.assignment()) == [0, 1, 2, 3]
        assert len(one.assignment()) == len(two.assignment()) == 2


def test_a_partition_moves_once_what_was_polled_of_it_is_committed(stream: Stream) -> None:
    stream.append_many([Message(b"x", key=str(n)) for n in range(100)])
    group = stream.group("g")
    with group.join() as one:
        assert len(one.poll(100, timeout=LONG)) == 100
        with group.join() as two:
            assert two.poll(100, timeout=0) == []
            one.poll(100, timeout=0)
            assert two.assignment() == []
            one.commit()
            assert sorted(one.assignment() + two.assignment()) == [0, 1, 2, 3]
            assert two.poll(100, timeout=0) == []


def test_a_member_that_left_is_closed_and_may_leave_again(stream: Stream) -> None:
    member = stream.group("g").join()
    member.leave()
    member.leave()
    for verb in (lambda: member.poll(1, timeout=0), member.commit, member.assignment, lambda: member.seek(0, 0)):
        with pytest.raises(ringmain.Closed):
            verb()
