"""The compiled half of Ringmain. Import `ringmain`, which re-exports all of this that is public."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from datetime import datetime
from types import GenericAlias, TracebackType
from typing import Any, Final, Generic, Literal, Self, TypeAlias, TypeVar, Unpack, final, overload

from typing_extensions import Buffer, disjoint_base

from ringmain.aio import AsyncMember, AsyncReader
from ringmain.aio import Queue as _AsyncQueue
from ringmain.errors import RingmainError
from ringmain.options import Accepted, MessageOptions, Position, Sent, StreamWorkerStats, Time
from ringmain.stream_worker import Options as WorkerOptions

__all__ = [
    "Alarm",
    "Batcher",
    "Consumer",
    "ERROR_CODES",
    "Filter",
    "Follow",
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
    "Pending",
    "Processing",
    "Producer",
    "Queue",
    "Reader",
    "Receipt",
    "Record",
    "Replay",
    "SimpleQueue",
    "Stream",
    "StreamWorker",
    "Table",
    "TableIterator",
    "TaskQueue",
    "Waiter",
    "__version__",
    "_after_fork",
    "_global_call",
    "_notice",
    "_Stop",
    "_panic",
    "_take_notices",
]

_T_co = TypeVar("_T_co", covariant=True)

__version__: Final[str]
ERROR_CODES: Final[dict[str, int]]

_D = TypeVar("_D")
_Bytes: TypeAlias = Buffer
_Text: TypeAlias = Buffer | str
_Durability: TypeAlias = Literal["synced", "written", "relaxed"]
_Start: TypeAlias = Literal["earliest", "latest"] | int | datetime | Time
_End: TypeAlias = Literal["now"] | int | datetime | Time
_Reset: TypeAlias = Literal["fail", "earliest", "latest"]
_T = TypeVar("_T")

@disjoint_base
class Hub:
    """An open hub, as `ringmain.Hub` builds on it."""

    def __new__(
        cls, path: str | os.PathLike[str] | None, options: str, clock: ManualClock | None = None
    ) -> Self: ...
    @property
    def durable(self) -> bool:
        """Whether it lives on disk."""

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

    @staticmethod
    def tombstone(key: _Text) -> Message:
        """A record that says that its key has no value any more. A compacted stream forgets what came before it, and in time the
        tombstone itself.
        """

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
    def _send(self, stop: _Stop, value: _Bytes | Message, **options: Unpack[MessageOptions]) -> int: ...
    def _send_unique(self, stop: _Stop, value: _Bytes | Message, **options: Unpack[MessageOptions]) -> Sent: ...
    def _send_many(self, stop: _Stop, messages: Iterable[_Bytes | Message]) -> list[int]: ...
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

@disjoint_base
class Stream:
    """An event stream's hot verbs: what `ringmain.Stream` stands on."""

    def __new__(
        cls,
        hub: Hub,
        name: str,
        options: str = "",
        choose: Callable[[bytes | None, bytes, int], int] | None = None,
    ) -> Self: ...
    def _call(self, verb: str, arguments: str) -> str: ...
    def _start_worker(
        self, group: str, handler: Callable[..., object], options: WorkerOptions
    ) -> StreamWorker: ...
    @property
    def name(self) -> str:
        """The name."""

    @property
    def partitions(self) -> int:
        """How many partitions it has."""

    @property
    def durable(self) -> bool:
        """Whether it lives on disk."""

    @property
    def is_gated(self) -> bool:
        """Whether an append may wait for slow readers: see `Gate`."""

    def append(
        self,
        value: _Bytes | Message,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        event_time_ns: int | None = None,
        durability: _Durability | None = None,
    ) -> Position:
        """Appends a record; returns its position once it has reached the hub's durability, or the safer one given here.

        Records of one `key` go to one partition, in order. The limits are those of `TaskQueue.send`. A `Message` has its
        options already.

        Raises `TooLarge` and `InvalidArgument`, also for a record without a key where the stream is compacted: nothing was
        appended. `Full` because of a slow reader, or of more keys than the stream may have. `Poisoned`: it is not known
        whether it is on disk.
        """

    def append_many(self, messages: Iterable[_Bytes | Message]) -> list[Position]:
        """Appends several with one commit; those of one partition are one atomic batch. Each is a value or a
        `Message`. At most 65536, and 16 MiB a partition. Returns their positions in order.
        """

    def append_to(
        self,
        partition: int,
        value: _Bytes | Message,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        event_time_ns: int | None = None,
        durability: _Durability | None = None,
    ) -> Position:
        """As `append`, to this partition whatever the key. Raises `NotFound` if there is no such partition."""

    def append_many_to(self, partition: int, messages: Iterable[_Bytes | Message]) -> list[Position]:
        """As `append_many`, to this partition whatever the keys: one atomic batch."""

    def append_expecting(
        self, partition: int, end: int, messages: Iterable[_Bytes | Message]
    ) -> list[Position]:
        """Appends one atomic batch to a partition, if that ends at offset `end`: of several who read to there and append what
        follows from it, one succeeds. Raises `Conflict`, saying where it ends: nothing was appended.
        """

    def submit(
        self,
        value: _Bytes | Message,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        event_time_ns: int | None = None,
        durability: _Durability | None = None,
    ) -> Receipt[Position]:
        """As `append`, and does not wait for the disk: the receipt does."""

    def submit_many(self, messages: Iterable[_Bytes | Message]) -> Receipt[list[Position]]:
        """As `append_many`, and does not wait for the disk: the receipt does."""

    def submit_to(
        self,
        partition: int,
        value: _Bytes | Message,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        event_time_ns: int | None = None,
        durability: _Durability | None = None,
    ) -> Receipt[Position]:
        """As `append_to`, and does not wait for the disk: the receipt does."""

    def submit_many_to(
        self, partition: int, messages: Iterable[_Bytes | Message]
    ) -> Receipt[list[Position]]:
        """As `append_many_to`, and does not wait for the disk: the receipt does."""

    def batcher(
        self, *, linger: float = 0.0, max_batch_bytes: int = 16384, max_batch_messages: int = 65536
    ) -> Batcher:
        """Gathers records into batches, each closed by whichever comes first.

        `linger`: how many seconds the first record of a batch waits for others. `max_batch_bytes`: bytes of a batch as it
        lies in the log, 1 to 16 MiB; a larger record is a batch of its own. `max_batch_messages`: 1 to 65536.
        """

    def producer(self, name: str) -> Producer:
        """Opens a producer of this name, making it if there is none: what it appends again is left out. Handles that were opened
        before are refused from then on, with `ProducerFenced`.

        Raises `Full` if 10000 are kept: `delete_producer` forgets one.
        """

    def reader(
        self,
        start: _Start = "earliest",
        partition: int | None = None,
        *,
        until: _End | None = None,
        only: Filter | Callable[[Record], object] | None = None,
        on_out_of_range: _Reset = "fail",
    ) -> Reader:
        """A reader of all partitions, or of one.

        `start`: ``"earliest"``, ``"latest"``, an offset, or a `datetime` or `Time`: the first record appended then or later.
        `until`: it ends before what is appended from ``"now"`` on, before an offset, or before a time. `only`: it hands out
        only the records that a `Filter`, or a callable given a `Record`, wants. `on_out_of_range`: where it goes on when what it
        would read next was removed, ``"earliest"`` or ``"latest"`` after having raised `OutOfRange` once; ``"fail"`` raises
        it each time until `Reader.seek`.

        Raises `OutOfRange` if an offset is not held, `NotFound` if there is no such partition.
        """

    def group(self, name: str) -> Group:
        """A consumer group of this stream."""

    def table(self) -> Table:
        """The last record of each key, of a stream with `compaction`.

        Raises `InvalidArgument` if it has none, `Full` if there are more keys than `Compaction.keys_max`.
        """

