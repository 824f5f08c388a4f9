"""Ringmain: embeddable messaging. Task queues and event streams in a library, in memory or durable, with no broker.

    >>> import ringmain
    >>> hub = ringmain.open()  # in memory; ringmain.open("data") is durable
    >>> queue = hub.queue("emails", dead_letter="emails.dead")
    >>> queue.send(b"hello", key="anna")
    0
    >>> with queue.receive() as job:  # acked on leaving the block, failed if an exception leaves it
    ...     job.value
    b'hello'

Times are seconds as floats, and `None` waits for ever; timestamps are nanoseconds since 1970. A value is `bytes`,
`bytearray` or a `memoryview`; a key or a header's value may also be a `str`, which becomes UTF-8. Every handle may be
used from any thread.
"""

from ringmain._core import (
    Group,
    Hub,
    Job,
    Member,
    Message,
    Peeked,
    Reader,
    Record,
    Stream,
    TaskQueue,
    __version__,
    open,
)
from ringmain.aio import AsyncTaskQueue
from ringmain.errors import (
    Closed,
    Conflict,
    Corrupt,
    DiskFull,
    Duplicate,
    Fenced,
    Forked,
    Full,
    HandlerFailed,
    Internal,
    InvalidArgument,
    InvalidHandle,
    InvalidName,
    LeaseLost,
    Locked,
    NotFound,
    OptionMismatch,
    OptionMissing,
    OutOfRange,
    Poisoned,
    ProducerFenced,
    RingmainError,
    SequenceGap,
    StorageError,
    Timeout,
    TooLarge,
    Unsupported,
)
from ringmain.options import HubStats, PartitionStats, Position, QueueStats, Retry, StreamStats, Time

__all__ = [
    "AsyncTaskQueue",
    "Closed",
    "Conflict",
    "Corrupt",
    "DiskFull",
    "Duplicate",
    "Fenced",
    "Forked",
    "Full",
    "Group",
    "HandlerFailed",
    "Hub",
    "HubStats",
    "Internal",
    "InvalidArgument",
    "InvalidHandle",
    "InvalidName",
    "Job",
    "LeaseLost",
    "Locked",
    "Member",
    "Message",
    "NotFound",
    "OptionMismatch",
    "OptionMissing",
    "OutOfRange",
    "PartitionStats",
    "Peeked",
    "Poisoned",
    "Position",
    "ProducerFenced",
    "QueueStats",
    "Reader",
    "Record",
    "Retry",
    "RingmainError",
    "SequenceGap",
    "StorageError",
    "Stream",
    "StreamStats",
    "TaskQueue",
    "Time",
    "Timeout",
    "TooLarge",
    "Unsupported",
    "__version__",
    "open",
]
