"""The small values that calls take and give. Durations are seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Buffer


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
    """Where to start reading: the first record appended at this time or later, in nanoseconds since 1970."""

    ns: int


class Position(NamedTuple):
    """Where a record is in its stream."""

    partition: int
    offset: int
    """Its number in the partition: strictly increasing, not promised to be dense."""


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
    bytes: int
    """Bytes held, frame headers included."""


class StreamStats(TypedDict):
    """Counts of one stream."""

    partitions: list[PartitionStats]