@final
class Receipt(Generic[_T]):
    """Something that was accepted, and may not be durable yet. ``await receipt`` gives its value when it is. Dropping it changes
    nothing.
    """

    @classmethod
    def __class_getitem__(cls, _of: object) -> type[Receipt[Any]]: ...
    @property
    def value(self) -> _T:
        """What was given: the position, the id, or several. Known at once."""

    @property
    def is_reached(self) -> bool:
        """Whether it has reached its durability. Looks, and does not wait."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it has reached its durability; False after `timeout` seconds.

        Raises `Poisoned`: a write failed, and it is not known whether it is on disk.
        """

    def __await__(self) -> Generator[Any, None, _T]: ...

@final
class Batcher:
    """Gathers records into batches: see `Stream.batcher`. What lingers is nowhere but in memory until its batch is closed.
    Leaving its ``with`` block, or dropping it, appends what it has gathered.
    """

    def send(
        self,
        value: _Bytes | Message,
        *,
        key: _Text | None = None,
        headers: Mapping[str, _Text] | None = None,
        event_time_ns: int | None = None,
        durability: _Durability | None = None,
    ) -> Pending:
        """Takes a record, which is appended with its batch. What became of it, the result tells.

        Raises as `Stream.append`: nothing was taken.
        """

    def flush(self) -> None:
        """Appends what was gathered; returns when it has reached its durability."""

    def close(self) -> None:
        """The same, and takes no more. Closing again does nothing."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Pending:
    """A record that was sent to a batcher. ``await pending`` gives its position when it is durable."""

    @property
    def is_reached(self) -> bool:
        """Whether it was appended and is durable, or failed. Looks, and does not wait."""

    def wait(self, timeout: float | None = None) -> Position:
        """Waits until it was appended and is durable.

        Raises `Timeout` after `timeout` seconds; and what an append of its batch raises.
        """

    def __await__(self) -> Generator[Any, None, Position]: ...

@final
class Producer:
    """A producer of a stream, by its name. It numbers its messages from 0; those that were appended before are left out, also
    after a crash. So a call may be repeated until it is heard of, with the same messages.
    """

    @property
    def name(self) -> str:
        """The name."""

    @property
    def epoch(self) -> int:
        """How often it was opened, this time included."""

    def next_sequence(self) -> int:
        """The sequence to go on with: all messages before it were appended.

        Raises `ProducerFenced` if it was opened again, `NotFound` if it was deleted.
        """

    def append(self, sequence: int, messages: Iterable[_Bytes | Message]) -> Accepted:
        """Appends messages, the first of which has this sequence and each other the next one; returns once they are durable.
        Those that go to one partition are one atomic batch; keyless ones all go to the same one.

        Raises `SequenceGap` if messages before it were not appended yet, `ProducerFenced`, `NotFound`: nothing was
        appended.
        """

    def submit(self, sequence: int, messages: Iterable[_Bytes | Message]) -> Receipt[Accepted]:
        """As `append`, and does not wait for the disk: the receipt does, for everything of this producer up to here."""

@final
class Filter:
    """Which records a reader wants. Keys and values of headers are compared byte for byte; ``a & b`` is both, ``a | b`` either.

    At most 65536 terms, each key counted, at most 16 deep in one another.
    """

    @staticmethod
    def key(key: _Text) -> Filter:
        """Records with this key."""

    @staticmethod
    def keys(*keys: _Text) -> Filter:
        """Records with one of these keys."""

    @staticmethod
    def header(name: str, value: _Text | None = None) -> Filter:
        """Records with a header of that name; with that value, if one is given."""

    @staticmethod
    def all(*filters: Filter | Callable[[Record], object]) -> Filter:
        """Records that all of these want; all records, if there are none."""

    @staticmethod
    def any(*filters: Filter | Callable[[Record], object]) -> Filter:
        """Records that any of these wants; no record, if there are none."""

    @staticmethod
    def by(is_wanted: Callable[[Record], object]) -> Filter:
        """Records of which `is_wanted` says so. It is called in the thread that polls, with a copy of the record. What it
        raises the poll raises, after having handed out what came before; the record comes again.
        """

    def __and__(self, other: Filter | Callable[[Record], object], /) -> Filter: ...
    def __rand__(self, other: Callable[[Record], object], /) -> Filter: ...
    def __or__(self, other: Filter | Callable[[Record], object], /) -> Filter: ...
    def __ror__(self, other: Callable[[Record], object], /) -> Filter: ...

@final
class Reader:
    """Reads a stream at its own pace. As an iterator it ends at the end of what is there now; `poll`, `fetch` and `follow` wait for
    more. Order is kept within a partition.

    Other threads that call it meanwhile wait for their turn; `cancel` does not.
    """

    @property
    def aio(self) -> AsyncReader:
        """The verbs that wait as coroutines, for asyncio."""

    def poll(self, count: int, timeout: float | None = None) -> list[Record]:
        """Up to `count` records (1 to 65536), waiting at most `timeout` seconds for the first; empty after that, and at once
        where there is nothing to wait for: it has come to its end, or was cancelled.

        Raises `OutOfRange` if what it would read next was removed: see `on_out_of_range` of `Stream.reader`. `Closed`;
        `Corrupt` or `StorageError` if a file cannot be read.
        """

    def fetch(
        self,
        *,
        bytes_min: int = 1,
        bytes_max: int = 1048576,
        count_max: int = 500,
        timeout: float | None = 0.5,
    ) -> list[Record]:
        """Records of at least `bytes_min` bytes, of no more than `bytes_max` (but a first record that has more all the same), no
        more than `count_max`; what there is after `timeout` seconds. Bytes are those of key, headers and value, and 24 each.

        Raises as `poll`; `InvalidArgument` for limits that contradict each other.
        """

    def poll_batch(self, count: int, fill: float, timeout: float | None = None) -> list[Record]:
        """As `poll`, and then waits for more, until there are `count`, or at most `fill` seconds since the first came."""

    def follow(self, end_after: float | None = None) -> Follow:
        """An iterator that waits for what comes. It ends where the reader does, when it is cancelled, when the hub is closed, and
        after `end_after` seconds, if that is given.
        """

    def replay(
        self,
        factor: float = 1.0,
        *,
        time_of: Literal["ingest", "event"] = "ingest",
        gap_max: float | None = None,
    ) -> Replay:
        """An iterator that hands records out at the pace at which they came, `factor` times as fast. The reader is used up.

        `time_of`: the time that counts, that of appending or the event time. `gap_max`: longer gaps between two records are
        taken for gaps of so many seconds, before the factor. Order is that of times, across the partitions.
        """

    def cancel(self) -> None:
        """From now on it waits for nothing any more: calls that wait return what there is, and `follow` ends."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled."""

    def seek(self, partition: int, offset: int) -> None:
        """Continues one partition at `offset`. Raises `OutOfRange` if that is not held, `NotFound` if the partition is not read
        here.
        """

    def lag(self) -> int:
        """How many records it is behind, over all its partitions: offsets from its places to the ends."""

    @property
    def is_done(self) -> bool:
        """Whether it was told an end by `until`, and has come to it in all its partitions."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...

@final
class Follow:
    """What `Reader.follow` gives: an iterator that waits for what comes."""

    def cancel(self) -> None:
        """Ends it, at once if it waits, from any thread. The reader is cancelled."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...

