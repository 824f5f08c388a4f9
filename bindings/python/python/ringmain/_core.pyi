"""The compiled half of Ringmain. Import `ringmain`, which re-exports all of this that is public."""

import os
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias, final

from typing_extensions import Buffer

from ringmain.aio import AsyncTaskQueue
from ringmain.errors import RingmainError
from ringmain.options import HubStats, Position, QueueStats, Retry, StreamStats, Time

__all__ = [
    "ERROR_CODES",
    "Group",
    "Hub",
    "Job",
    "JobIterator",
    "Member",
    "Message",
    "Peeked",
    "TaskQueue",
    "Reader",
    "Record",
    "Stream",
    "Waiter",
    "__version__",
    "_panic",
    "open",
]

__version__: Final[str]
ERROR_CODES: Final[dict[str, int]]

_Bytes: TypeAlias = Buffer
_Text: TypeAlias = Buffer | str
_Start: TypeAlias = Literal["earliest", "latest"] | int | Time

def open(
    path: str | os.PathLike[str] | None = None,
    durability: Literal["synced", "written", "relaxed"] = "synced",
) -> Hub:
    """Opens the durable hub in the directory `path`, making it if need be, or one in memory if there is no path.

    `durability` is what a verb of a durable hub waits for before it returns. ``"synced"``: the disk's sync, shared by
    callers at the same time; survives power loss. ``"written"``: the operating system; survives a killed process.
    ``"relaxed"``: nothing; loses at most the last 100 ms, as a prefix.

    Raises `Locked` if the directory is open, here or in another process; `StorageError`, `Corrupt` or `Unsupported`
    if its files cannot be read.
    """

@final
class Hub:
    """An open hub: queues and streams by name. Leaving its ``with`` block closes it."""

    @property
    def durable(self) -> bool:
        """Whether it lives on disk."""

    def queue(
        self,
        name: str,
        *,
        lease: float | None = None,
        max_failures: int | None = None,
        dead_letter: str | None = None,
        on_exhausted: Literal["drop", "keep"] | None = None,
        retry: Retry | None = None,
    ) -> TaskQueue:
        """Opens a queue, making it if it does not exist. Options given alter those stored.

        `lease`: how long a job is leased, in seconds; 30 by default, 0.001 to 7 days. `max_failures`: failures after
        which a message is exhausted; 5 by default, at least 1. `dead_letter`: the queue that exhausted and rejected
        messages go to, made if it does not exist. `on_exhausted`: in place of a dead letter queue, ``"drop"`` them or
        ``"keep"`` retrying for ever. `retry`: the delay before a failed message is tried again.

        A new queue must say what happens to exhausted messages, by `dead_letter` or `on_exhausted`: else
        `OptionMissing` is raised.
        """

    def stream(self, name: str, *, partitions: int | None = None) -> Stream:
        """Opens a stream, making it if it does not exist with this many partitions: 1 by default, at most 1024.

        One that exists with fewer gets more, unless it has records with keys, which would move: then `InvalidArgument` is
        raised. Raises `OptionMismatch` if it exists with more.
        """

    def queues(self) -> list[str]:
        """The names of the queues, in order."""

    def streams(self) -> list[str]:
        """The names of the streams, in order."""

    def flush(self) -> None:
        """Makes everything sent and appended so far durable."""

    def stats(self) -> HubStats:
        """Counts of every queue and stream that is open."""

    def close(self, timeout: float | None = 10.0) -> None:
        """Wakes and refuses every caller, releases the jobs that are out, makes everything durable, and unlocks the
        directory. Closing again does nothing; every other call raises `Closed` from then on.

        Raises `Timeout` if the disk takes longer than `timeout` seconds; closing goes on and unlocks when done.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Message:
    """A message for `send_many` and `append_many`, where a bare value is not enough."""

    def __new__(
        cls,
        value: _Bytes,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        delay: float | None = None,
        event_time_ns: int | None = None,
    ) -> Self:
        """The options are those of `TaskQueue.send`; a stream has no `delay`."""

@final
class TaskQueue:
    """A task queue: each message goes to one of its competing consumers."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def durable(self) -> bool:
        """Whether it lives on disk."""

    @property
    def aio(self) -> AsyncTaskQueue:
        """The same verbs as coroutines, for asyncio."""

    def send(
        self,
        value: _Bytes,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        delay: float | None = None,
        event_time_ns: int | None = None,
    ) -> int:
        """Sends a message; returns its id once it has reached the hub's durability.

        `key`: a label, at most 4096 bytes. `headers`: at most 64, names of at most 255 bytes that do not start with
        ``rm-``, values of at most 32 KiB. `delay`: not before this many seconds have passed, at most ten years.
        `event_time_ns`: when what it tells of happened. Key, headers and value together are at most 1 MiB, else
        `TooLarge` is raised.
        """

    def send_many(self, messages: Iterable[_Bytes | Message]) -> list[int]:
        """Sends several as one atomic batch, all or none, with one commit. Each is a value or a `Message`. At most
        65536 and 16 MiB. Returns their ids in order.
        """

    def receive(self, timeout: float | None = None) -> Job | None:
        """The next message, or None after `timeout` seconds. Without a timeout it waits for ever; Ctrl-C works."""

    def receive_nowait(self) -> Job | None:
        """The next message if there is one now."""

    def receive_many(self, count: int, timeout: float | None = None) -> list[Job]:
        """Up to `count` messages, waiting at most `timeout` seconds for the first; empty after that."""

    def ack_many(self, jobs: Iterable[Job]) -> list[RingmainError | None]:
        """Acks jobs of this queue with one commit. For each, in order: None, or the exception that an `ack` of it
        alone would have raised.
        """

    def peek(self, from_id: int = 0, count: int = 100) -> list[Peeked]:
        """Up to `count` waiting messages with an id of at least `from_id`, by id, without leasing them."""

    def stats(self) -> QueueStats:
        """Counts."""

    def __iter__(self) -> JobIterator:
        """Jobs without end, one leased at a time; closing the hub ends it."""

