"""Groups: how members join, what they are told, and what they commit."""

from __future__ import annotations

import concurrent.futures
import gc
import threading
import time
import weakref
from collections.abc import Callable

import pytest
from conftest import LONG

import ringmain
from ringmain import Hub, Member, Message, Stream


@pytest.fixture
def filled(stream: Stream) -> Stream:
    """Ten records in each of four partitions."""
    for partition in range(4):
        stream.append_many_to(partition, [b"%d" % n for n in range(10)])
    return stream


class Told:
    """Notes what a member is told."""

    def __init__(self) -> None:
        self.news: list[tuple[str, list[int]]] = []

    def __call__(self, what: str) -> Callable[[Member, list[int]], None]:
        return lambda _member, partitions: self.news.append((what, partitions))


def test_a_member_is_told_what_it_has_got_before_it_reads_it(filled: Stream) -> None:
    def skip(member: Member, partitions: list[int]) -> None:
        for partition in partitions:
            member.seek(partition, 8)

    with filled.group("g").join(on_assign=skip) as member:
        assert [record.value for record in member.poll(100, timeout=LONG)] == [b"8", b"9"] * 4


def test_a_member_commits_in_its_callback_what_is_to_move(filled: Stream) -> None:
    told = Told()

    def commit(member: Member, partitions: list[int]) -> None:
        told("revoke")(member, partitions)
        assert member.revoking() == partitions
        member.commit()
        assert member.revoking() == []

    group = filled.group("g")
    with group.join(on_assign=told("assign"), on_revoke=commit, on_lost=told("lost")) as one:
        assert len(one.poll(100, timeout=LONG)) == 40
        with group.join() as two:
            assert two.poll(100, timeout=0) == []
            assert one.poll(100, timeout=0) == []
            assert len(two.assignment()) == 2
            assert two.poll(100, timeout=0) == [], "everything was committed"
            kept = one.assignment()
    assert told.news == [("assign", [0, 1, 2, 3]), ("revoke", sorted({0, 1, 2, 3} - set(kept)))]


def test_a_member_whose_name_is_taken_is_told_what_it_lost(filled: Stream) -> None:
    told = Told()
    group = filled.group("g")
    old = group.join(member_name="desk", on_lost=told("lost"))
    assert old.assignment() == [0, 1, 2, 3]
    with group.join(member_name="desk") as new:
        assert new.assignment() == [0, 1, 2, 3]
        with pytest.raises(ringmain.Fenced):
            old.poll(1, timeout=0)
    old.leave()


def test_what_a_callback_raises_the_call_raises_once(filled: Stream) -> None:
    def fail(member: Member, partitions: list[int]) -> None:
        raise LookupError("mine")

    with filled.group("g").join(on_assign=fail) as member:
        with pytest.raises(LookupError, match="mine"):
            member.poll(1, timeout=LONG)
        assert len(member.poll(1, timeout=LONG)) == 1


def test_callbacks_are_called_by_whatever_finds_out(filled: Stream) -> None:
    told = Told()
    group = filled.group("g")
    for verb in (
        lambda member: member.assignment(),
        lambda member: member.seek(0, 0),
        lambda member: member.fetch(),
        lambda member: member.poll_batch(1, 0.0, timeout=LONG),
        next,
    ):
        told.news.clear()
        with group.join(on_assign=told("assign")) as member:
            verb(member)
        assert told.news == [("assign", [0, 1, 2, 3])]


def test_other_threads_see_nothing_of_new_partitions_before_the_callback_has_returned(filled: Stream) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slowly(member: Member, partitions: list[int]) -> None:
        inside.set()
        assert leave.wait(LONG)
        member.seek(0, 9)

    with filled.group("g").join(on_assign=slowly) as member:
        got: list[list[bytes]] = []
        poll = lambda: got.append([r.value for r in member.poll(100, timeout=LONG) if r.partition == 0])  # noqa: E731
        first = threading.Thread(target=poll)
        first.start()
        assert inside.wait(LONG)
        second = threading.Thread(target=lambda: got.append([str(member.lag()).encode()]))
        second.start()
        second.join(0.05)
        assert got == []
        leave.set()
        first.join()
        second.join()
    assert [b"9"] in got and [b"0"] not in got


@pytest.mark.parametrize("callback", ["on_assign", "on_revoke", "on_lost"])
def test_a_callback_that_cannot_be_called_is_a_type_error(stream: Stream, callback: str) -> None:
    with pytest.raises(TypeError, match=callback):
        stream.group("g").join(**{callback: 5})  # type: ignore[arg-type]


def test_a_name_keeps_its_partitions_while_it_is_away(filled: Stream) -> None:
    group = filled.group("g")
    with group.join(member_name="other") as other:
        group.join(member_name="desk", session_timeout=3600.0).leave()
        assert len(other.assignment()) == 2
        with group.join(member_name="desk") as again:
            assert len(again.assignment()) == 2


def test_a_member_joins_only_where_there_is_something_committed(filled: Stream) -> None:
    group = filled.group("g")
    with pytest.raises(ringmain.NotFound):
        group.join("committed")
    group.join("latest").leave()
    with group.join("committed") as member:
        assert member.poll(1, timeout=0) == []


