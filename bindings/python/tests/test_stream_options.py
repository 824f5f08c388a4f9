"""The options of streams, and the verbs that are not hot."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from conftest import LONG

import ringmain
from ringmain import Compaction, Hub, Message, Stream, Time


def test_a_stream_keeps_as_many_records_as_it_was_told_until_it_is_told_otherwise(hub: Hub) -> None:
    stream = hub.stream("s", count_max=2)
    stream.append_many([b"0", b"1", b"2"])
    assert [record.value for record in stream.reader()] == [b"1", b"2"]
    hub.stream("s", count_max=math.inf)
    stream.append_many([b"3", b"4"])
    assert [record.value for record in stream.reader()] == [b"1", b"2", b"3", b"4"]


def test_records_go_when_every_group_has_read_them(hub: Hub) -> None:
    stream = hub.stream("s", until_read=True, age_max=3600.0)
    stream.append_many([b"0", b"1"])
    with stream.group("g").join() as member:
        member.poll(1, timeout=LONG)
        member.commit()
        hub.flush()
        assert [record.value for record in stream.reader()] == [b"1"]


def test_a_compacted_stream_keeps_the_last_record_of_each_key(hub: Hub) -> None:
    stream = hub.stream("gates", compaction=Compaction(tombstone_grace=60.0))
    stream.append_many([Message(gate, key="UA1") for gate in (b"C71", b"C73", b"C75")])
    stream.compact()
    assert [(record.offset, record.value) for record in stream.reader()] == [(2, b"C75")]
    with pytest.raises(ringmain.InvalidArgument):
        stream.append(b"without a key")
    hub.stream("gates", compaction=False)
    stream.append(b"without a key")


def test_of_latest_only_readers_see_the_last_at_once(hub: Hub) -> None:
    stream = hub.stream("gates", compaction=Compaction(latest_only=True, keys_max=2))
    stream.append_many([Message(gate, key="UA1") for gate in (b"C71", b"C73")])
    assert [record.value for record in stream.reader()] == [b"C73"]
    stream.append(b"", key="UA2")
    with pytest.raises(ringmain.Full):
        stream.append(b"", key="UA3")


@pytest.mark.parametrize(
    "options",
    [
        {"age_max": 0.0},
        {"age_max": -1.0},
        {"bytes_max": 0},
        {"count_max": 0},
        {"until_read": True},
        {"compaction": Compaction(dirty_percent_min=0)},
        {"compaction": Compaction(keys_max=0)},
        {"slow_readers": ringmain.Gate(1.0)},
        {"slow_readers": ringmain.Gate(1.0, then="explode"), "count_max": 1},  # type: ignore[arg-type]
    ],
)
def test_an_option_out_of_its_range_is_refused(hub: Hub, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        hub.stream("s", **options)
    assert hub.streams() == []


def test_an_option_that_there_is_not_is_a_type_error(hub: Hub) -> None:
    with pytest.raises(TypeError):
        hub.stream("s", age=1)  # type: ignore[call-arg]


def test_keys_move_only_if_that_is_forced(hub: Hub) -> None:
    stream = hub.stream("s")
    stream.append(b"x", key="N14228")
    with pytest.raises(ringmain.InvalidArgument):
        hub.stream("s", partitions=4)
    hub.stream("s", partitions=4, force_growth=True)
    assert stream.partitions == 4


def test_an_offset_is_found_by_the_time_of_its_record(hub: Hub) -> None:
    stream = hub.stream("s")
    stream.append_many([b"0"])
    (first,) = stream.reader()
    assert stream.offset_at_time(0, first.time_ns) == 0
    assert stream.offset_at_time(0, first.time_ns + 1) == 1
    assert stream.offset_at_time(0, Time(0)) == 0
    assert stream.offset_at_time(0, datetime.now(timezone.utc) + timedelta(hours=1)) == 1
    with pytest.raises(ringmain.NotFound):
        stream.offset_at_time(1, 0)


def test_a_datetime_is_that_time_to_the_microsecond_wherever_it_was_written() -> None:
    moment = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=timezone.utc)
    assert Time.of(moment).ns == 1_795_395_723_456_789_000
    assert Time.of(moment.astimezone(timezone(timedelta(hours=-5)))) == Time.of(moment)
    assert Time.of(moment.astimezone().replace(tzinfo=None)) == Time.of(moment)


def test_event_times_are_found_in_whatever_order_they_come(hub: Hub) -> None:
    stream = hub.stream("s")
    stream.append_many([Message(b"", event_time_ns=ns) for ns in (10, 30, 20, 40)])
    assert [stream.scan_event_time(0, ns) for ns in (0, 25, 31, 99)] == [0, 1, 3, 4]


def test_counts_tell_of_partitions_and_groups(stream: Stream) -> None:
    stream.append_many_to(1, [b"0", b"1", b"2"])
    with stream.group("billing").join() as member:
        member.poll(1, timeout=LONG)
        member.commit()
        stats = stream.stats()
    assert [(p["start"], p["end"], p["records"]) for p in stats["partitions"]] == [(0, 0, 0), (0, 3, 3), (0, 0, 0), (0, 0, 0)]
    (group,) = stats["groups"]
    assert (group["name"], group["members"], [lag["records"] for lag in group["lag"]]) == ("billing", 1, [0, 2, 0, 0])
    assert group["lag"][0]["age"] == 0 < group["lag"][1]["age"] < LONG
    assert stats["out_of_range_total"] == 0


def test_a_group_is_forgotten_when_it_is_deleted(stream: Stream) -> None:
    member = stream.group("billing").join("latest")
    with pytest.raises(ringmain.InvalidArgument, match="members"):
        stream.delete_group("billing")
    member.leave()
    assert stream.groups() == ["billing"]
    stream.delete_group("billing")
    assert stream.groups() == []
    with pytest.raises(ringmain.NotFound):
        stream.delete_group("billing")
