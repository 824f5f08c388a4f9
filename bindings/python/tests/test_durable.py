from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from conftest import LONG, take

import ringmain


@pytest.mark.parametrize("durability", ["synced", "written", "relaxed"])
def test_everything_is_there_after_reopening(
    tmp_path: Path, durability: Literal["synced", "written", "relaxed"]
) -> None:
    with ringmain.open(tmp_path, durability) as hub:
        queue = hub.queue("jobs", max_failures=2, dead_letter="jobs.dead", retry=ringmain.Retry(0.0))
        queue.send_many([ringmain.Message(str(n).encode(), key="k", headers={"n": str(n)}) for n in range(10)])
        take(queue).ack()
        take(queue).fail("once", delay=3600)
        take(queue).reject("no good")
        stream = hub.stream("events", partitions=2)
        stream.append_many([ringmain.Message(str(n).encode(), key=str(n)) for n in range(10)])
        with stream.group("g").join() as member:
            polled = member.poll(4, timeout=LONG)
            member.commit()
    with ringmain.open(str(tmp_path)) as hub:
        assert hub.queues() == ["jobs", "jobs.dead"]
        queue = hub.queue("jobs")
        stats = queue.stats()
        assert (stats["ready"], stats["scheduled"], stats["leased"]) == (7, 1, 0)
        jobs = queue.receive_many(10, timeout=LONG)
        assert [job.value for job in jobs] == [str(n).encode() for n in range(3, 10)]
        assert jobs[0].headers == {"n": b"3"}
        assert hub.queue("jobs.dead").peek()[0].header("rm-dead-error") == b"no good"
        stream = hub.stream("events")
        assert sorted(int(record.value) for record in stream.reader()) == list(range(10))
        group = stream.group("g")
        assert group.lag() == 10 - len(polled)


def test_an_unsettled_job_comes_again_after_reopening(tmp_path: Path) -> None:
    hub = ringmain.open(tmp_path)
    queue = hub.queue("jobs", on_exhausted="drop")
    queue.send(b"x")
    held = take(queue)
    hub.close()
    with ringmain.open(tmp_path) as again:
        job = take(again.queue("jobs"))
        assert job.value == b"x"
        job.ack()
    assert held.value == b"x"


def test_a_hub_that_nobody_holds_any_more_is_unlocked(tmp_path: Path) -> None:
    hub = ringmain.open(tmp_path)
    queue = hub.queue("jobs", on_exhausted="drop")
    queue.send(b"x")
    del hub, queue
    with ringmain.open(tmp_path) as again:
        assert again.queue("jobs").stats()["ready"] == 1


def test_what_was_sent_survives_a_killed_process(tmp_path: Path) -> None:
    script = (
        "import os, ringmain, sys\n"
        "queue = ringmain.open(sys.argv[1]).queue('jobs', on_exhausted='drop')\n"
        "for n in range(100): queue.send(str(n).encode())\n"
        "queue.receive(timeout=30).ack()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    child = subprocess.run([sys.executable, "-c", script, tmp_path])
    assert child.returncode == -9
    with ringmain.open(tmp_path) as hub:
        values = [peeked.value for peeked in hub.queue("jobs").peek(count=1000)]
    assert values == [str(n).encode() for n in range(1, 100)]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_directory_without_permission_is_a_storage_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ringmain.StorageError) as error:
        ringmain.open(tmp_path / "hub")
    assert error.value.errno == 13


def test_a_path_with_a_nul_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((ringmain.RingmainError, ValueError)):
        ringmain.open(f"{tmp_path}/a\0b")


def test_repr_says_where_a_hub_is(tmp_path: Path) -> None:
    with ringmain.open(tmp_path) as hub, ringmain.open() as memory:
        assert repr(hub) == f"<ringmain.Hub {tmp_path}>"
        assert repr(memory) == "<ringmain.Hub in memory>"
        assert (hub.durable, memory.durable) == (True, False)