@pytest.mark.parametrize(
    "options",
    [
        {"start": "middle"},
        {"session_timeout": -1.0},
        {"max_poll_interval": 0.0},
        {"commit_mode": "sometimes"},
        {"on_out_of_range": "explode"},
        {"member_name": "a/b"},
    ],
)
def test_a_bad_option_of_a_member_is_refused(stream: Stream, options: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        stream.group("g").join(**options)  # type: ignore[arg-type]


def test_members_agree_on_how_long_a_revoke_may_take(stream: Stream) -> None:
    group = stream.group("g")
    with group.join(revoke_timeout=5.0), pytest.raises(ringmain.OptionMismatch):
        group.join(revoke_timeout=6.0)


def test_who_comes_back_for_more_has_handled_what_it_had(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append_many([b"0", b"1"])
    with stream.group("g").join(commit_mode="on_poll") as member:
        assert next(member).value == b"0"
        assert member.lag() == 2
        assert next(member).value == b"1"
        assert member.lag() == 1
    with stream.group("h").join(commit_mode="at_most_once") as member:
        member.poll(1, timeout=LONG)
        assert member.lag() == 1


def test_records_are_done_one_by_one(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append_many([b"0", b"1", b"2", b"3"])
    group = stream.group("g")
    with group.join() as member:
        _, one, _, three = member.poll(9, timeout=LONG)
        member.done(one)
        member.done(three)
        member.commit_done()
        assert group.committed() == [0]
        assert group.lag() == 2
    with group.join() as member:
        assert [record.value for record in member.poll(9, timeout=LONG)] == [b"0", b"2"]


def test_a_member_rewinds_what_it_has_committed(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append_many([b"0", b"1", b"2"])
    with stream.group("g").join() as member:
        member.poll(9, timeout=LONG)
        receipt = member.submit_commit()
        assert receipt.value is None
        assert receipt.wait(LONG)
        member.rewind(0, 1)
        assert [record.value for record in member.poll(9, timeout=LONG)] == [b"1", b"2"]
        with pytest.raises(ringmain.InvalidArgument):
            member.rewind(0, 3)


def test_a_member_lets_go_without_a_commit_if_it_says_so(filled: Stream) -> None:
    group = filled.group("g")
    with group.join() as one, group.join() as two:
        assert two.assignment() != []
    with group.join() as one:
        one.poll(100, timeout=LONG)
        with group.join() as two:
            one.poll(100, timeout=0)
            asked = one.revoking()
            assert len(asked) == 2
            for partition in asked:
                one.confirm_revoke(partition)
            assert len(two.poll(100, timeout=LONG)) == 20
            with pytest.raises(ringmain.NotFound):
                one.confirm_revoke(asked[0])


def test_a_handler_that_runs_keeps_its_member_alive(stream: Stream) -> None:
    with stream.group("g").join() as member:
        with member.processing() as processing:
            assert member.assignment() == [0, 1, 2, 3]
        processing.end()


def test_a_member_is_iterated_until_it_has_left(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append_many([b"0", b"1"])
    got: list[bytes] = []
    came = threading.Event()
    member = stream.group("g").join()

    def read() -> None:
        for record in member:
            got.append(record.value)
            member.commit()
            if len(got) == 3:
                came.set()

    reading = threading.Thread(target=read)
    reading.start()
    stream.append(b"2")
    assert came.wait(LONG)
    member.leave()
    reading.join(LONG)
    assert not reading.is_alive()
    assert got == [b"0", b"1", b"2"]
    assert stream.group("g").lag() == 0


def test_a_commit_inside_an_iteration_never_counts_what_was_not_handed_out(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append_many([b"0", b"1", b"2"])
    group = stream.group("g")
    with group.join() as member:
        for record in member:
            if record.value == b"1":
                break
            member.commit()
    assert group.committed() == [1]


def test_records_that_a_filter_was_shown_cannot_be_done(hub: Hub) -> None:
    stream = hub.stream("one")
    stream.append(b"x")
    seen: list[ringmain.Record] = []
    list(stream.reader(only=lambda record: seen.append(record)))
    with stream.group("g").join() as member, pytest.raises(ringmain.InvalidArgument):
        member.done(seen[0])


def test_a_member_whose_records_were_removed_goes_on_where_it_was_told(hub: Hub) -> None:
    stream = hub.stream("s", count_max=2)
    with stream.group("g").join(on_out_of_range="earliest") as member:
        stream.append_many([Message(b"%d" % n) for n in range(5)])
        with pytest.raises(ringmain.OutOfRange):
            member.poll(9, timeout=0)
        assert [record.value for record in member.poll(9, timeout=LONG)] == [b"3", b"4"]


def test_what_a_callback_raises_after_records_were_polled_the_next_call_raises(hub: Hub) -> None:
    class Odd(Exception):
        pass

    def on_revoke(_member: Member, _partitions: list[int]) -> None:
        raise Odd

    stream = hub.stream("two", partitions=2)
    stream.append_to(0, b"x")
    group = stream.group("g")
    with group.join(on_revoke=on_revoke) as member, concurrent.futures.ThreadPoolExecutor(1) as pool:
        polled = pool.submit(member.poll_batch, 2, LONG)
        time.sleep(0.3)  # by now it has the record, and waits for another one
        with group.join():
            assert [record.value for record in polled.result(2 * LONG)] == [b"x"]
            with pytest.raises(Odd):
                member.poll(1, timeout=0)


def test_a_member_that_its_callbacks_refer_to_is_collected(stream: Stream) -> None:
    class Owner:
        def __init__(self) -> None:
            self.member = stream.group("g").join(on_assign=self.told)

        def told(self, _member: Member, _partitions: list[int]) -> None: ...

    owner = weakref.ref(Owner())
    gc.collect()
    assert owner() is None
