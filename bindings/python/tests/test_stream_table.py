"""A compacted stream as a mapping."""

from __future__ import annotations

import pytest

import ringmain
from ringmain import Compaction, Hub, Message, Table


@pytest.fixture(params=[False, True], ids=["compacted", "latest only"])
def table(hub: Hub, request: pytest.FixtureRequest) -> Table:
    stream = hub.stream("gates", compaction=Compaction(latest_only=request.param, keys_max=100))
    stream.append_many([Message(gate, key=key) for key, gate in (("UA1", b"C71"), ("UA2", b"C73"), ("UA1", b"C75"))])
    return stream.table()


def test_a_table_is_a_mapping_of_the_last_records(table: Table) -> None:
    assert table["UA1"].value == b"C75"
    assert (len(table), b"UA2" in table, "UA3" in table) == (2, True, False)
    assert (list(table), list(table.keys())) == ([b"UA2", b"UA1"],) * 2
    assert [record.value for record in table.values()] == [b"C73", b"C75"]
    assert {key: record.value for key, record in table.items()} == {b"UA1": b"C75", b"UA2": b"C73"}


def test_a_key_that_is_not_there_is_none_the_default_or_a_key_error(table: Table) -> None:
    assert table.get("UA3") is None
    assert table.get("UA3", 5) == 5
    record = table.get("UA1", 5)
    assert isinstance(record, ringmain.Record)
    with pytest.raises(KeyError, match="UA3"):
        table["UA3"]
    with pytest.raises(TypeError):
        table.get(5)  # type: ignore[call-overload]


def test_a_table_follows_its_stream(hub: Hub, table: Table) -> None:
    stream = hub.stream("gates")
    stream.append_many([Message.tombstone("UA1"), Message(b"C77", key="UA3")])
    assert "UA1" not in table
    assert table["UA3"].value == b"C77"
    assert len(table) == 2


def test_a_stream_that_is_not_compacted_has_no_table(hub: Hub) -> None:
    with pytest.raises(ringmain.InvalidArgument, match="compact"):
        hub.stream("plain").table()
