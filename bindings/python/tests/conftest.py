from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import ringmain

#: Ends a test that would otherwise hang; no test waits for it to pass.
LONG = 30.0


@pytest.fixture(params=["memory", "durable"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ringmain.Hub]:
    """A hub of each kind: what works in memory works on disk."""
    with ringmain.open(None if request.param == "memory" else tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
def queue(hub: ringmain.Hub) -> ringmain.TaskQueue:
    return hub.queue("jobs", max_failures=2, dead_letter="jobs.dead", retry=ringmain.Retry(0.0, jitter="none"))


@pytest.fixture
def stream(hub: ringmain.Hub) -> ringmain.Stream:
    return hub.stream("events", partitions=4)


def take(queue: ringmain.TaskQueue) -> ringmain.Job:
    """The next job, which is sure to come."""
    job = queue.receive(timeout=LONG)
    assert job is not None
    return job
