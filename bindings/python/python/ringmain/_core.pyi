"""The compiled half of Ringmain. Import `ringmain`, which re-exports all of this that is public."""

import os
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Generic, Literal, Self, TypeAlias, TypeVar, Unpack, final

from typing_extensions import Buffer, disjoint_base

from ringmain.errors import RingmainError
from ringmain.options import MessageOptions, Position, Sent, StreamStats, Time

__all__ = [
    "ERROR_CODES",
    "Consumer",
    "Group",
    "Hub",
    "Job",
    "JobIterator",
    "Keeper",
    "Lease",
    "ManualClock",
    "Member",
    "Message",
    "Peeked",
    "Reader",
    "Receipt",
    "Record",
    "Stream",
    "TaskQueue",
    "Waiter",
    "__version__",
    "_global_call",
    "_notice",
    "_panic",
    "_take_notices",
]

_T_co = TypeVar("_T_co", covariant=True)

__version__: Final[str]
ERROR_CODES: Final[dict[str, int]]

_Bytes: TypeAlias = Buffer
_Text: TypeAlias = Buffer | str
_Start: TypeAlias = Literal["earliest", "latest"] | int | Time

@disjoint_base
class Hub:
    """An open hub, as `ringmain.Hub` builds on it."""

    def __new__(
        cls, path: str | os.PathLike[str] | None, options: str, clock: ManualClock | None = None
    ) -> Self: ...
    @property
    def durable(self) -> bool:
        """Whether it lives on disk."""

    def stream(self, name: str, *, partitions: int | None = None) -> Stream:
        """Opens a stream, making it if it does not exist with this many partitions: 1 by default, at most 1024.

        One that exists with fewer gets more, unless it has records with keys, which would move: then `InvalidArgument` is
        raised. Raises `OptionMismatch` if it exists with more.
        """

    def close(self, timeout: float | None = 10.0) -> None:
        """Wakes and refuses every caller, releases the jobs that are out, makes everything durable, and unlocks the
        directory. Closing again does nothing; every other call raises `Closed` from then on.

        Raises `Timeout` if the disk takes longer than `timeout` seconds; closing goes on and unlocks when done.
        """

    def _call(self, verb: str, arguments: str) -> str: ...
    def _snapshot(self, into: str, progress: Callable[[int, int], object]) -> str | None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class ManualClock:
    """A clock for tests, which stands still until it is moved: ``ringmain.open(clock=clock)``. Several hubs may share one."""

    def __new__(cls) -> Self: ...
    @property
    def now_ns(self) -> int:
        """The time it stands at, in nanoseconds since 1970; one second at first."""

    def advance(self, seconds: float) -> None:
        """Moves it forward. What falls due has happened in its hubs when this returns."""

@final
class Message:
    """A message for `send_many` and `append_many`, where a bare value is not enough."""

    def __new__(cls, value: _Bytes, **options: Unpack[MessageOptions]) -> Self:
        """`ringmain.MessageOptions` has the options. A stream takes those that are not for queues only."""

