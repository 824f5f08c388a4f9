"""What the verbs that look at things answer. Durations are seconds, points in time nanoseconds since 1970."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from ringmain.options import QueueOptions, StreamStats


class QueueStats(TypedDict):
    """Counts of one queue. The totals count from when the hub was opened, the rates are of the last minute."""

    ready: int
    """Messages that a receive would get now."""
    scheduled: int
    """Messages that wait for their time."""
    blocked: int
    """Messages that wait for others of their ordering key."""
    halted_groups: int
    leased: int
    """Messages out with a worker."""
    deferred: int
    dying: int
    """Messages that wait for room in the dead letter queue."""
    dead_letters: int
    """Dead letters of others that lie in this queue."""
    oldest_ready_age: float
    published_per_second: float
    consumed_per_second: float
    processing_time_total: float
    processing_time_mean: float | None
    """From delivery to ack; None before anything was acked."""
    processing_count: int
    sent_total: int
    acked_total: int
    failures_total: int
    failures_ignored_total: int
    leases_expired_total: int
    redeliveries_total: int
    """Deliveries beyond the first of their message."""
    dead_total: int
    """Messages that died."""
    expired_total: int
    cancelled_total: int
    start_breaches_total: int
    complete_breaches_total: int
    failures_by_class: dict[str, int]
    redriven_total: int
    purged_total: int
    dropped_total: int
    refused_total: int
    dropped_oldest_total: int
    dropped_newest_total: int
    dropped_lowest_priority_total: int
    dead_lettered_oldest_total: int
    dedup_hits_total: int
    dedup_entries: int
    memory_bytes: int
    spilled_bytes: int


class HubStats(TypedDict):
    """Counts of every queue and stream that is open, by name."""

    queues: dict[str, QueueStats]
    streams: dict[str, StreamStats]
    recovered_cut_bytes: int
    """Bytes of unfinished writes, left by a crash, that were cut when queues and streams were opened."""
    disk_free_bytes: int | None
    disk_reserve_bytes: int
    storage: str
    """How files are written, in words; empty in memory."""


class QueueInfo(QueueOptions, total=False):
    """The stored options of a queue, as `Hub.queue` takes them."""

    is_paused: bool


class Cause(TypedDict, total=False):
    """Why a message is not delivered: ``cause``, and what belongs to it."""

    cause: str
    limit: str
    due_ns: int
    until_ns: int
    at_ns: int
    attempts: int
    failures: int
    by: int
    reason: str
    error: str
    queue: str
    ending: str
    max: int
    count: int
    next: int


class Explanation(TypedDict):
    """Why a message is not being delivered now."""

    queue: str
    id: int
    time_ns: int
    causes: list[Cause]
    """The message's own first, then its queue's."""
    text: str
    """The same in words."""


class Finished(TypedDict):
    """What became of a message that has left its queue."""

    id: int
    key: bytes | None
    ending: Literal["done", "dead", "expired", "cancelled", "dropped"]
    sent_ns: int
    finished_ns: int
    attempts: int
    failures: int
    result: bytes | None
    """What its job was acked with."""


class Breach(TypedDict):
    """A deadline that was missed."""

    id: int
    deadline: Literal["start", "complete"]
    time_ns: int


class HaltedGroup(TypedDict):
    """An ordering key of which nothing is delivered because a message died."""

    key: bytes
    id: int
    """The message that died."""
    reason: str
    error: str
    time_ns: int
    messages: int
    """How many of the key are in the queue."""


class SnapshotReport(TypedDict):
    """What a snapshot copied."""

    queues: int
    streams: int
    segments: int
    bytes: int


class Failure(TypedDict):
    """An error inside of an answer, as `RingmainError` has it."""

    code: int
    name: str
    message: str


class Damage(TypedDict):
    """A place at which a directory is damaged."""

    of: str
    path: str
    byte_position: int | None
    detail: str
    loss: Literal["nothing", "notes", "records", "latest", "everything"]
    lost_first: int | None
    lost_end: int | None
    text: str


class Report(TypedDict):
    """What was found in a directory."""

    records: int
    segments: int
    bytes: int
    is_sound: bool
    damage: list[Damage]
    refused: Failure | None
    """The error for which it cannot be opened."""
    text: str
    """All of it in words."""


class ScheduleInfo(TypedDict):
    """A schedule."""

    name: str
    cron: str
    time_zone: str
    missed: Literal["skip", "one"] | dict[str, Any]
    queue: str
    is_paused: bool
    last_slot_ns: int | None
    next_slot_ns: int | None
    failure: Failure | None
    """The error for which it could not fire."""