@final
class Replay:
    """What `Reader.replay` gives: an iterator that waits for the time of the next record, and ends at the end of what is there."""

    def cancel(self) -> None:
        """Ends it, at once if it waits, from any thread."""

    def due_ns(self) -> int | None:
        """When the next record is due, in nanoseconds since 1970; None if there is none."""

    def next_nowait(self) -> Record | None:
        """The next record, if its time has come."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...

@final
class Record:
    """One record of a stream. It keeps the part of the log that it lies in; copy what you keep for long."""

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
    def is_tombstone(self) -> bool:
        """Whether it says that its key has no value any more: see `Message.tombstone`."""

    @property
    def key(self) -> bytes | None:
        """The key, if it has one."""

    @property
    def value(self) -> bytes:
        """The value, copied."""

    def view(self) -> memoryview:
        """The value where it lies, read-only and not copied: for large values, from about 4 KiB. The view keeps the record."""

    if sys.version_info >= (3, 12):
        def __buffer__(self, flags: int, /) -> memoryview: ...

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

    @property
    def name(self) -> str:
        """The name."""

    def join(
        self,
        start: _Start | Literal["committed"] = "earliest",
        *,
        member_name: str | None = None,
        session_timeout: float = 45.0,
        max_poll_interval: float | None = 300.0,
        revoke_timeout: float | None = None,
        on_out_of_range: _Reset = "fail",
        commit_mode: Literal["manual", "on_poll", "at_most_once"] = "manual",
        on_assign: Callable[[Member, list[int]], object] | None = None,
        on_revoke: Callable[[Member, list[int]], object] | None = None,
        on_lost: Callable[[Member, list[int]], object] | None = None,
    ) -> Member:
        """Joins. Partitions without a committed offset are read from `start`, which is committed at once, so that it
        means the same for whoever joins next; ``"committed"`` raises `NotFound` if the group has not committed yet.

        `member_name`: what the member has is kept for this name while it is away, up to `session_timeout` seconds; who joins by
        the name of a member that is there takes its place. `max_poll_interval`: after so many seconds without a poll, or a
        handler that is known to run (`Member.processing`), it is given up for dead; None for never. `revoke_timeout`: how long a
        partition that is to move waits for the commit of what was polled of it; the first member decides it for the group, 30 by
        default. `on_out_of_range`: as of `Stream.reader`. `commit_mode`: when what was polled is committed: by `Member.commit`;
        ``"on_poll"`` by the next poll; ``"at_most_once"`` before poll returns it.

        The callbacks are called with the member and the partitions, in the thread that polls, with no lock held: every verb of
        the member may be used there. `on_revoke`: nothing more of these is polled, and what was can be committed, before they
        are given on. `on_assign`: before the first of their records is polled. `on_lost`: somebody else may have them already.
        What they raise the call raises that found out.

        Raises `InvalidArgument` for an option out of its range, `OptionMismatch` for another `revoke_timeout` than the group's.
        """

    def committed(self) -> list[int | None]:
        """Committed offsets, each the next to read, by partition."""

    def lag(self) -> int:
        """Records not yet committed, over all partitions."""

@final
class Member:
    """One member of a group: polls the partitions it owns and commits what it has handled. As an iterator it waits for records, one
    at a time, until it has left or the hub is closed. Leaving its ``with`` block leaves the group without a commit.

    A partition that is to move to another member moves when this one has polled again and has committed what it had polled of
    it, at the latest after the group's `revoke_timeout`; who does not poll for its `max_poll_interval` loses all. Commits of what
    was lost raise `Fenced`.

    Other threads that call it meanwhile wait for their turn.
    """

    @property
    def aio(self) -> AsyncMember:
        """The verbs that wait as coroutines, for asyncio."""

    @property
    def durable(self) -> bool:
        """Whether its stream lives on disk."""

    def poll(self, count: int, timeout: float | None = None) -> list[Record]:
        """Up to `count` records (1 to 65536) of the partitions it owns, waiting at most `timeout` seconds for the first.

        Raises `OutOfRange` if what it would read next was removed, `Fenced` if another member has taken its name, `Closed`, and
        what a callback raises.
        """

    def fetch(
        self,
        *,
        bytes_min: int = 1,
        bytes_max: int = 1048576,
        count_max: int = 500,
        timeout: float | None = 0.5,
    ) -> list[Record]:
        """As `Reader.fetch`."""

    def poll_batch(self, count: int, fill: float, timeout: float | None = None) -> list[Record]:
        """As `Reader.poll_batch`. It returns early when partitions come or are to go."""

    def commit(self) -> None:
        """Commits everything polled so far. Raises `Fenced` if some of it was lost; the rest is committed."""

    def submit_commit(self) -> Receipt[None]:
        """As `commit`, and does not wait for the disk: the receipt does."""

    def commit_offset(self, partition: int, offset: int) -> None:
        """Commits one partition: `offset` is the next to read. Raises `Fenced` if the member no longer owns it, `InvalidArgument`
        if it is lower than what is committed.
        """

    def done(self, record: Record) -> None:
        """Marks one record as handled, whatever becomes of those before it; `commit_done` commits what is marked.

        Raises `Full` if there were more than 10000 gaps between what is done: mark earlier records first. `NotFound` if the
        partition is not this member's.
        """

    def commit_done(self) -> None:
        """Commits what was marked by `done`: up to the first record that is not, and those beyond it one by one."""

    def rewind(self, partition: int, offset: int) -> None:
        """Takes a partition back to `offset`: that is committed, what was done beyond it is forgotten, and it goes on there.

        Raises `InvalidArgument` if it is beyond what is committed, `Fenced`, `OutOfRange`.
        """

    def seek(self, partition: int, offset: int) -> None:
        """Continues one owned partition at `offset`. That commits nothing."""

    def assignment(self) -> list[int]:
        """The partitions it reads now, in order; without those it is to let go of."""

    def revoking(self) -> list[int]:
        """The partitions it was asked to let go of and still has."""

    def confirm_revoke(self, partition: int) -> None:
        """Lets go of a partition it was asked for, although not everything polled of it is committed: that will be polled again by
        its next owner. Raises `NotFound` if it was not asked for it.
        """

    def processing(self) -> Processing:
        """Within a ``with`` block of this, a handler runs, and the member is not given up for dead, however long it does not poll."""

    def lag(self) -> int:
        """Records that the group has not yet committed, over all partitions."""

    def leave(self) -> None:
        """Leaves the group; what it polled and did not commit goes to the others. Leaving again does nothing."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Processing:
    """Says that a handler of a member's records runs, until its ``with`` block ends, or `end` is called."""

    def end(self) -> None:
        """The handler has ended. Ending again does nothing."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...

@final
class Table:
    """The last record of each key of a compacted stream, as a mapping. It follows the stream: what was appended is found.

    Its verbs raise `Full` if there are more keys than `Compaction.keys_max`, `Corrupt` or `StorageError` if a file cannot be read.
    """

    @overload
    def get(self, key: _Text, default: None = None) -> Record | None: ...
    @overload
    def get(self, key: _Text, default: _T) -> Record | _T: ...
    def __getitem__(self, key: _Text, /) -> Record: ...
    def __contains__(self, key: _Text, /) -> bool: ...
    def __len__(self) -> int:
        """How many keys have a value."""

    def __iter__(self) -> TableIterator[bytes]: ...
    def keys(self) -> TableIterator[bytes]:
        """The keys: by partition, and there in the order in which they were written last."""

    def values(self) -> TableIterator[Record]:
        """Their records."""

    def items(self) -> TableIterator[tuple[bytes, Record]]:
        """Both. Each key comes once, with the value that it has when its turn comes."""

@final
class TableIterator(Generic[_T]):
    """An iterator over a table."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...