@disjoint_base
class TaskQueue:
    """A task queue, as `ringmain.TaskQueue` builds on it: the verbs that are called for each message."""

    def __new__(cls, hub: Hub, name: str, options: str) -> Self: ...
    @property
    def name(self) -> str:
        """The name."""

    @property
    def durable(self) -> bool:
        """Whether it lives on disk."""

    @property
    def is_bounded(self) -> bool:
        """Whether it has a capacity, so that sending may wait for room or be refused."""

    def send(self, value: _Bytes | Message, **options: Unpack[MessageOptions]) -> int:
        """Sends a message; returns its id once it has reached the hub's durability. Of a duplicate (``dedup_key``) it is the
        first message's id. `ringmain.MessageOptions` has the options; a `Message` has its own.

        Key, headers and value together are at most 1 MiB, else `TooLarge` is raised. A queue with a `Capacity` may
        have it wait for room (Ctrl-C works), and raises `Full`; `Duplicate` and `DiskFull` are raised where they are told to be.
        """

    def send_unique(self, value: _Bytes | Message, **options: Unpack[MessageOptions]) -> Sent:
        """As `send`, and says whether the message was a duplicate."""

    def send_many(self, messages: Iterable[_Bytes | Message]) -> list[int]:
        """Sends several as one atomic batch, all or none but for duplicates, with one commit. Each is a value or a `Message`.
        At most 65,536 and 16 MiB. Returns their ids in order.
        """

    def submit(self, value: _Bytes | Message, **options: Unpack[MessageOptions]) -> Receipt[int]:
        """As `send`, and does not wait for the disk nor for room: the receipt, whose value is the id, does the first, `Full`
        is raised for the second. A message with a delay or other options of queues is waited for at once.
        """

    def submit_many(self, messages: Iterable[_Bytes | Message]) -> Receipt[list[Sent]]:
        """As `send_many`, and does not wait: see `submit`. At least one message."""

    def receive(self, timeout: float | None = None, *, lease: float | None = None) -> Job | None:
        """The next message, or None after `timeout` seconds. Without a timeout it waits for ever; Ctrl-C works. `lease`: for how
        many seconds, in place of the queue's own time; 0.001 to its ``lease_total_max``.
        """

    def receive_nowait(self) -> Job | None:
        """The next message if there is one now."""

    def receive_many(
        self,
        count: int,
        timeout: float | None = None,
        *,
        count_min: int = 1,
        bytes_max: int | None = None,
        lease: float | None = None,
    ) -> list[Job]:
        """Up to `count` messages (1 to 65,536), waiting at most `timeout` seconds for `count_min` of them; then there are fewer, or
        none. With `bytes_max` no more than so many bytes of values, but for one that is longer, which comes alone. Ctrl-C
        hands back what has come. `lease` as in `receive`, and not together with the other two.
        """

    def receive_deferred(self, id: int) -> Job | None:
        """A message that was set aside by `Job.defer`. None: it was not, is no longer there, somebody has it, or a pause or a
        limit is in its way.
        """

    def lease(self, timeout: float | None = None, *, lease: float | None = None) -> Lease:
        """``with queue.lease() as job``: receives on entering the block, and is the job's own context manager on leaving it.
        The job is None if there is none after `timeout` seconds.
        """

    def consumer(self, prefetch: int = 1) -> Consumer:
        """A standing receiver, which takes up to `prefetch` messages (1 to 65,536) ahead. A queue with
        ``single_active_consumer`` is received from by consumers and workers only.
        """

    def ack_many(self, jobs: Iterable[Job]) -> list[RingmainError | None]:
        """Acks jobs of this queue with one commit. For each, in order: None, or the exception that an `ack` of it
        alone would have raised.
        """

    def fail_many(self, jobs: Iterable[Job], reason: object) -> list[RingmainError | None]:
        """As `ack_many`, failing them for one reason."""

    def release_many(self, jobs: Iterable[Job]) -> list[RingmainError | None]:
        """As `ack_many`, handing them back."""

    def peek(self, from_id: int = 0, count: int = 100) -> list[Peeked]:
        """Up to `count` waiting messages with an id of at least `from_id`, by id, without leasing them."""

    def _call(self, verb: str, arguments: str) -> str: ...
    def _peek_letters(self, letters: str, count: int) -> list[Peeked]: ...
    def __iter__(self) -> JobIterator:
        """Jobs without end, one leased at a time; closing the hub ends it."""

