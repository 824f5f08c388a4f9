from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import take

import ringmain


def in_child(check: Callable[[], bool]) -> int:
    """Runs `check` in a forked child; its exit status, 0 for what it should be."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if check() else 2
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def refused(verb: Callable[[], object]) -> bool:
    try:
        verb()
    except ringmain.Forked as error:
        return str(os.getppid()) in str(error)
    return False


@pytest.mark.parametrize("place", ["memory", "durable"])
def test_a_forked_child_cannot_use_its_parents_hub(place: str, tmp_path: Path) -> None:
    with ringmain.open(tmp_path if place == "durable" else None) as hub:
        queue = hub.queue("q", on_exhausted="drop")
        stream = hub.stream("s")
        queue.send(b"x")
        job = take(queue)
        verbs: list[Callable[[], object]] = [
            lambda: queue.send(b"y"),
            lambda: queue.receive(timeout=0),
            job.ack,
            lambda: stream.append(b"y"),
            lambda: queue.submit(b"y"),
            lambda: queue.purge(),
            lambda: queue.stats(),
            lambda: hub.stats(),
            lambda: queue.consumer().receive(0),
            lambda: hub.queue("other", on_exhausted="drop"),
        ]
        for verb in verbs:
            assert in_child(partial(refused, verb)) == 0
        job.ack()
        assert queue.stats()["sent_total"] == 1


def test_a_forked_child_may_open_its_own_hub(tmp_path: Path) -> None:
    with ringmain.open():

        def own() -> bool:
            with ringmain.open(tmp_path / "mine") as hub:
                queue = hub.queue("q", on_exhausted="drop")
                queue.send(b"x")
                return take(queue).value == b"x"

        assert in_child(own) == 0


def test_a_job_dropped_in_a_forked_child_stays_leased_in_the_parent(tmp_path: Path) -> None:
    with ringmain.open(tmp_path) as hub:
        queue = hub.queue("q", on_exhausted="drop")
        queue.send(b"x")
        jobs = [take(queue)]
        assert in_child(lambda: jobs.pop() is not None) == 0
        jobs[0].ack()
        assert queue.stats()["acked_total"] == 1