@final
class StreamWorker:
    """Threads that handle the records of a stream: what `ringmain.StreamWorker` stands on."""

    def stats(self) -> StreamWorkerStats: ...
    @property
    def error(self) -> RingmainError | None: ...
    def close(self, timeout: float | None = 10.0) -> None: ...

@final
class Waiter:
    """How `ringmain.aio` waits for something, within a ``with`` block: a file descriptor that gets readable."""

    def __new__(cls, source: TaskQueue | Reader | Member | Receipt[Any] | Pending) -> Self: ...
    def fileno(self) -> int:
        """The descriptor that gets readable after `poll` gave None and there may be something."""

    def poll(self, count: int, *, lease: float | None = None) -> list[Any] | None:
        """Up to `count` jobs or records, or what was waited for. None means there is nothing and the descriptor is armed."""

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
def _notice(level: str | None) -> None: ...
def _take_notices(timeout: float | None = None) -> tuple[list[str], int]: ...
@final
class _Stop:
    def __new__(cls) -> Self: ...
    def stop(self) -> None: ...

def _panic(detached: bool = False) -> None: ...

@disjoint_base
class Queue(Generic[_T]):
    """A queue of objects for threads: `queue.Queue` of the standard library, with batches and an asyncio side.

        >>> from ringmain import Queue
        >>> q = Queue[int](maxsize=100)
        >>> q.put_many([1, 2, 3])
        3
        >>> q.get(), q.get_many(10)
        (1, [2, 3])

    It passes objects by reference, in memory only. `maxsize` is how many there may be, without a bound if it is 0 or less.
    Any number of threads may use it. `put` may be called from finalizers, signal handlers and callbacks of weak references.

    Different from the standard library: there are no inner methods (`_put`, `_get`) to be overridden, no `mutex` and no `queue`
    to look into; and `maxsize` can be lowered, but not raised over what a queue of up to 65,536 was made for.
    """

    def __init__(self, maxsize: int = 0) -> None:
        """A queue for `maxsize` objects, or without a bound."""

    @property
    def maxsize(self) -> int:
        """How many objects there may be; without a bound if it is 0 or less. Raises ValueError if it is set to more than
        the queue was made for."""

    @maxsize.setter
    def maxsize(self, maxsize: int, /) -> None: ...
    @property
    def unfinished_tasks(self) -> int:
        """How many objects were put and not said to be done."""

    @property
    def is_shutdown(self) -> bool:
        """Whether `shutdown` was called."""

    @property
    def aio(self) -> _AsyncQueue[_T]:
        """The same queue for asyncio."""

    def put(self, item: _T, block: bool = True, timeout: float | None = None) -> None:
        """Puts an object, waiting for room, at most `timeout` seconds. Raises `queue.Full` if there was none, and `ShutDown`
        if the queue is shut down."""

    def put_nowait(self, item: _T) -> None:
        """Puts an object. Raises `queue.Full` if there is no room."""

    def put_many(self, items: Iterable[_T], block: bool = True, timeout: float | None = None) -> int:
        """Puts every object of an iterable, in order and together as far as there is room, waiting for more room as `put`
        does. Returns how many were put: less than all if time was over or the queue was shut down meanwhile.

        The iterable is gone through before the first is put. Raises `queue.Full` or `ShutDown` if not one was.
        """

    def get(self, block: bool = True, timeout: float | None = None) -> _T:
        """Gets the oldest object, waiting for one, at most `timeout` seconds. Raises `queue.Empty` if none came, and
        `ShutDown` if the queue is shut down and nothing is left."""

    def get_nowait(self) -> _T:
        """Gets the oldest object. Raises `queue.Empty` if there is none."""

    def get_many(self, count: int, block: bool = True, timeout: float | None = None) -> list[_T]:
        """Gets up to `count` of the oldest objects, at least one, waiting for the first as `get` does."""

    def empty(self) -> bool:
        """Whether there is no object."""

    def full(self) -> bool:
        """Whether there is no room."""

    def qsize(self) -> int:
        """How many objects there are."""

    def task_done(self) -> None:
        """Says that one of the objects that were got is done with. Raises ValueError if that was said more often than objects
        were put."""

    def join(self) -> None:
        """Waits until everything that was put was said to be done."""

    def shutdown(self, immediate: bool = False) -> None:
        """Lets nothing in any more: `put` raises `ShutDown`, and so does `get` once nothing is left, also for those who wait.
        With `immediate`, what is left is thrown away and counted as done."""

    @classmethod
    def __class_getitem__(cls, item: object) -> GenericAlias: ...
    def _poll(self, default: _D) -> _T | _D: ...
    def _poll_many(self, count: int) -> list[_T]: ...
    def _offer(self, item: _T) -> bool: ...
    def _offer_many(self, items: Iterable[_T]) -> int: ...
    def _enter(self, reason: Literal["get", "put", "join"], alarm: Alarm) -> int | None: ...
    def _leave(self, reason: Literal["get", "put", "join"], ticket: int) -> None: ...

