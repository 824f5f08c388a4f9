"""The small values that calls take and give. Durations are seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Buffer

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Retry:
    """The delay before a failed message is tried again.

    Before the nth retry it is ``min(cap, base * factor ** (n - 1))`` seconds, then spread by ``jitter``: ``"none"``
    leaves it, ``"equal"`` keeps half and draws the other half at random, ``"full"`` draws all of it.
    """

    base: float = 1.0
    factor: float = 2.0
    cap: float = 600.0
    jitter: Literal["none", "equal", "full"] = "full"


@dataclass(frozen=True, slots=True)
class Dedup:
    """What happens to messages with a ``dedup_key`` that the queue still remembers.

    A key is remembered for ``window`` seconds (1 ms to 7 days), or as ``mode`` says: ``"fixed"`` from the first message
    on, ``"sliding"`` from the last one on, ``"until_done"`` until the message has left the queue, ``"until_started"`` until
    it is received. ``on_conflict``: ``"ignore"`` the duplicate, ``"replace"`` the waiting message by it, ``"extend"``
    puts that off to the duplicate's time, ``"error"`` raises `Duplicate`. ``verify_payload`` raises `Conflict`-like errors
    for a duplicate whose value differs. At most ``entries_max`` keys are remembered; then sending with a new one raises
    `Full`.
    """

    window: float = 600.0
    mode: Literal["fixed", "sliding", "until_done", "until_started"] = "fixed"
    on_conflict: Literal["ignore", "replace", "extend", "error"] = "ignore"
    verify_payload: bool = False
    entries_max: int | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a queue may hold, and what happens to what does not fit. ``Capacity()`` is no limit.

    ``messages`` and ``bytes`` (keys, headers, values and about 24 bytes each) are at least 1; None is no limit.
    ``overflow``: ``"block"`` has senders wait for room for at most ``block`` seconds (None: for ever; Ctrl-C works), then
    raises `Full`; ``"reject"`` raises `Full` at once; ``"drop_oldest"``, ``"drop_newest"``, ``"drop_lowest_priority"`` drop what
    is not leased; ``"dead_letter_oldest"`` sends the oldest where exhausted messages go; ``"spill"`` (a hub in memory) writes what
    is over ``bytes`` (at least 128 KiB) to a file.
    """

    messages: int | None = None
    bytes: int | None = None
    overflow: Literal[
        "block", "reject", "drop_oldest", "drop_newest", "drop_lowest_priority", "dead_letter_oldest", "spill"
    ] = "block"
    block: float | None = 30.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Deliveries per second, on average and up to ``burst`` at once (a token bucket)."""

    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of messages that have left: for ``window`` seconds (at most 30 days), at most ``count_max`` (a million).

    With 0 of either nothing is kept. Each takes about 200 bytes of memory, and its key and result.
    """

    window: float
    count_max: int


@dataclass(frozen=True, slots=True)
class EscalateTo:
    """A message that missed a deadline goes on, and a copy of it goes to this queue."""

    queue: str


@dataclass(frozen=True, slots=True)
class MoveTo:
    """A message that missed a deadline goes to this queue."""

    queue: str


class MessageOptions(TypedDict, total=False):
    """What `TaskQueue.send` and `Message` take by keyword beside the value. None is as if it were left out."""

    key: Buffer | str | None
    """A label on a queue; chooses the partition of a stream. At most 4096 bytes."""
    headers: Mapping[str, Buffer | str] | None
    """At most 64, names of at most 255 bytes that do not start with ``rm-``, values of at most 32 KiB."""
    event_time_ns: int | None
    """When what it tells of happened, in nanoseconds since 1970."""
    durability: Literal["synced", "written", "relaxed"] | None
    """What the verb waits for, if that is more than the hub's own durability. Of several in a batch the safest counts."""
    delay: float | None
    """Not before this many seconds have passed, at most ten years. Queues only, as everything below."""
    deliver_at_ns: int | None
    """Not before this time, in nanoseconds since 1970. Wins over ``delay``."""
    priority: int | None
    """0 to 9, delivered from the largest down; 4 by default."""
    ttl: float | None
    """How long it may wait, in seconds, 0.001 to ten years; then it expires. Of this and the queue's the shorter counts."""
    start_within: float | None
    """A deadline for its first delivery, in seconds, 0.001 to ten years; what happens then ``on_breach`` of its queue says."""
    complete_within: float | None
    """A deadline for its ack, likewise."""
    complete_by_ns: int | None
    """The same at a time in nanoseconds since 1970. Wins over ``complete_within``."""
    ordering_key: Buffer | str | None
    """Messages of one ordering key are delivered one at a time, in the order in which they were sent. At most 4096 bytes."""
    max_failures: int | None
    """Failures after which it is exhausted, at least 1, whatever its queue says."""
    dedup_key: Buffer | str | None
    """A message whose key the queue still remembers is a duplicate, and not sent again. At most 4096 bytes."""