@final
class JobIterator:
    """What ``for job in queue`` iterates over."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Job: ...

@final
class Job:
    """One message, leased to whoever holds this.

    As a context manager it acks on a clean exit and fails with the exception's text on an `Exception`; anything else
    (Ctrl-C, exit, cancellation) releases it. A verb called inside the block wins. A job dropped without any verb is
    released.

    Each verb raises `LeaseLost`, and changes nothing, if the lease is no longer this job's.
    """

    @property
    def id(self) -> int:
        """The message's number in its queue."""

    @property
    def key(self) -> bytes | None:
        """The key, if it has one."""

    @property
    def value(self) -> bytes:
        """The value."""

    @property
    def headers(self) -> dict[str, bytes]:
        """The headers. Of several with one name the first."""

    @property
    def attempts(self) -> int:
        """Leases granted, this one included."""

    @property
    def failures(self) -> int:
        """Failures counted so far."""

    @property
    def time_ns(self) -> int:
        """When it was sent, in nanoseconds since 1970."""

    @property
    def event_time_ns(self) -> int | None:
        """The sender's event time, in nanoseconds since 1970."""

    def header(self, name: str) -> bytes | None:
        """The first header of that name."""

    def ack(self) -> None:
        """Done: it is never delivered again. Acking twice is fine."""

    def fail(self, reason: object, delay: float | None = None) -> None:
        """Failed: counts against `max_failures`; then it is retried after `delay` seconds (the queue's retry delay by
        default), or exhausted. The reason is a text or an exception; 4096 bytes of it are kept.
        """

    def release(self, delay: float = 0.0) -> None:
        """Hands it back, to be delivered after `delay` seconds. Does not count as a failure."""

    def reject(self, reason: object) -> None:
        """Dead letter now, without further attempts."""

    def extend(self, seconds: float) -> None:
        """Prolongs the lease to `seconds` from now; never shortens it."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Peeked:
    """A waiting message, seen without leasing it."""

    @property
    def id(self) -> int:
        """The message's number in its queue."""

    @property
    def key(self) -> bytes | None:
        """The key, if it has one."""

    @property
    def value(self) -> bytes:
        """The value."""

    @property
    def headers(self) -> dict[str, bytes]:
        """The headers. Of several with one name the first."""

    @property
    def attempts(self) -> int:
        """Leases granted."""

    @property
    def failures(self) -> int:
        """Failures counted so far."""

    @property
    def time_ns(self) -> int:
        """When it was sent, in nanoseconds since 1970."""

    @property
    def event_time_ns(self) -> int | None:
        """The sender's event time, in nanoseconds since 1970."""

    def header(self, name: str) -> bytes | None:
        """The first header of that name."""

