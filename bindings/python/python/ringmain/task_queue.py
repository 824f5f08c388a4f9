"""Task queues: the hot verbs are the core's own, those that look and tidy up are here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ringmain import _core
from ringmain.data import answer, milliseconds, options_json, text_of_bytes
from ringmain.dead_letters import DeadLetters

if TYPE_CHECKING:
    from ringmain.aio import AsyncTaskQueue
    from ringmain.answers import Breach, Explanation, Finished, HaltedGroup, QueueStats


class TaskQueue(_core.TaskQueue):
    """A task queue: each message goes to one of its competing consumers. Made by `Hub.queue`; any thread may use it."""

    __slots__ = ()

    @property
    def aio(self) -> AsyncTaskQueue:
        """The same verbs as coroutines, for asyncio."""
        from ringmain.aio import AsyncTaskQueue

        return AsyncTaskQueue(self)

    @property
    def dead_letters(self) -> DeadLetters:
        """The dead letters in this queue, if others send theirs here."""
        return DeadLetters(self)

    def _do(self, verb: str, **arguments: Any) -> Any:
        return answer(self._call(verb, options_json(arguments)))

    def cancel(self, id: int, *, now: bool = False) -> bool:
        """Takes a message out for good that waits. True: it is never delivered again. False: it is no longer there, or
        out; then its worker sees `Job.is_cancelled`, and it is gone when it comes back unacked. With `now` it is taken from its
        worker, too, whose verbs then raise `LeaseLost`.
        """
        return cast(bool, self._do("cancel_now" if now else "cancel", id=id))

    def reschedule(self, id: int, delay: float = 0.0) -> bool:
        """Has a waiting message wait until `delay` seconds from now, at most ten years. False: it is out, set aside, or no
        longer there.
        """
        return cast(bool, self._do("reschedule", id=id, delay=delay))

    def reschedule_at(self, id: int, time_ns: int) -> bool:
        """As `reschedule`, until a time in nanoseconds since 1970."""
        return cast(bool, self._do("reschedule_at", id=id, time_ns=time_ns))

    def explain(self, id: int) -> Explanation:
        """Why a message is not being delivered now: as data, and in words (``["text"]``)."""
        return cast("Explanation", self._do("explain", id=id))

    def breaches(self) -> list[Breach]:
        """Deadlines that were missed since this was asked last, oldest first; the last 1,024."""
        return cast("list[Breach]", self._do("breaches"))

    def finished(self, id: int) -> Finished | None:
        """What became of a message that has left the queue, if its ``history`` keeps that."""
        return cast("Finished | None", self._do("finished", id=id))

    def finished_from(self, from_id: int = 0, count: int = 100) -> list[Finished]:
        """The same of up to `count` (1 to 65,536) messages with an id of at least `from_id`, by id."""
        return cast("list[Finished]", self._do("finished_from", from_id=from_id, count_max=count))

    def pause(self) -> None:
        """Delivers nothing until `resume`, which outlives the hub. Sending and settling go on; receivers wait."""
        self._do("pause")

    def resume(self) -> None:
        """Delivers again."""
        self._do("resume")

    def purge(self, *, leased: bool = False) -> int:
        """Takes every message out for good that waits, with `leased` also those that are out. Returns how many."""
        return cast(int, self._do("purge_all" if leased else "purge"))

    def halted_groups(self) -> list[HaltedGroup]:
        """Ordering keys of which nothing is delivered because a message died (``on_group_death="halt"``), by key."""
        return cast("list[HaltedGroup]", self._do("halted_groups"))

    def resume_group(self, ordering_key: bytes | str) -> bool:
        """Has a halted ordering key go on. False: it was not halted."""
        key = text_of_bytes("ordering_key", ordering_key)
        return cast(bool, self._do("resume_group", ordering_key_base64=key))

    def set_weight(self, ordering_key: bytes | str, weight: int) -> None:
        """Gives an ordering key so many turns in a row when keys take turns, 1 (as all have) to 100. At most 1,000 keys."""
        self._do("set_weight", ordering_key_base64=text_of_bytes("ordering_key", ordering_key), weight=weight)

    def desired_workers(self, drain: float = 60.0) -> int:
        """Workers that would keep up with what is sent and bring the backlog down within `drain` seconds. 0 before an ack."""
        return cast(int, self._do("desired_workers", drain=drain))

    def stats(self) -> QueueStats:
        """Counts."""
        return cast("QueueStats", self._do("stats"))
