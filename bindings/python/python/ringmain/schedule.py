"""Schedules: messages that a hub sends to a queue by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ringmain.data import text_of_bytes

if TYPE_CHECKING:
    from ringmain.answers import ScheduleInfo
    from ringmain.hub import Hub


class Schedule:
    """A schedule of a hub: made by `Hub.schedule`."""

    __slots__ = ("_hub", "name")

    name: str
    """As it was made."""

    def __init__(self, hub: Hub, name: str) -> None:
        self._hub = hub
        self.name = name

    def __repr__(self) -> str:
        return f"<ringmain.Schedule {self.name!r}>"

    def info(self) -> ScheduleInfo:
        """What it is, when it fired last, and when it fires next. Raises `NotFound` once it is deleted."""
        return cast("ScheduleInfo", self._do("schedule_info"))

    def pause(self) -> None:
        """Has it fire no more until it is resumed, in whichever process."""
        self._do("schedule_pause")

    def resume(self) -> None:
        """Has it go on from now; what came while it was paused was not missed."""
        self._do("schedule_resume")

    def delete(self) -> None:
        """Deletes it. What it has sent stays in the queue."""
        self._do("schedule_delete")

    def _do(self, verb: str) -> Any:
        return self._hub._do(verb, name=self.name)


def message_data(options: dict[str, Any]) -> dict[str, Any] | None:
    """The message of a schedule as the core takes it; None for no message."""
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("value", "key", "ordering_key"):
        if name in given:
            given[f"{name}_base64"] = text_of_bytes(name, given.pop(name))
    if "headers" in given:
        headers = given["headers"].items()
        given["headers"] = [
            {"name": name, "value_base64": text_of_bytes("header value", value)} for name, value in headers
        ]
    return given or None
