"""Options of hubs and queues, and the verbs that look and tidy up."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG, take

import ringmain
from ringmain import Capacity, Dedup, EscalateTo, Hub, Letters, ManualClock, MoveTo, QueueOptions, Rate, Retry, TaskQueue

OPTIONS: list[QueueOptions] = [
    {"lease": 5.5, "lease_total_max": 60.0, "max_failures": 7},
    {"retry": Retry(0.5, 3.0, 9.0, "equal")},
    {"ttl": 60.0, "age_step": 2.0},
    {"on_breach": "cancel"},
    {"on_breach": EscalateTo("late")},
    {"on_breach": MoveTo("late")},
    {"error_classes": {"KeyError": "permanent", "Busy": "ignored"}},
    {"dedup": Dedup(5.0, "sliding", "replace", True, 10)},
    {"capacity": Capacity(5, 1000, "drop_oldest")},
    {"capacity": Capacity(5, None, "block", 2.0)},
    {"capacity": Capacity(5, None, "block", None)},
    {"history": ringmain.History(60.0, 10)},
    {"concurrency_max": 3, "concurrency_max_per_key": 2},
    {"rate": Rate(5.0, 2), "rate_per_key": Rate(1.0)},
    {"single_active_consumer": True},
    {"group_parallelism": 4, "on_group_death": "halt"},
    {"dead_letter": "elsewhere"},
    {"on_exhausted": "keep"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options))
def test_an_option_is_stored_and_told_as_it_was_given(hub: Hub, options: QueueOptions) -> None:
    given: Any = {"dead_letter": "dead", **options}
    if "on_exhausted" in given:
        del given["dead_letter"]
    hub.queue("q", **given)
    told: Any = hub.queue_info("q")
    assert {name: told[name] for name in given} == given
    del told["is_paused"]
    hub.queue("like-it", **told)
    told_again: Any = hub.queue_info("like-it")
    del told_again["is_paused"]
    assert told_again == told


def test_an_unknown_option_and_one_out_of_its_range_are_refused_by_name(hub: Hub) -> None:
    with pytest.raises(ringmain.InvalidArgument, match="leese"):
        hub.queue("q", leese=5)  # type: ignore[call-arg]
    with pytest.raises(ringmain.InvalidArgument, match="lease"):
        hub.queue("q", lease=float("nan"), on_exhausted="drop")
    with pytest.raises(ringmain.InvalidArgument, match="dorp"):
        hub.queue("q", on_exhausted="dorp")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ttl"):
        hub.queue("q", ttl="soon", on_exhausted="drop")  # type: ignore[arg-type]
    assert hub.queues() == []


def test_a_hub_takes_its_options(tmp_path: Path) -> None:
    with ringmain.open(
        tmp_path / "hub",
        "relaxed",
        relaxed_max=0.5,
        journal_bytes_max=1 << 20,
        streaming_bytes_min=1 << 16,
        disk_reserve_bytes=12345,
        allow_world_writable=True,
    ) as hub:
        assert hub.stats()["disk_reserve_bytes"] == 12345
        hub.flush()
    with pytest.raises(ringmain.InvalidArgument, match="durability"):
        ringmain.open(tmp_path / "hub", "safe")  # type: ignore[arg-type]


def test_a_clock_that_is_moved_by_hand_moves_its_hubs(tmp_path: Path) -> None:
    clock = ManualClock()
    with ringmain.open(clock=clock) as one, ringmain.open(tmp_path, clock=clock) as two:
        before = clock.now_ns
        clock.advance(1.5)
        assert one.now_ns == two.now_ns == clock.now_ns == before + 1_500_000_000
    with pytest.raises(ringmain.InvalidArgument):
        clock.advance(-1)


def test_a_message_is_put_off_and_brought_forward(queue: TaskQueue) -> None:
    id = queue.send(b"x")
    assert queue.reschedule(id, 3600)
    assert queue.receive_nowait() is None
    assert queue.explain(id)["causes"][0]["cause"] == "scheduled"
    assert str(id) in queue.explain(id)["text"]
    assert queue.reschedule_at(id, 1)
    assert not queue.reschedule(id + 1)
    take(queue).ack()


def test_a_paused_queue_delivers_nothing(hub: Hub, queue: TaskQueue) -> None:
    queue.send(b"x")
    queue.pause()
    assert queue.receive_nowait() is None and hub.queue_info("jobs")["is_paused"]
    queue.resume()
    take(queue).ack()


def test_a_purge_takes_what_waits_or_everything(queue: TaskQueue) -> None:
    queue.send_many([b"1", b"2", b"3"])
    job = take(queue)
    assert queue.purge() == 2
    assert queue.purge(leased=True) == 1
    with pytest.raises(ringmain.LeaseLost):
        job.ack()


def test_dead_letters_are_looked_at_sent_back_kept_and_thrown_away(hub: Hub, queue: TaskQueue, tmp_path: Path) -> None:
    queue.send_many([b"1", b"2", b"3"])
    for reason in ("bad address", "bad luck", "no"):
        take(queue).reject(reason)
    letters = hub.queue("jobs.dead").dead_letters
    assert [letter.value for letter in letters.peek()] == [b"1", b"2", b"3"]
    bad = Letters(error_contains="bad", reason="rejected", queue="jobs")
    assert [letter.value for letter in letters.peek(bad, count=1)] == [b"1"]
    assert letters.export(tmp_path / "letters.jsonl", bad) == 2
    assert len([json.loads(line) for line in (tmp_path / "letters.jsonl").read_text().splitlines()]) == 2
    assert letters.redrive(Letters(ids=[letters.peek()[0].id])) == 1
    assert take(queue).value == b"1"
    assert letters.discard(bad) == 1
    assert [letter.value for letter in letters.peek()] == [b"3"]
    with pytest.raises(ringmain.StorageError):
        letters.export(tmp_path / "letters.jsonl")


def test_a_halted_key_goes_on_when_it_is_told_to(hub: Hub) -> None:
    queue = hub.queue("orders", on_exhausted="drop", on_group_death="halt")
    queue.send_many([ringmain.Message(value, ordering_key=b"\xff7") for value in (b"open", b"close")])
    take(queue).reject("unknown account")
    assert queue.receive_nowait() is None
    (halted,) = queue.halted_groups()
    assert (halted["key"], halted["error"], halted["messages"]) == (b"\xff7", "unknown account", 1)
    queue.set_weight("vip", 2)
    assert queue.resume_group(b"\xff7") and not queue.resume_group("other")
    assert take(queue).value == b"close"
    assert queue.desired_workers() == 0


def test_queues_and_streams_are_deleted(hub: Hub, queue: TaskQueue) -> None:
    hub.stream("events")
    hub.delete_queue("jobs")
    hub.delete_stream("events")
    assert (hub.queues(), hub.streams()) == (["jobs.dead"], [])
    with pytest.raises(ringmain.RingmainError):
        queue.send(b"x")
    with pytest.raises(ringmain.NotFound, match="jobs"):
        hub.delete_queue("jobs")


def test_counts_are_told_to_prometheus(hub: Hub, queue: TaskQueue) -> None:
    queue.send(b"x")
    assert 'queue="jobs"' in hub.prometheus()


def test_a_snapshot_is_restored_and_verified_with_progress(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with ringmain.open(tmp_path / "hub") as hub:
        hub.queue("jobs", on_exhausted="drop").send(b"x")
        copied = hub.snapshot(tmp_path / "copy", lambda done, all: told.append((done, all)))
        assert copied is not None and copied["queues"] == 1
        assert told and told[-1][0] == told[-1][1]
        with pytest.raises(ZeroDivisionError):
            hub.snapshot(tmp_path / "failed", lambda _done, _all: 1 / 0)
        assert hub.snapshot(tmp_path / "stopped", lambda _done, _all: False) is None
    assert ringmain.verify(tmp_path / "copy")["is_sound"]
    report = ringmain.restore(tmp_path / "copy", tmp_path / "new")
    assert report["is_sound"] and report["damage"] == [] and report["refused"] is None
    assert ringmain.salvage(tmp_path / "copy", tmp_path / "saved")["records"] >= 1
    with ringmain.open(tmp_path / "new") as hub:
        assert take(hub.queue("jobs")).value == b"x"


def test_a_schedule_sends_its_message_in_each_slot() -> None:
    clock = ManualClock()
    with ringmain.open(clock=clock) as hub:
        queue = hub.queue("reports", on_exhausted="drop")
        schedule = hub.schedule("hourly", cron="0 * * * *", queue="reports", value="now", key="k", headers={"h": b"v"}, missed=3)
        clock.advance(3600)
        job = take(queue)
        assert (job.value, job.key, job.headers["h"]) == (b"now", b"k", b"v")
        info = schedule.info()
        assert (info["name"], info["cron"], info["queue"], info["missed"]) == ("hourly", "0 * * * *", "reports", {"all": {"max": 3}})
        schedule.pause()
        assert schedule.info()["is_paused"]
        schedule.resume()
        assert [each.name for each in hub.schedules()] == ["hourly"]
        schedule.delete()
        with pytest.raises(ringmain.NotFound):
            schedule.info()


def test_what_the_core_tells_goes_to_logging_with_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "ringmain")
    ringmain.logs.start(logging.WARNING)
    try:
        with ringmain.open() as hub:
            queue = hub.queue("jobs", dead_letter="jobs.dead")
            queue.send(b"x")
            take(queue).reject("bad address")
    finally:
        ringmain.logs.stop()
    (record,) = [record for record in caplog.records if record.name == "ringmain.message_died"]
    assert record.levelno == logging.WARNING
    assert "queue=jobs" in record.getMessage() and "error=bad address" in record.getMessage()
    assert record.__dict__["fields"]["to"] == "jobs.dead"
    assert not [record for record in caplog.records if record.levelno < logging.WARNING]


def test_notices_that_come_too_fast_are_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    from ringmain import _core

    _core._notice("warn")
    try:
        with ringmain.open() as hub:
            queue = hub.queue("jobs", dead_letter="jobs.dead")
            queue.send_many([b"x"] * 4_200)
            for job in queue.receive_many(4_200):
                job.reject("no")
        notices, dropped = _core._take_notices(LONG)
        assert len(notices) == 4_096
        assert dropped >= 4_200 - 4_096
        assert _core._take_notices(0) == ([], 0)
    finally:
        _core._notice(None)
