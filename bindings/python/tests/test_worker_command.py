"""Workers as processes, told to stop by signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import LONG, take

import ringmain

APP = """
import asyncio, pathlib, sys, time, ringmain
hub = ringmain.open("hub")
class Held: inner = hub

def say(what, job):
    sys.stdout.write(f"{what} {job.value.decode()}\\n")  # a line in one piece
    sys.stdout.flush()

def work(job):
    say("began", job)
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    say("ended", job)

@hub.worker("threads", concurrency=1, prefetch=8, dead_letter="dead")
def threads(job):
    work(job)

@hub.worker("tasks", concurrency=1, prefetch=8, dead_letter="dead")
async def tasks(job):
    await asyncio.to_thread(work, job)

if __name__ == "__main__":
    hub.run_workers(timeout=3600)
    hub.close()
    print("done", flush=True)
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the program, after messages were sent to one of its queues."""
    (tmp_path / "app.py").write_text(APP)
    children = []

    def start(queue: str, *command: str) -> subprocess.Popen[str]:
        with ringmain.open(tmp_path / "hub") as hub:
            hub.queue(queue, dead_letter="dead").send_many([b"0", b"1", b"2"])
        # A shell's background jobs ignore Ctrl-C, and so would this child.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        signal.signal(signal.SIGINT, before)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("queue", ["threads", "tasks"])
@pytest.mark.parametrize("command", [("app.py",), ("-m", "ringmain.worker", "app:Held.inner")], ids=["script", "command"])
def test_a_signal_ends_it_when_what_runs_is_done_and_the_rest_is_handed_back(
    command: tuple[str, ...], queue: str, number: int, app: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    child = app(queue, *command)
    assert line(child) == "began 0"
    child.send_signal(number)
    time.sleep(0.3)
    assert child.poll() is None
    (tmp_path / "go").touch()
    out, errors = child.communicate(timeout=LONG)
    assert child.returncode == 0, errors
    assert out.split("\n")[0] == "ended 0" and "began" not in out
    with ringmain.open(tmp_path / "hub") as hub:
        jobs = hub.queue(queue).receive_many(9, 0)
        assert [(job.value, job.attempts, job.failures) for job in jobs] == [(b"1", 1, 0), (b"2", 1, 0)]


def test_a_second_signal_does_not_wait_and_hands_back_what_runs(
    app: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    child = app("threads", "app.py")
    assert line(child) == "began 0"
    child.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=LONG)
    assert child.returncode == 0, errors
    with ringmain.open(tmp_path / "hub") as hub:
        job = take(hub.queue("threads"))
        assert (job.value, job.failures) == (b"0", 0)


def test_the_command_runs_only_the_queues_that_it_is_told_and_logs_what_happens(
    app: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    (tmp_path / "go").touch()
    child = app("threads", "-m", "ringmain.worker", "app:hub", "--queue", "threads", "--concurrency", "3")
    seen = {line(child) for _ in range(6)}
    assert seen == {f"{what} {number}" for what in ("began", "ended") for number in range(3)}
    child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=LONG)
    assert child.returncode == 0
    assert "queue threads: a worker runs" in errors and "queue tasks" not in errors
    assert "ringmain.hub_closed" in errors


@pytest.mark.parametrize(
    ("place", "said"),
    [("app", "module:name"), ("nowhere:hub", "nowhere"), ("app:hup", "hup"), ("app:threads", "not a ringmain.Hub")],
)
def test_the_command_says_in_one_line_what_is_wrong(place: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    done = subprocess.run(
        [sys.executable, "-m", "ringmain.worker", place], cwd=tmp_path, capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_a_process_ends_though_its_worker_was_never_closed(tmp_path: Path) -> None:
    script = """
import ringmain
hub = ringmain.open()
ringmain.logs.start()
for kind in (lambda job: None,):
    hub.worker("q", on_exhausted="drop", concurrency=4)(kind).start()
@hub.worker("r", on_exhausted="drop")
async def handle(job): ...
handle.start()
print("end")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=LONG)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
