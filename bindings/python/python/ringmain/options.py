"""The small values that calls take and give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict


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
class Time:
    """Where to start reading: the first record appended at this time or later, in nanoseconds since 1970."""

    ns: int


class Position(NamedTuple):
    """Where a record is in its stream."""

    partition: int
    offset: int
    """Its number in the partition: strictly increasing, not promised to be dense."""


class QueueStats(TypedDict):
    """Counts of one queue. The totals count from when the hub was opened."""

    ready: int
    """Messages that a receive would get now."""
    scheduled: int
    """Messages that wait for their time."""
    leased: int
    """Messages out with a worker."""
    sent_total: int
    acked_total: int
    failures_total: int
    leases_expired_total: int
    redeliveries_total: int
    """Deliveries beyond the first of their message."""
    dead_total: int
    """Messages moved to the dead letter queue."""
    dropped_total: int


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


class HubStats(TypedDict):
    """Counts of every queue and stream that is open, by name."""

    queues: dict[str, QueueStats]
    streams: dict[str, StreamStats]
    recovered_cut_bytes: int
    """Bytes of unfinished writes, left by a crash, that were cut when queues and streams were opened."""
