"""Exceptions, one for each code of the error table that every language of Ringmain shares.

All of them are a `RingmainError`. Where Python has a built-in exception for the case they are that too, so
``except TimeoutError`` and ``except KeyError`` work as one would guess.
"""

from __future__ import annotations

import queue
import sys
from typing import ClassVar

from ringmain._core import ERROR_CODES

if sys.version_info >= (3, 13):
    from queue import ShutDown as ShutDown
else:

    class ShutDown(Exception):
        """A `ringmain.Queue` was shut down: nothing goes in, or nothing is left. From Python 3.13 on `queue.ShutDown`."""


_CLASSES: dict[int, type[RingmainError]] = {}


class RingmainError(Exception):
    """What every exception of Ringmain is."""

    code: ClassVar[int] = 0
    """The stable number of the error, the same in every language."""
    name: ClassVar[str] = ""
    """The stable name of the error, the same in every language."""

    def __init_subclass__(cls, *, name: str | None = None, **options: object) -> None:
        super().__init_subclass__(**options)
        if name is not None:
            cls.name = name
            cls.code = ERROR_CODES[name]
            _CLASSES[cls.code] = cls

    # A KeyError shows its message quoted; these messages are sentences.
    __str__ = Exception.__str__


class InvalidArgument(RingmainError, ValueError, name="INVALID_ARGUMENT"):
    """An argument is out of its range."""


class InvalidName(RingmainError, ValueError, name="INVALID_NAME"):
    """A name is not 1 to 128 bytes of ``A-Z a-z 0-9 . _ -`` starting with a letter or digit, not ending in a dot."""


class TooLarge(RingmainError, ValueError, name="TOO_LARGE"):
    """A message, key, header or batch is over its limit."""


class NotFound(RingmainError, KeyError, name="NOT_FOUND"):
    """There is nothing of that name."""


class Locked(RingmainError, name="LOCKED"):
    """The hub's directory is open already; the message says by whom."""


class Closed(RingmainError, name="CLOSED"):
    """The hub, or what was called, is closed."""


class LeaseLost(RingmainError, name="LEASE_LOST"):
    """The lease is no longer this job's: it expired, was settled, or went to somebody else. Nothing changed."""


class Timeout(RingmainError, TimeoutError, name="TIMEOUT"):
    """A wait that had to succeed did not in its time."""


class StorageError(RingmainError, OSError, name="IO"):
    """The system refused a file operation; `errno` says why."""


class Poisoned(StorageError, name="POISONED"):
    """A write or sync failed earlier, with this `errno`: nothing more is written until the hub is opened again."""


class Corrupt(RingmainError, name="CORRUPT"):
    """A file says something that Ringmain never wrote; the message says where."""


class Unsupported(RingmainError, name="UNSUPPORTED"):
    """A file was written by a version of Ringmain that this one does not understand."""


class Fenced(RingmainError, name="FENCED"):
    """A group member acted on a partition that it no longer owns, or another member has taken its name."""


class OutOfRange(RingmainError, IndexError, name="OUT_OF_RANGE"):
    """An offset lies outside what the partition holds."""


class OptionMismatch(RingmainError, ValueError, name="OPTION_MISMATCH"):
    """The queue or stream exists with another value of an option that cannot be altered."""


class OptionMissing(RingmainError, ValueError, name="OPTION_MISSING"):
    """A new queue or stream needs an option that has no safe default."""


class Forked(RingmainError, RuntimeError, name="FORKED"):
    """The hub belongs to the parent of this process: open one after forking."""


class Internal(RingmainError, RuntimeError, name="INTERNAL"):
    """A bug in Ringmain. Please report it."""


class InvalidHandle(RingmainError, name="INVALID_HANDLE"):
    """A handle is closed or never was one. Python never sees it; the table is shared with C."""


class DiskFull(StorageError, name="DISK_FULL"):
    """Publishing would use the part of the disk that is kept in reserve; acknowledging and committing go on."""


class Full(RingmainError, queue.Full, name="FULL"):
    """A queue holds as much as it was told to hold: have more of it received and acked, or send it later."""


class Duplicate(RingmainError, name="DUPLICATE"):
    """A message has the deduplication key of an earlier one, and the queue was told to refuse that."""


class Conflict(RingmainError, name="CONFLICT"):
    """A partition does not end where an append was to go: read what is there, then append where it ends."""


class SequenceGap(RingmainError, name="SEQUENCE_GAP"):
    """A producer left out sequence numbers: append what is missing first."""


class ProducerFenced(RingmainError, name="PRODUCER_FENCED"):
    """A producer was opened again: the handle from before may not append any more."""


class HandlerFailed(RingmainError, name="HANDLER_FAILED"):
    """The handler of a stream's worker failed as often as it may: the worker has stopped, nothing of that record is committed."""


def _build(code: int, message: str, errno: int) -> RingmainError:
    """The exception of an error of the core."""
    error = _CLASSES.get(code, RingmainError)(message)
    if errno and isinstance(error, OSError):
        error.errno = errno
    return error