@final
class Stream:
    """An event stream: each record is kept, and read by any number of readers at their own offsets."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def partitions(self) -> int:
        """How many partitions it has."""

    @property
    def durable(self) -> bool:
        """Whether it lives on disk."""

    def append(
        self,
        value: _Bytes,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        event_time_ns: int | None = None,
    ) -> Position:
        """Appends a record; returns its position once it has reached the hub's durability.

        Records of one `key` go to one partition, in order. The limits are those of `TaskQueue.send`.
        """

    def append_many(self, messages: Iterable[_Bytes | Message]) -> list[Position]:
        """Appends several with one commit; those of one partition are one atomic batch. Each is a value or a
        `Message`. Returns their positions in order.
        """

    def reader(self, start: _Start = "earliest", partition: int | None = None) -> Reader:
        """A reader of all partitions, or of one. `start` is ``"earliest"``, ``"latest"``, an offset, or a `Time`."""

    def groups(self) -> list[str]:
        """The names of its consumer groups, in order."""

    def group(self, name: str) -> Group:
        """A consumer group of this stream."""

    def stats(self) -> StreamStats:
        """Counts."""

@final
class Reader:
    """Reads a stream at its own pace. As an iterator it ends at the end of what is there now; `poll` waits for more.

    Other threads that call it meanwhile wait for their turn.
    """

    def poll(self, count: int, timeout: float | None = None) -> list[Record]:
        """Up to `count` records, waiting at most `timeout` seconds for the first; empty after that."""

    def seek(self, partition: int, offset: int) -> None:
        """Continues one partition at `offset`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...

@final
class Record:
    """One record of a stream."""

    @property
    def position(self) -> Position:
        """Partition and offset."""

    @property
    def partition(self) -> int:
        """The partition."""

    @property
    def offset(self) -> int:
        """Its number in the partition."""

    @property
    def key(self) -> bytes | None:
        """The key, if it has one."""

    @property
    def value(self) -> bytes:
        """The value."""

    @property
    def headers(self) -> dict[str, bytes]:
        """The headers. Of several with one name the first."""

    @property
    def time_ns(self) -> int:
        """When it was appended, in nanoseconds since 1970."""

    @property
    def event_time_ns(self) -> int | None:
        """The producer's event time, in nanoseconds since 1970."""

    def header(self, name: str) -> bytes | None:
        """The first header of that name."""

@final
class Group:
    """A consumer group: its members share the partitions, and its commits say how far it has come."""

    def join(self, start: _Start = "earliest") -> Member:
        """Joins. Partitions without a committed offset are read from `start`, which is committed at once, so that it
        means the same for whoever joins next.
        """

    def committed(self) -> list[int | None]:
        """Committed offsets, each the next to read, by partition."""

    def lag(self) -> int:
        """Records not yet committed, over all partitions."""

@final
class Member:
    """One member of a group: polls the partitions it owns and commits what it has handled. Leaving its ``with`` block
    leaves the group without a commit.

    A partition that is to move to another member moves when this one has polled again and has committed what it had polled of
    it, at the latest after 30 seconds; who does not poll for 5 minutes loses all. Commits of what was lost raise `Fenced`.

    Other threads that call it meanwhile wait for their turn.
    """

    def poll(self, count: int, timeout: float | None = None) -> list[Record]:
        """Up to `count` records of the partitions it owns, waiting at most `timeout` seconds for the first."""

    def commit(self) -> None:
        """Commits everything polled so far. Raises `Fenced` if some of it was lost; the rest is committed."""

    def commit_offset(self, partition: int, offset: int) -> None:
        """Commits one partition: `offset` is the next to read. Raises `Fenced` if the member no longer owns it."""

    def seek(self, partition: int, offset: int) -> None:
        """Continues one owned partition at `offset`."""

    def assignment(self) -> list[int]:
        """The partitions it owns now."""

    def lag(self) -> int:
        """Records that the group has not yet committed, over all partitions."""

    def leave(self) -> None:
        """Leaves the group; what it polled and did not commit goes to the others. Leaving again does nothing."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Waiter:
    """How `ringmain.aio` waits for a queue, within a ``with`` block: a file descriptor that gets readable."""

    def __new__(cls, queue: TaskQueue) -> Self: ...
    def fileno(self) -> int:
        """The descriptor that gets readable after `poll` gave None and there may be something."""

    def poll(self, count: int) -> list[Job] | None:
        """Up to `count` jobs. None means there are none and the descriptor is armed."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

def _panic(detached: bool = False) -> None: ...
