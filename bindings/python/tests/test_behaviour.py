"""The scripts of `bindings/behaviour`, replayed in Python. What they are is said in the README there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ringmain
from ringmain import Capacity, Compaction, Dedup, Filter, Hub, ManualClock, Message, RingmainError, Time

SCRIPTS = Path(__file__).parents[2] / "behaviour" / "scripts"

Json = Any
Things = dict[str, Any]
CODES = {number: name for name, number in ringmain._core.ERROR_CODES.items()}


def scripts() -> list[Any]:
    found = []
    for path in sorted(SCRIPTS.glob("*.json")):
        for script in json.loads(path.read_text()):
            for kind in ["durable"] if script.get("durable") else ["memory", "durable"]:
                found.append(pytest.param(script, kind, id=f"{path.stem}-{kind}: {script['about']}"))
    assert len(found) > 50
    return found


@pytest.mark.parametrize(("script", "kind"), scripts())
def test_a_script_gives_in_python_what_it_says(script: Json, kind: str, tmp_path: Path) -> None:
    clock = ManualClock()

    def opened() -> Hub:
        return ringmain.open(tmp_path if kind == "durable" else None, clock=clock)

    things: Things = {"hub": opened(), "clock": clock}
    kept: list[Any] = []
    for step in script["steps"]:
        if step["call"] == "hub.reopen":
            things["hub"].close()
            things = {"hub": opened(), "clock": clock}
            continue
        name, verb = step["call"].split(".")
        try:
            given = call(things, things[name], verb, dict(step.get("with", {})))
        except RingmainError as error:
            assert CODES[error.code] == step.get("error"), f"{step}: {error}"
            continue
        assert "error" not in step, f"{step}: it did not fail"
        if "gives" in step:
            assert_gives(step["gives"], shown(given), str(step))
        kept.append(given)
        names = step.get("as")
        if isinstance(names, list):
            things.update(zip(names, given, strict=True))
        elif names is not None:
            things[names] = given
    things["hub"].close()


def assert_gives(expected: Json, found: Json, step: str) -> None:
    """Of objects only the members that are named are compared."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name == "headers" and not value:
                assert found[name] == value, step
            assert_gives(value, found.get(name), f"{step}: {name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for each, other in zip(expected, found):
            assert_gives(each, other, step)
    else:
        assert expected == found, step


def call(things: Things, thing: Any, verb: str, given: dict[str, Json]) -> Any:
    """Does a verb, with its arguments spelled as Python has them."""
    special = SPECIAL.get((type(thing).__name__, verb))
    if special is not None:
        return special(things, thing, given)
    return getattr(thing, verb)(**python(given))


def python(given: dict[str, Json]) -> dict[str, Any]:
    """Durations are seconds and have no suffix."""
    return {
        name.removesuffix("_ms"): value / 1000 if name.endswith("_ms") else value for name, value in given.items()
    }


def queue(_: Things, hub: Hub, given: dict[str, Json]) -> Any:
    made: dict[str, Callable[[Any], Any]] = {
        "retry": lambda value: ringmain.Retry(**python(value)),
        "dedup": lambda value: Dedup(**python(value)),
        "capacity": lambda value: Capacity(**python(value)),
        "history": lambda value: ringmain.History(**python(value)),
        "error_classes": lambda value: {each["name"]: each["rule"] for each in value},
    }
    return hub.queue(**{name: made.get(name, lambda value: value)(value) for name, value in python(given).items()})


def stream(_: Things, hub: Hub, given: dict[str, Json]) -> Any:
    options = python(given)
    if "compaction" in options:
        options["compaction"] = Compaction(**python(options["compaction"]))
    return hub.stream(**options)


def message(given: dict[str, Json]) -> Message:
    options = python(given)
    if options.pop("tombstone", False):
        return Message.tombstone(options["key"])
    return Message(options.pop("value").encode(), **options)


def messages(given: dict[str, Json]) -> list[Message]:
    return [message(each) for each in given["messages"]]


def append_to(_: Things, stream: Any, given: dict[str, Json]) -> Any:
    return stream.append_to(given.pop("partition"), message(given))


def reader(_: Things, stream: Any, given: dict[str, Json]) -> Any:
    def at(place: Json) -> Any:
        if isinstance(place, str):
            return place
        return place["offset"] if "offset" in place else Time(place["time_ns"])

    def wanted(only: Json) -> Filter:
        if "key" in only:
            return Filter.key(only["key"])
        if "header" in only:
            return Filter.header(only["header"], only.get("value"))
        return Filter.any(*map(wanted, only["any"])) if "any" in only else Filter.all(*map(wanted, only["all"]))

    options = {"start": at(given.get("start", "earliest")), "partition": given.get("partition")}
    if "until" in given:
        options["until"] = at(given["until"])
    if "only" in given:
        options["only"] = wanted(given["only"])
    return stream.reader(**options)


def many(verb: str) -> Callable[[Things, Any, dict[str, Json]], Any]:
    def settle(things: Things, queue: Any, given: dict[str, Json]) -> Any:
        jobs = [things[name] for name in given.pop("jobs")]
        return getattr(queue, verb)(jobs, **given)

    return settle


def fail(_: Things, job: Any, given: dict[str, Json]) -> Any:
    options = python(given)
    if "class" in options:
        options["error_class"] = options.pop("class")
    return job.fail(options.pop("reason"), **options)


SPECIAL: dict[tuple[str, str], Callable[[Things, Any, dict[str, Json]], Any]] = {
    ("ManualClock", "advance"): lambda _, clock, given: clock.advance(given["ms"] / 1000),
    ("Hub", "queue"): queue,
    ("Hub", "stream"): stream,
    ("TaskQueue", "send"): lambda _, queue, given: queue.send(message(given)),
    ("TaskQueue", "send_unique"): lambda _, queue, given: queue.send_unique(message(given)),
    ("TaskQueue", "send_many"): lambda _, queue, given: queue.send_many(messages(given)),
    ("TaskQueue", "receive"): lambda _, queue, given: queue.receive_nowait(),
    ("TaskQueue", "receive_many"): lambda _, queue, given: queue.receive_many(given["count"], timeout=0),
    ("TaskQueue", "ack_many"): many("ack_many"),
    ("TaskQueue", "fail_many"): many("fail_many"),
    ("TaskQueue", "release_many"): many("release_many"),
    ("TaskQueue", "dead_letters_redrive"): lambda _, queue, given: queue.dead_letters.redrive(),
    ("Job", "fail"): fail,
    ("Job", "extend"): lambda _, job, given: job.extend(given["duration_ms"] / 1000),
    ("Job", "ack"): lambda _, job, given: job.ack(*[given["result"].encode()] if given else []),
    ("Stream", "append"): lambda _, stream, given: stream.append(message(given)),
    ("Stream", "append_to"): append_to,
    ("Stream", "append_many"): lambda _, stream, given: stream.append_many(messages(given)),
    ("Stream", "append_expecting"): lambda _, stream, given: stream.append_expecting(
        given["partition"], given["end"], messages(given)
    ),
    ("Stream", "offset_at_time"): lambda _, stream, given: stream.offset_at_time(given["partition"], given["time_ns"]),
    ("Stream", "reader"): reader,
    ("Reader", "poll"): lambda _, reader, given: reader.poll(given["count"], timeout=0),
    ("Reader", "is_done"): lambda _, reader, given: reader.is_done,
    ("Member", "poll"): lambda _, member, given: member.poll(given["count"], timeout=0),
    ("Member", "done"): lambda things, member, given: member.done(things[given["record"]]),
    ("Producer", "append"): lambda _, producer, given: producer.append(given["sequence"], messages(given)),
    ("Table", "len"): lambda _, table, given: len(table),
}

MESSAGE = ["value", "key", "headers", "event_time_ns"]
SHOWN = {
    "Job": ["id", "attempts", "failures", *MESSAGE],
    "Peeked": ["id", "attempts", "failures", *MESSAGE],
    "Record": ["partition", "offset", *MESSAGE],
    "Position": ["partition", "offset"],
    "Sent": ["id", "is_duplicate"],
    "Accepted": ["duplicate"],
}


def shown(given: Any) -> Json:
    """What a call gives, as scripts say it."""
    names = SHOWN.get(type(given).__name__)
    if names is not None:
        return {name: shown(getattr(given, name)) for name in names}
    if isinstance(given, RingmainError):
        return CODES[given.code]
    if isinstance(given, (bytes, bytearray)):
        return bytes(given).decode()
    if isinstance(given, dict):
        return {name: shown(value) for name, value in given.items()}
    if isinstance(given, (list, tuple)):
        return [shown(each) for each in given]
    return given
