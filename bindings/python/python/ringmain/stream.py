"""Event streams: the options of one, its verbs that are not hot, workers, and the asyncio side."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self, cast, final

from ringmain import _core
from ringmain.data import answer
from ringmain.options import Compaction, Gate, StreamStats, Time
from ringmain.stream_worker import OnExhausted, Options, Registration

if TYPE_CHECKING:
    from ringmain._core import _Start
    from ringmain.aio import AsyncStream
    from ringmain.hub import Hub


@final
class Stream(_core.Stream):
    """An event stream: each record is kept, and read by any number of readers at their own offsets.

    `Hub.stream` opens one. Its handles may be used from any thread.
    """

    __slots__ = ("_hub",)
    _hub: Hub

    def __new__(
        cls,
        hub: Hub,
        name: str,
        *,
        partitions: int | None = None,
        force_growth: bool = False,
        age_max: float | None = None,
        bytes_max: float | None = None,
        count_max: float | None = None,
        compaction: Compaction | Literal[False] | None = None,
        until_read: bool | None = None,
        slow_readers: Gate | Literal["lag"] | None = None,
    ) -> Self:
        """As `Hub.stream`."""
        options: dict[str, object] = {"force_growth": force_growth}
        if partitions is not None:
            options["partitions"] = partitions
        if age_max is not None:
            options["age_max_ms"] = None if math.isinf(age_max) else age_max * 1e3
        if bytes_max is not None:
            options["bytes_max"] = None if math.isinf(bytes_max) else bytes_max
        if count_max is not None:
            options["count_max"] = None if math.isinf(count_max) else count_max
        if compaction is not None:
            options["compaction"] = compaction._options() if compaction else None
        if until_read is not None:
            options["until_read"] = until_read
        if slow_readers is not None:
            options["slow_readers"] = None if slow_readers == "lag" else slow_readers._options()
        return cls._open(hub, name, json.dumps(options))

    @classmethod
    def _open(cls, hub: Hub, name: str, options: str, choose: Callable[..., int] | None = None) -> Self:
        stream = super().__new__(cls, hub, name, options, choose)
        stream._hub = hub
        return stream

    def partitioner(self, choose: Callable[[bytes | None, bytes, int], int]) -> Stream:
        """The same stream by a handle whose appends go to the partition that `choose` says, given a record's key (or None), its
        value, and how many partitions there are: 0 or more, and less than that. It is asked before anything is appended; what
        it raises, the append raises, and another partition than there is raises `InvalidArgument`.

        Other handles go on as before: a record is where it was put, and readers of all partitions find it.
        """
        return self._open(self._hub, self.name, "", choose)

    def offset_at_time(self, partition: int, time: int | datetime | Time) -> int:
        """The smallest offset of a partition whose record was appended at `time` or later: a `datetime`, or nanoseconds since
        1970. The end if there is none, the start if all were. Exact.

        Raises `NotFound` if there is no such partition.
        """
        return cast(int, self._do("offset_at_time", partition=partition, time_ns=Time.of(time).ns))

    def scan_event_time(self, partition: int, time: int | datetime | Time) -> int:
        """The offset of the first record of a partition whose event time is `time` or later; the end if there is none. Event
        times come in any order, so later ones may have an earlier one. Reads the partition from its start to there.

        Raises `NotFound` if there is no such partition.
        """
        return cast(int, self._do("scan_event_time", partition=partition, time_ns=Time.of(time).ns))

    def groups(self) -> list[str]:
        """The names of the groups that have committed, in order."""
        return cast(list[str], self._do("groups"))

    def delete_group(self, name: str) -> None:
        """Forgets a group with all that it committed; nothing else removes that, and no time does.

        Raises `NotFound`; `InvalidArgument` while it has members.
        """
        self._do("delete_group", name=name)

    def producers(self) -> list[str]:
        """The names of the producers that are kept, in order."""
        return cast(list[str], self._do("producers"))

    def delete_producer(self, name: str) -> None:
        """Forgets how far a producer has come: opened again, it begins at sequence 0. Its records stay, its handles are refused.

        Raises `NotFound`.
        """
        self._do("delete_producer", name=name)

    def compact(self) -> None:
        """Compacts it now, as far as its options allow, and returns when every partition is done. A stream without `compaction`
        stays as it is.

        Raises `Corrupt` or `StorageError` if a file cannot be read or written: what was not reached stays as it was.
        """
        self._do("compact")

    def stats(self) -> StreamStats:
        """Counts of its partitions and groups."""
        return cast(StreamStats, self._do("stats"))

    def worker(
        self,
        group: str,
        *,
        concurrency: int = 1,
        parallel: int = 1,
        batch: tuple[int, float] | None = None,
        start: _Start = "earliest",
        on_out_of_range: Literal["fail", "earliest", "latest"] = "fail",
        retry_delay: tuple[float, float] = (1.0, 60.0),
        max_failures: int = 5,
        on_exhausted: OnExhausted = "stop",
    ) -> Registration:
        """Decorates a function or coroutine function that handles the records of this stream, as one member of a group.

            >>> import ringmain
            >>> flights = ringmain.open().stream("flights", partitions=4)
            >>> @flights.worker("billing", concurrency=2)
            ... def bill(record: ringmain.Record) -> None:
            ...     print(record.value)
            >>> _ = flights.append(b"EWR-IAH", key="N14228")
            >>> with bill:  # starts its threads; they are closed at the end of the block
            ...     while bill.stats()["done_total"] < 1:
            ...         pass
            b'EWR-IAH'

        What it decorates becomes a `StreamWorker`, which runs nothing before it is started. The handler gets a `Record`; with
        `batch`, ``(max, seconds)``, it gets a list of up to `max` records of one partition, as soon as there are so many, or so many
        seconds after the first of them was polled. To return is to have handled them, and commits; an exception is a failure.
        Records are handled at least once: make handlers idempotent. A coroutine function runs on an event loop of the worker's,
        in a thread of its own.

        `concurrency`: handlers that run at a time, 1 to 1024; more than one for each partition are idle, unless they run
        `parallel`. `parallel`: handlers of one partition that run at a time; more than 1 gives up its order. `start`: where the
        group begins if it has committed nothing. `on_out_of_range`: where it goes on when what it would read next was removed;
        ``"fail"`` stops the worker with `OutOfRange`. `retry_delay`: after how many seconds a record that failed is tried
        again, the first time and at most; it doubles. `max_failures`: after so many a record is given up. `on_exhausted`:
        then ``"stop"`` stops the worker with `HandlerFailed`, ``"skip"`` commits it as if it had been handled, and a callable
        is given the record and the reason, before it is committed; what that raises stops the worker.
        """
        options = Options(
            concurrency, parallel, batch, start, on_out_of_range, retry_delay, max_failures, on_exhausted
        )
        return Registration(self, group, options)

    @property
    def aio(self) -> AsyncStream:
        """The verbs that wait as coroutines, for asyncio."""
        from ringmain.aio import AsyncStream

        return AsyncStream(self)

    def _do(self, verb: str, **arguments: object) -> Any:
        return answer(self._call(verb, json.dumps(arguments)))


def stream_info(told: dict[str, Any]) -> dict[str, Any]:
    """The options of a stream as `Hub.stream` takes them."""
    if told["compaction"] is not None:
        told["compaction"] = Compaction(**told["compaction"])
    if told["slow_readers"] is not None:
        told["slow_readers"] = Gate(**told["slow_readers"])
    return told
