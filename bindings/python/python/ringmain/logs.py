"""What the core tells its operator, in Python's `logging`.

    >>> import ringmain
    >>> ringmain.logs.start()
    >>> ringmain.logs.stop()

Each notice goes to the logger ``ringmain.<event>``, for instance ``ringmain.message_died``, with the fields of the event in
its text and as the attribute ``fields`` of the record. Threads of the core put notices into a ring, and never wait for the
interpreter; a thread of Python takes them out. When it does not keep up, notices are dropped: then ``ringmain.logs`` warns of
how many.
"""

from __future__ import annotations

import atexit
import json
import logging
import threading

from ringmain import _core

__all__ = ["start", "stop"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}

_lock = threading.Lock()
_drainer: _Drainer | None = None


def start(level: int = logging.INFO) -> None:
    """Has notices of at least this level go to `logging` from now on. Calling it again changes the level."""
    global _drainer
    with _lock:
        _core._notice(next((known for known, of in _LEVELS.items() if of >= level), None))
        if _drainer is None or not _drainer.is_alive():
            _drainer = _Drainer()
            _drainer.start()
            # A thread that waits in the core when the interpreter goes away would take the process down.
            atexit.register(stop)


def stop() -> None:
    """Logs what waits, and has no more notices put together."""
    global _drainer
    with _lock:
        drainer, _drainer = _drainer, None
    if drainer is not None:
        drainer.close()
    with _lock:
        if _drainer is None:
            _core._notice(None)


class _Drainer(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="ringmain-logs", daemon=True)
        self._closing = threading.Event()

    def run(self) -> None:
        while not self._closing.is_set():
            _log(timeout=0.2)
        _log(timeout=0.0)

    def close(self) -> None:
        self._closing.set()
        # From within a handler of a notice it cannot be waited for.
        if threading.current_thread() is not self:
            self.join()


def _log(timeout: float) -> None:
    notices, dropped = _core._take_notices(timeout)
    for notice in map(json.loads, notices):
        logger, level, fields = logging.getLogger(f"ringmain.{notice['name']}"), _LEVELS[notice["level"]], notice["fields"]
        if logger.isEnabledFor(level):
            said = "".join(f" {name}={value}" for name, value in fields.items())
            logger.log(level, "%s%s", notice["message"], said, extra={"fields": fields})
    if dropped:
        logging.getLogger("ringmain.logs").warning("%d notices were dropped: they came faster than they were logged", dropped)
