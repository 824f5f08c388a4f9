"""Workers: functions that handle the jobs of a queue, in threads or as tasks of an event loop.

    >>> import ringmain
    >>> hub = ringmain.open()
    >>> @hub.worker("emails", concurrency=8, dead_letter="emails.dead")
    ... def email(job: ringmain.Job) -> None:
    ...     print(job.value)
    >>> email.send(b"hello")
    0

`Hub.run_workers`, or ``python -m ringmain.worker module:hub``, runs them until the process is told to stop.
"""

from ringmain.worker.handler import Handler
from ringmain.worker.outcome import Ack, Defer, Fail, Outcome, RateLimited, Reject, Release
from ringmain.worker.worker import Worker, WorkerStats

__all__ = [
    "Ack",
    "Defer",
    "Fail",
    "Handler",
    "Outcome",
    "RateLimited",
    "Reject",
    "Release",
    "Worker",
    "WorkerStats",
]
