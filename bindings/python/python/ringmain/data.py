"""Options and answers as the core takes and gives them: JSON, with durations in milliseconds and bytes as base64."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from ringmain.errors import InvalidArgument
from ringmain.options import Capacity, EscalateTo, History, MoveTo

# Options that are seconds in Python.
_DURATIONS = frozenset(
    {"age_step", "base", "block", "by", "cap", "delay", "drain", "lease", "lease_total_max", "relaxed_max", "ttl", "window"}
)


def milliseconds(name: str, seconds: object) -> float:
    """Seconds as milliseconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be seconds as a number, not {type(seconds).__name__}")
    if not math.isfinite(seconds) or seconds < 0:
        raise InvalidArgument(f"{name}: {seconds} seconds is not allowed; give 0 or more seconds")
    return seconds * 1e3


def text_of_bytes(name: str, value: object) -> str:
    """Bytes or text as base64."""
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"{name} must be bytes or str, not {type(value).__name__}")
    return base64.b64encode(value).decode()


def options_json(options: Mapping[str, Any]) -> str:
    """Options as the core takes them. None is left out: it stays as it is."""
    return json.dumps(_spelled(options), allow_nan=False)


def _spelled(options: Mapping[str, Any]) -> dict[str, Any]:
    spelled: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        if name == "error_classes":
            spelled[name] = [{"name": of, "rule": rule} for of, rule in value.items()]
        elif isinstance(value, Capacity):
            spelled[name] = _capacity(value)
        elif isinstance(value, EscalateTo):
            spelled[name] = {"escalate_to": value.queue}
        elif isinstance(value, MoveTo):
            spelled[name] = {"move_to": value.queue}
        elif is_dataclass(value) and not isinstance(value, type):
            spelled[name] = _spelled(asdict(value))
        elif name in ("message", "letters"):
            spelled[name] = _spelled(value)
        elif name in _DURATIONS:
            spelled[f"{name}_ms"] = milliseconds(name, value)
        else:
            spelled[name] = value
    return spelled


def _capacity(capacity: Capacity) -> dict[str, Any]:
    spelled = _spelled({"messages": capacity.messages, "bytes": capacity.bytes, "overflow": capacity.overflow})
    if capacity.overflow == "block":
        spelled["block_ms"] = None if capacity.block is None else milliseconds("block", capacity.block)
    return spelled


def answer(text: str) -> Any:
    """An answer of the core as Python has it."""
    return json.loads(text, object_hook=_respelled)


def _respelled(answer: dict[str, Any]) -> dict[str, Any]:
    respelled: dict[str, Any] = {}
    for name, value in answer.items():
        if name.endswith("_ms"):
            respelled[name[:-3]] = None if value is None else value / 1e3
        elif name.endswith("_base64"):
            respelled[name[:-7]] = None if value is None else base64.b64decode(value)
        elif name == "failures_by_class":
            respelled[name] = {one["name"]: one["count"] for one in value}
        else:
            respelled[name] = value
    return respelled


def by_name(named: list[dict[str, Any]]) -> dict[str, Any]:
    """A list of things that have a name, by their names."""
    return {one.pop("name"): one for one in named}


def queue_info(told: dict[str, Any]) -> dict[str, Any]:
    """The options of a queue as `Hub.queue` takes them."""
    from ringmain.options import Dedup, Rate, Retry

    told["error_classes"] = {one["name"]: one["rule"] for one in told["error_classes"]}
    if told["on_exhausted"] == "dead_letter":
        told["on_exhausted"] = None
    kinds: dict[str, Any] = {
        "retry": Retry,
        "dedup": Dedup,
        "capacity": Capacity,
        "history": History,
        "rate": Rate,
        "rate_per_key": Rate,
    }
    for name, kind in kinds.items():
        if told.get(name) is not None:
            told[name] = kind(**told[name])
    if isinstance(breach := told["on_breach"], dict):
        told["on_breach"] = EscalateTo(breach["escalate_to"]) if "escalate_to" in breach else MoveTo(breach["move_to"])
    return told
