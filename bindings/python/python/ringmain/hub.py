"""Hubs: opening one, its queues and streams, and what is said of all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from ringmain import _core
from ringmain.data import answer, by_name, options_json, queue_info
from ringmain.errors import NotFound
from ringmain.schedule import Schedule, message_data
from ringmain.stream import Stream, stream_info
from ringmain.task_queue import TaskQueue
from ringmain.worker.handler import Handler, WorkerOptions
from ringmain.worker.run import run

if TYPE_CHECKING:
    from typing import Unpack

    from ringmain.answers import HubStats, QueueInfo, Report, SnapshotReport
    from ringmain.options import Compaction, Gate, QueueOptions, StreamInfo

R = TypeVar("R")


def open(
    path: str | os.PathLike[str] | None = None,
    durability: Literal["synced", "written", "relaxed"] = "synced",
    *,
    relaxed_max: float | None = None,
    journal_bytes_max: int | None = None,
    streaming_bytes_min: int | None = None,
    disk_reserve_bytes: int | None = None,
    allow_world_writable: bool = False,
    scratch_directory: str | os.PathLike[str] | None = None,
    clock: _core.ManualClock | None = None,
) -> Hub:
    """Opens the durable hub in the directory `path`, making it if need be, or one in memory if there is no path.

    `durability` is what a verb of a durable hub waits for before it returns. ``"synced"``: the disk's sync, shared by
    callers at the same time; survives power loss. ``"written"``: the operating system; survives a killed process.
    ``"relaxed"``: nothing; loses at most the last `relaxed_max` seconds (0.1), as a prefix.

    `journal_bytes_max`: about how much each of two journal files holds; 16 MiB, 4 KiB to 1 GiB. `streaming_bytes_min`: from
    how much on a queue or stream writes to its own file at once; 128 KiB, 4 KiB to 16 MiB. `disk_reserve_bytes`: how much of
    the file system publishing leaves free; a twentieth of it, at most 1 GiB. `allow_world_writable`: opens a directory that
    everybody may write, too. `scratch_directory`: where queues in memory that spill make their files. `clock`: a clock that
    is moved by hand, for tests.

    Raises `Locked` if the directory is open, here or in another process; `StorageError`, `Corrupt` or `Unsupported`
    if its files cannot be read.
    """
    options = {
        "durability": durability,
        "relaxed_max": relaxed_max,
        "journal_bytes_max": journal_bytes_max,
        "streaming_bytes_min": streaming_bytes_min,
        "disk_reserve_bytes": disk_reserve_bytes,
        "allow_world_writable": allow_world_writable,
        "scratch_directory": None if scratch_directory is None else os.fspath(scratch_directory),
    }
    return Hub(path, options_json(options), clock)


class Hub(_core.Hub):
    """An open hub: queues and streams by name. Made by `ringmain.open`; leaving its ``with`` block closes it."""

    __slots__ = ("_handlers",)

    def __init__(self, *_opened: object) -> None:
        self._handlers: list[Handler[Any]] = []

    def _do(self, verb: str, **arguments: Any) -> Any:
        return answer(self._call(verb, options_json(arguments)))

    def queue(self, name: str, **options: Unpack[QueueOptions]) -> TaskQueue:
        """Opens a queue, making it if it does not exist. Options given alter those stored; `ringmain.QueueOptions` has them.

        A new queue must say what happens to exhausted messages, by `dead_letter` or `on_exhausted`: else
        `OptionMissing` is raised.
        """
        return TaskQueue(self, name, options_json(options))

    def worker(
        self,
        queue: str | TaskQueue,
        *,
        concurrency: int = 1,
        prefetch: int | None = None,
        timeout: float | None = None,
        stall_after: float | None = None,
        **options: Unpack[QueueOptions],
    ) -> Callable[[Callable[[_core.Job], R]], Handler[R]]:
        """Makes a function the handler of a queue, which is opened with these options. See `ringmain.worker`.

        A job is acked when the function returns, and fails when it raises, its class of errors being the exception's name.
        It may return or raise a `ringmain.Outcome` instead (`Ack` with a result, `Fail`, `Release`, `Reject`, `RateLimited`,
        `Defer`), or settle the job itself. Leases are prolonged while it runs, up to the queue's ``lease_total_max``.

        `concurrency`: how many run at a time: threads for a ``def``, tasks of one event loop for an ``async def``.
        `prefetch`: how many jobs are taken ahead at a time, 1 to 65,536; as many as run by default. `timeout`: seconds that one
        may take. An ``async def`` is then cancelled, and its job fails with the class ``TimeLimit``. Nothing can stop a
        thread: of a ``def`` `Job.is_cancelled` is true from then on, its lease is not prolonged any more, and when that has run
        out another worker gets the message. `stall_after`: an event loop that hangs for so many seconds loses its leases.
        """

        def decorate(function: Callable[[_core.Job], R]) -> Handler[R]:
            opened = self.queue(queue, **options) if isinstance(queue, str) else queue
            handler = Handler(function, self, opened, WorkerOptions(concurrency, prefetch, timeout, stall_after))
            self._handlers.append(handler)
            return handler

        return decorate

    def run_workers(
        self, queues: Iterable[str] | None = None, *, concurrency: int | None = None, timeout: float = 30.0
    ) -> None:
        """Runs a worker for each handler, or for those of some queues, until SIGTERM or Ctrl-C; then it receives nothing more,
        has what runs end within `timeout` seconds, and hands back the rest. A second signal ends that waiting. It also returns
        when the hub is closed. Called in a thread other than the main one it listens to no signal.
        """
        wanted = None if queues is None else set(queues)
        handlers = [handler for handler in self._handlers if wanted is None or handler.queue.name in wanted]
        missing = (wanted or set()) - {handler.queue.name for handler in handlers}
        if missing or not handlers:
            raise NotFound(f"no worker for {', '.join(sorted(missing)) or 'any queue'}: decorate one with hub.worker")
        run(handlers, concurrency=concurrency, timeout=timeout)

    def stream(
        self,
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
    ) -> Stream:
        """Opens a stream, making it if it does not exist. Options given alter those stored; those left out stay.

        `partitions`: how many, 1 by default, at most 1024. A stream that is there may get more, unless it has records with keys, which
        would move: `force_growth` allows that. `age_max`: for how many seconds a record is kept after it was appended.
        `bytes_max`: how many bytes each partition keeps, in whole segments. `count_max`: how many of its last records each
        partition keeps. `math.inf` takes a limit away. `compaction`: a `Compaction` leaves out what a later record of the same key
        has replaced; False ends that. `until_read`: a record goes when every group has committed past it; a limit is needed beside
        it. `slow_readers`: in memory, a `Gate` has appends wait for readers that are open, which needs `count_max`;
        ``"lag"`` ends that.

        Raises `OptionMismatch` if it has more partitions, `InvalidArgument` for an option out of its range.
        """
        return Stream(
            self,
            name,
            partitions=partitions,
            force_growth=force_growth,
            age_max=age_max,
            bytes_max=bytes_max,
            count_max=count_max,
            compaction=compaction,
            until_read=until_read,
            slow_readers=slow_readers,
        )

    def stream_info(self, name: str) -> StreamInfo:
        """The stored options of a stream, which is not opened for that. Raises `NotFound`."""
        return cast("StreamInfo", stream_info(self._do("stream_info", name=name)))

    def queues(self) -> list[str]:
        """The names of the queues, in order."""
        return cast("list[str]", self._do("queues"))

    def streams(self) -> list[str]:
        """The names of the streams, in order."""
        return cast("list[str]", self._do("streams"))

    def queue_info(self, name: str) -> QueueInfo:
        """The stored options of a queue, which is not opened for that. Raises `NotFound`."""
        return cast("QueueInfo", queue_info(self._do("queue_info", name=name)))

    def delete_queue(self, name: str) -> None:
        """Deletes a queue with all its messages. Handles of it refuse every verb from then on. Raises `NotFound`."""
        self._do("delete_queue", name=name)

    def delete_stream(self, name: str) -> None:
        """Deletes a stream with all its records and what its groups have committed. Raises `NotFound`."""
        self._do("delete_stream", name=name)

    def flush(self) -> None:
        """Makes everything durable that verbs have returned for, whatever the hub's durability."""
        self._do("flush")

    def stats(self) -> HubStats:
        """Counts of every queue and stream that is open."""
        stats = self._do("stats")
        return cast("HubStats", stats | {noun: by_name(stats[noun]) for noun in ("queues", "streams")})

    def prometheus(self) -> str:
        """The counts as text that Prometheus scrapes."""
        return cast(str, self._do("prometheus"))

    @property
    def now_ns(self) -> int:
        """The hub's time, in nanoseconds since 1970."""
        return cast(int, self._do("now")["time_ns"])

    def snapshot(
        self,
        into: str | os.PathLike[str],
        progress: Callable[[int, int], object] | None = None,
    ) -> SnapshotReport | None:
        """Copies a durable hub, while it is in use, into a directory that is empty or not there yet. `progress` is called
        with the bytes that are copied and those to copy, about ten times a second; if it returns False there is no copy and
        None is returned. What is out with workers is in the copy as after a crash.
        """
        copied = self._snapshot(os.fspath(into), progress or (lambda _copied, _all: True))
        return None if copied is None else cast("SnapshotReport", answer(copied))

    def schedule(
        self,
        name: str,
        *,
        cron: str | None = None,
        time_zone: str | None = None,
        missed: Literal["skip", "one"] | int | None = None,
        queue: str | None = None,
        value: bytes | str | None = None,
        key: bytes | str | None = None,
        headers: Mapping[str, bytes | str] | None = None,
        delay: float | None = None,
        priority: int | None = None,
        ttl: float | None = None,
        ordering_key: bytes | str | None = None,
    ) -> Schedule:
        """Makes, alters or opens a schedule: a message that the hub sends to a queue by itself. What is left out stays as it
        is stored; a new one needs `cron`, `queue` and `value`. The queue must be there.

        `cron`: five fields, or six with seconds first. `time_zone`: an IANA name, UTC by default. `missed`: what happens to
        slots that came while the hub was closed: ``"skip"`` them, send ``"one"`` message, or at most so many. The other
        options are those of `TaskQueue.send`.
        """
        message = message_data(
            {
                "value": value,
                "key": key,
                "headers": headers,
                "delay": delay,
                "priority": priority,
                "ttl": ttl,
                "ordering_key": ordering_key,
            }
        )
        policy = {"all": {"max": missed}} if isinstance(missed, int) else missed
        self._do(
            "schedule_open", name=name, cron=cron, time_zone=time_zone, missed=policy, queue=queue, message=message
        )
        return Schedule(self, name)

    def schedules(self) -> list[Schedule]:
        """Every schedule, by name."""
        return [Schedule(self, told["name"]) for told in self._do("schedules")]


def verify(directory: str | os.PathLike[str]) -> Report:
    """Reads all of the directory of a hub that nobody has open, and changes nothing."""
    return _global("verify", directory=os.fspath(directory))


def restore(snapshot: str | os.PathLike[str], into: str | os.PathLike[str]) -> Report:
    """Reads all of a snapshot, and copies it into the new directory `into` if nothing of it is damaged."""
    return _global("restore", snapshot=os.fspath(snapshot), into=os.fspath(into))


def salvage(directory: str | os.PathLike[str], into: str | os.PathLike[str]) -> Report:
    """Copies everything that can still be read of a damaged directory into the new directory `into`."""
    return _global("salvage", directory=os.fspath(directory), into=os.fspath(into))


def _global(verb: str, **arguments: str) -> Report:
    return cast("Report", answer(_core._global_call(verb, options_json(arguments))))
