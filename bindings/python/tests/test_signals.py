from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import LONG

WAITS = {
    "receive": "queue.receive()",
    "receive with a timeout": "queue.receive(timeout=1000)",
    "receive_many": "queue.receive_many(5)",
    "iterate": "next(iter(queue))",
    "receive_many with count_min": "queue.send(b'x'); queue.receive_many(5, count_min=2)",
    "lease": "queue.lease().__enter__()",
    "consumer": "next(queue.consumer())",
    "send when full": "full.send(b'a'); full.send(b'b')",
    "reader": "hub.stream('s').reader().poll(5)",
    "member": "hub.stream('s').group('g').join().poll(5)",
}


@pytest.mark.parametrize("place", ["memory", "durable"])
@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_ctrl_c_ends_a_wait_and_loses_nothing(wait: str, place: str, tmp_path: Path) -> None:
    script = (
        "import ringmain, signal, sys\n"
        # A shell's background jobs ignore Ctrl-C, and so would this child: Python installs its handler only if not.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "hub = ringmain.open(sys.argv[1] or None)\n"
        "queue = hub.queue('q', on_exhausted='drop')\n"
        "full = hub.queue('full', on_exhausted='drop', capacity=ringmain.Capacity(messages=1, block=None))\n"
        "try:\n"
        "    print('waiting', flush=True)\n"
        f"    {wait}\n"
        "except KeyboardInterrupt:\n"
        "    queue.send(b'x')\n"
        "    print(queue.receive(timeout=30).value, flush=True)\n"
    )
    command = [sys.executable, "-c", script, "" if place == "memory" else str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        time.sleep(0.3)  # by now it waits
        child.send_signal(signal.SIGINT)
        try:
            rest, _ = child.communicate(timeout=LONG)
        finally:
            child.kill()
    assert rest == "b'x'\n"
    assert child.returncode == 0
