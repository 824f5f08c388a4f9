"""Dead letters: to look at, to send back, to throw away."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from ringmain import _core
from ringmain.data import answer, options_json
from ringmain.options import Letters


class DeadLetters:
    """The dead letters in a queue: `TaskQueue.dead_letters`. Each verb takes all of them, or those that `Letters` says."""

    __slots__ = ("_queue",)

    def __init__(self, queue: _core.TaskQueue) -> None:
        self._queue = queue

    def peek(self, letters: Letters = Letters(), count: int = 100) -> list[_core.Peeked]:
        """Up to `count` (1 to 65,536), by id, unchanged. Headers that begin with ``rm-dead-`` say why they died."""
        return self._queue._peek_letters(options_json(_data(letters)), count)

    def redrive(
        self,
        letters: Letters = Letters(),
        *,
        to: str | None = None,
        per_second: float | None = None,
        keep_failures: bool = False,
    ) -> int:
        """Sends them back: each to the queue in which it died, or all to the queue `to`; so many a second, or at once; with
        their failures, or from 0. Returns how many.
        """
        return self._do("dead_letters_redrive", letters, to=to, per_second=per_second, keep_failures=keep_failures)

    def discard(self, letters: Letters = Letters()) -> int:
        """Throws them away. Returns how many."""
        return self._do("dead_letters_discard", letters)

    def export(self, path: str | os.PathLike[str], letters: Letters = Letters()) -> int:
        """Writes them, unchanged, into the new file `path`, one JSON object a line. Returns how many."""
        return self._do("dead_letters_export", letters, path=os.fspath(path))

    def _do(self, verb: str, letters: Letters, **arguments: Any) -> int:
        return cast(int, answer(self._queue._call(verb, options_json({"letters": _data(letters), **arguments}))))


def _data(letters: Letters) -> dict[str, Any]:
    data = asdict(letters)
    data["class"] = data.pop("error_class")
    if data["ids"] is not None:
        data["ids"] = list(data["ids"])
    return {name: value for name, value in data.items() if value is not None}