@final
class JobIterator:
    """What ``for job in queue`` iterates over."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Job: ...

@final
class Lease:
    """What `TaskQueue.lease` returns, for a ``with`` block."""

    def __enter__(self) -> Job | None: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Consumer:
    """A standing receiver of a queue: takes messages ahead, each leased from when it is handed out. Leaving its ``with``
    block closes it. Other threads that call it meanwhile wait for their turn.
    """

    def receive(self, timeout: float | None = None) -> Job | None:
        """The next message, or None after `timeout` seconds."""

    def receive_deferred(self, id: int) -> Job | None:
        """As `TaskQueue.receive_deferred`; where only one consumer may be active, by that one."""

    def ack_up_to(self, job: Job) -> None:
        """Acks a job, and all that this consumer handed out before it and that are still out, with one commit. Raises
        `InvalidArgument` for a job that is not out with this consumer.
        """

    def close(self) -> None:
        """Hands back what was taken ahead; the next consumer in the row becomes the active one. Closing again does nothing."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Job: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Receipt(Generic[_T_co]):
    """What was accepted, and is durable later."""

    @property
    def value(self) -> _T_co:
        """What it is for: the id or the position that was given."""

    @property
    def is_reached(self) -> bool:
        """Whether it has reached its durability. Looks, and does not wait."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it has, at most `timeout` seconds; whether it has. Raises `Poisoned` if a write or sync failed: then it
        is not known whether it is on disk. Ctrl-C works.
        """

    @classmethod
    def __class_getitem__(cls, _of: Any) -> type[Self]: ...

@final
class Keeper:
    """How workers prolong the leases of jobs of one queue: from a thread of the core, whatever the interpreter is busy with."""

    def __new__(cls, queue: TaskQueue) -> Self: ...
    def hold(self, job: Job, total: float | None = None) -> None:
        """Prolongs its lease from now on, for `total` seconds altogether, an hour by default, until it is settled or dropped."""

    def let_go(self, job: Job) -> None:
        """Prolongs it no more."""

    def stall_after(self, seconds: float) -> None:
        """Prolongs nothing from when nobody has called `beat` for so long, until somebody does."""

    def beat(self) -> None:
        """Whoever runs the jobs is alive."""

    def take_lost(self) -> list[int]:
        """The ids of messages whose leases were found lost since this was asked last."""

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

    @property
    def queue(self) -> str:
        """The name of its queue."""

    @property
    def is_cancelled(self) -> bool:
        """Whether the work is no longer wanted: it was cancelled, somebody took it out of the queue, or its worker's time limit
        has passed. An ack still counts if the message is there.
        """

    @property
    def is_settled(self) -> bool:
        """Whether a verb of this job has ended its lease. That another one has it meanwhile is not seen here."""

    def view(self) -> memoryview:
        """The value without a copy, read-only; worth it from a few KiB on. It keeps the job's memory, not its lease."""

    def ack(self, result: _Bytes | None = None) -> None:
        """Done: it is never delivered again. Acking twice is fine. A `result` of at most 4 KiB is told by
        `TaskQueue.finished`; on a queue without a ``history`` it raises `OptionMissing`, and nothing was acked.
        """

    def fail(self, reason: object, delay: float | None = None, *, error_class: str | None = None) -> None:
        """Failed: counts against `max_failures`; then it is retried after `delay` seconds (the queue's retry delay by
        default), or exhausted. The reason is a text or an exception; 4096 bytes of it are kept. What becomes of an
        `error_class` (the exception's name by default, 1 to 64 bytes) the queue's ``error_classes`` say, unless a delay is given.
        """

    def rate_limited(self, retry_after: float) -> None:
        """Hands it back, because what handles it is rate limited: does not count, and no message of its key, or of the queue
        if it has no key, is delivered for `retry_after` seconds.
        """

    def defer(self) -> None:
        """Sets it aside: only `TaskQueue.receive_deferred` delivers it from now on."""

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
    def _call_off(self) -> None: ...

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

    def poll_consumer(self, consumer: Consumer) -> Job | None:
        """The next job of a consumer of the queue, likewise."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

def _global_call(verb: str, arguments: str) -> str: ...
def _notice(verbosity: int) -> None: ...
def _take_notices(timeout: float | None = None) -> tuple[list[tuple[int, str, str, dict[str, str | int | bool]]], int]: ...
def _panic(detached: bool = False) -> None: ...