class QueueOptions(TypedDict, total=False):
    """What `Hub.queue` takes by keyword. What is left out or None stays as it is stored, or is the default of a new queue."""

    lease: float | None
    """How long a job is leased, in seconds; 30 by default, 0.001 to 7 days."""
    lease_total_max: float | None
    """How long a job may be leased in all, however often that is extended: an hour by default, at most 7 days."""
    max_failures: int | None
    """Failures after which a message is exhausted; 5 by default, at least 1."""
    dead_letter: str | None
    """The queue that exhausted and rejected messages go to, made if it does not exist."""
    on_exhausted: Literal["drop", "keep"] | None
    """In place of a dead letter queue: ``"drop"`` exhausted messages, or ``"keep"`` retrying them for ever."""
    retry: Retry | None
    """The delay before a failed message is tried again."""
    ttl: float | None
    """How long a message may wait before it expires, in seconds, 0.001 to ten years; no limit by default."""
    on_breach: Literal["none", "dead", "cancel"] | EscalateTo | MoveTo | None
    """What happens to a message that misses a deadline, beside being counted: nothing by default."""
    error_classes: Mapping[str, Literal["retried", "permanent", "ignored"]] | None
    """What becomes of a failure by its class, the exception's name: ``"permanent"`` is a dead letter at once, ``"ignored"``
    does not count, ``"retried"`` takes a rule away. At most 64."""
    dedup: Dedup | None
    """What happens to messages with a ``dedup_key``; by default it is remembered for 10 min and the duplicate ignored."""
    capacity: Capacity | None
    """How much the queue may hold; no limit by default."""
    history: History | None
    """What is kept of messages that have left, for `TaskQueue.finished`; nothing by default."""
    concurrency_max: int | None
    """Most messages out at a time, at least 1; no limit by default."""
    concurrency_max_per_key: int | None
    """Most messages of one key out at a time."""
    rate: Rate | None
    """How often messages are delivered at most."""
    rate_per_key: Rate | None
    """The same for the messages of each key."""
    single_active_consumer: bool | None
    """Whether only the oldest consumer gets messages."""
    age_step: float | None
    """The priority of what waits rises by one for each such time, in seconds, up to 9; by default it stays."""
    group_parallelism: int | None
    """Most messages of one ordering key out at a time, 1 (the default) to 1000."""
    on_group_death: Literal["continue", "halt"] | None
    """What happens to the rest of an ordering key of which a message died: it goes on by default."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Some of the dead letters of a queue: those for which everything holds that is given.

    ``reason``: why it died (``"failed"``, ``"rejected"``, ``"expired"``, ``"deadline"``, ``"overflow"``); ``error_class`` and
    ``error_contains``: of its last error; ``queue``: where it died; ``died_from_ns`` (inclusive) and ``died_before_ns``: when.
    """

    ids: Sequence[int] | None = None
    from_id: int | None = None
    reason: str | None = None
    error_class: str | None = None
    error_contains: str | None = None
    queue: str | None = None
    died_from_ns: int | None = None
    died_before_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Time:
    """A point in time, in nanoseconds since 1970. As where to start reading: the first record appended then or later."""

    ns: int

    @classmethod
    def of(cls, time: int | datetime | Time) -> Time:
        """The time of a `datetime`, exactly; one without a time zone is local time, as everywhere in Python. An int is
        nanoseconds already.
        """
        if isinstance(time, Time):
            return time
        if isinstance(time, datetime):
            return cls((time.astimezone(timezone.utc) - _EPOCH) // timedelta(microseconds=1) * 1000)
        return cls(time)


@dataclass(frozen=True, slots=True)
class Compaction:
    """How a stream leaves out what a later record of the same key has replaced. Its records must have keys then.

    Whoever reads from the start sees at least the last record of each key, in order, at the offset that it always had.
    """

    lag_min: float = 0.0
    """Records younger than this many seconds all stay."""
    tombstone_grace: float = 24 * 3600.0
    """How many seconds a tombstone stays, from when compaction first came by."""
    dirty_percent_min: int = 50
    """It begins by itself when so much of what is written has not been compacted yet, in percent of bytes, 1 to 100."""
    seal_after: float = 3600.0
    """The segment that is written to is ended, so that it can be compacted, when its first record is so many seconds old."""
    latest_only: bool = False
    """Readers see the last record of each key only, at once. It takes a place in memory for each key."""
    keys_max: int = 1_000_000
    """Keys that a stream with `latest_only`, or a table, has at most, 1 to 16777216; an append beyond that raises `Full`."""

    def _options(self) -> dict[str, object]:
        return {
            "lag_min_ms": self.lag_min * 1000,
            "tombstone_grace_ms": self.tombstone_grace * 1000,
            "dirty_percent_min": self.dirty_percent_min,
            "seal_after_ms": self.seal_after * 1000,
            "latest_only": self.latest_only,
            "keys_max": self.keys_max,
        }


@dataclass(frozen=True, slots=True)
class Gate:
    """Has appends to a stream in memory wait for its slowest open reader, before its `count_max` takes what that has not read."""

    timeout: float
    """How many seconds an append waits, 0.001 to ten years."""
    then: Literal["refuse", "lag"] = "refuse"
    """After that it raises `Full`, or the reader loses what it has not read."""

    def _options(self) -> dict[str, object]:
        return {"timeout_ms": self.timeout * 1000, "then": self.then}


class Position(NamedTuple):
    """Where a record is in its stream."""

    partition: int
    offset: int
    """Its number in the partition: strictly increasing, not promised to be dense."""


class Accepted(NamedTuple):
    """What became of the messages of one append of a producer."""

    duplicate: bool
    """Everything was there already, from an earlier append: nothing was appended."""
    positions: list[Position | None]
    """Where each message is. None: it was there already, and where is not known any more."""


class Sent(NamedTuple):
    """What became of a message that was sent."""

    id: int
    """Its id; of a duplicate the first message's, or, if it replaced that one, its own."""
    is_duplicate: bool
    """The queue still remembered its deduplication key."""


class PartitionStats(TypedDict):
    """Counts of one partition."""

    start: int
    """First offset held."""
    end: int
    """One past the last offset."""
    records: int
    """Records that may be read; without those that compaction left out."""
    bytes: int
    """Bytes held, frame headers included."""
    produced_per_second: float
    """Records appended, over the last minute."""


class GroupLag(TypedDict):
    """How far a group is behind in one partition."""

    records: int
    """Records that it has not committed."""
    age: float
    """How many seconds ago the first of them was appended; 0 if there is none."""


class GroupStats(TypedDict):
    """Counts of one group."""

    name: str
    lag: list[GroupLag]
    """By partition."""
    consumed_per_second: float
    """Records committed, over the last minute."""
    generation: int
    """Grows whenever members come or go, or a partition is given to one."""
    members: int
    idle_members: int
    """Those of them that have no partition."""
    away_members: int
    """Members with a name that are away, and for which partitions are kept."""
    revoking_partitions: int
    """Partitions that their owners were asked to let go of, and have not yet."""


class StreamStats(TypedDict):
    """Counts of one stream."""

    partitions: list[PartitionStats]
    groups: list[GroupStats]
    out_of_range_total: int
    """How often what a reader would have read next was removed, since the hub was opened."""


class StreamWorkerStats(TypedDict):
    """Counts of one worker of a stream since it was started, in records."""

    waiting: int
    """Polled, and not in the hands of a handler."""
    running: int
    """Calls of the handler that have not returned."""
    done_total: int
    """Handled."""
    failed_total: int
    """Failed, each time that they did."""
    panics_total: int
    handed_over_total: int
    """Given to `on_exhausted` after their last failure."""
    skipped_total: int
    """Left out after their last failure."""
    out_of_range_total: int
    """How often what it would have read next was removed, and it went on; not in records."""
    lost_total: int
    """Handled while their partition went to another member, which handles them again."""


class StreamInfo(TypedDict):
    """The options of a stream, as stored. None: not limited, or not in use."""

    partitions: int
    age_max: float | None
    bytes_max: int | None
    count_max: int | None
    compaction: Compaction | None
    until_read: bool
    slow_readers: Gate | None