@disjoint_base
class SimpleQueue(Generic[_T]):
    """A queue without a bound and without `task_done`: `queue.SimpleQueue` of the standard library, with batches.

    `put` may be called from finalizers, signal handlers and callbacks of weak references.
    """

    def __new__(cls) -> Self: ...
    def put(self, item: _T, block: bool = True, timeout: float | None = None) -> None:
        """Puts an object. It never waits: `block` and `timeout` are there because `Queue.put` has them."""

    def put_nowait(self, item: _T) -> None:
        """Puts an object."""

    def put_many(self, items: Iterable[_T]) -> int:
        """Puts every object of an iterable, all together. Returns how many."""

    def get(self, block: bool = True, timeout: float | None = None) -> _T:
        """Gets the oldest object, waiting for one, at most `timeout` seconds. Raises `queue.Empty` if none came."""

    def get_nowait(self) -> _T:
        """Gets the oldest object. Raises `queue.Empty` if there is none."""

    def get_many(self, count: int, block: bool = True, timeout: float | None = None) -> list[_T]:
        """Gets up to `count` of the oldest objects, at least one, waiting for the first as `get` does."""

    def empty(self) -> bool:
        """Whether there is no object."""

    def qsize(self) -> int:
        """How many objects there are."""

    @classmethod
    def __class_getitem__(cls, item: object) -> GenericAlias: ...

@final
class Alarm:
    """The tasks of one event loop that were called by the queues they wait for."""

    def __new__(cls) -> Self: ...
    def fileno(self) -> int:
        """The descriptor that gets readable when a task is called."""

    def called(self) -> list[int]:
        """The tickets of the tasks that were called since the last time."""

def _after_fork() -> None: ...
