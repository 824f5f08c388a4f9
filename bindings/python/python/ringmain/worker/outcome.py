"""What a handler may say of its job, beside returning (an ack) or raising (a failure): return one of these, or raise it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringmain._core import Job


class Outcome(Exception):
    """What becomes of a job."""

    def settle(self, job: Job) -> None:
        """Says it of a job."""
        raise NotImplementedError


class Ack(Outcome):
    """Done, with a result of at most 4 KiB that `TaskQueue.finished` tells, on a queue with a ``history``."""

    def __init__(self, result: bytes | None = None) -> None:
        super().__init__(result)
        self.result = result

    def settle(self, job: Job) -> None:
        """As `Job.ack`."""
        job.ack(self.result)


class Fail(Outcome):
    """Counts as a failure: tried again after `delay` seconds (the queue's retry delay by default), or dead."""

    def __init__(self, reason: object, delay: float | None = None, *, error_class: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay
        self.error_class = error_class

    def settle(self, job: Job) -> None:
        """As `Job.fail`."""
        job.fail(self.reason, self.delay, error_class=self.error_class)


class Release(Outcome):
    """Handed back without penalty, to be delivered after `delay` seconds."""

    def __init__(self, delay: float = 0.0) -> None:
        super().__init__(delay)
        self.delay = delay

    def settle(self, job: Job) -> None:
        """As `Job.release`."""
        job.release(self.delay)


class Reject(Outcome):
    """A dead letter now, without further attempts."""

    def __init__(self, reason: object) -> None:
        super().__init__(reason)
        self.reason = reason

    def settle(self, job: Job) -> None:
        """As `Job.reject`."""
        job.reject(self.reason)


class RateLimited(Outcome):
    """Handed back without penalty, and nothing of its key is delivered for `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def settle(self, job: Job) -> None:
        """As `Job.rate_limited`."""
        job.rate_limited(self.retry_after)


class Defer(Outcome):
    """Set aside, until `TaskQueue.receive_deferred` asks for it."""

    def settle(self, job: Job) -> None:
        """As `Job.defer`."""
        job.defer()
