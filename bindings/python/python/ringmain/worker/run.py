"""Running workers until the process is told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from ringmain.worker.handler import Handler
from ringmain.worker.worker import Worker

LOG = logging.getLogger("ringmain.worker")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(handlers: Sequence[Handler[Any]], *, concurrency: int | None, timeout: float) -> None:
    """Runs a worker for each handler until SIGTERM or SIGINT, then has what runs end within `timeout` seconds and hands back
    the rest. A second signal does not wait any longer. In a thread other than the main one no signal is listened to.
    """
    stop, hurry = threading.Event(), threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            hurry.set()
        stop.set()

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, on_signal) for number in _SIGNALS} if is_main else {}
    workers: list[Worker] = []
    try:
        for handler in handlers:
            workers.append(handler.start(concurrency=concurrency))
            LOG.info("queue %s: a worker runs", handler.queue.name)
        while any(worker.is_alive for worker in workers) and not stop.wait(0.2):
            pass
    finally:
        LOG.info("stopping")
        _close(workers, timeout, hurry)
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
        LOG.info("stopped")


def _close(workers: Sequence[Worker], timeout: float, hurry: threading.Event) -> None:
    def close(worker: Worker) -> None:
        try:
            worker.close(timeout)
        finally:
            worker.release_running()

    closing = [threading.Thread(target=close, args=(worker,), daemon=True) for worker in workers]
    for thread in closing:
        thread.start()
    while any(thread.is_alive() for thread in closing) and not hurry.wait(0.05):
        pass
    if hurry.is_set():
        for worker in workers:
            worker.release_running()
