"""Cells, their entrants, and the rounds in which these take turns."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

#: Does a number of operations and returns the nanoseconds that they took, by the clock that the cell is about.
Work = Callable[[int], int]
Role = Literal["ours", "variant", "rival", "reference"]


@dataclass
class Entrant:
    """Somebody who takes part in a cell."""

    name: str
    #: Makes what works, before the first round.
    make: Callable[[], Work]
    role: Role = "rival"
    #: No round has more operations than this.
    count_max: int = 1 << 22
    #: Nor fewer, unless that is more than the most: where threads are started, so many that their start does not matter.
    count_min: int = 16
    #: How many operations go together.
    step: int = 1


@dataclass
class Cell:
    """Something that is measured, in a unit of time per operation: less is better."""

    name: str
    entrants: Sequence[Entrant]
    #: Ours takes at most this.
    value: float | None = None
    #: Ours is better than each of these by this factor.
    ratios: dict[str, float] = field(default_factory=dict)
    unit: str = "ns"

    @property
    def scale(self) -> float:
        """Nanoseconds in a unit."""
        return {"ns": 1.0, "us": 1000.0}[self.unit]


@dataclass
class Spread:
    """What came of the rounds."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


class Wrong(Exception):
    """Objects were lost, doubled or altered."""


def check(seen: object, expected: object) -> None:
    """Fails the run unless what came out is what went in."""
    if seen != expected:
        raise Wrong(f"{seen!r} came out, it should have been {expected!r}")


def measure(cell: Cell, rounds: int, round_ns: int, say: Callable[[str], None]) -> dict[str, Spread]:
    """Lets the entrants of a cell take turns, each round beginning with another one."""
    works: list[tuple[Entrant, Work, int]] = []
    for entrant in cell.entrants:
        say(f"{cell.name}: {entrant.name}")
        work = entrant.make()
        works.append((entrant, work, calibrate(entrant, work, round_ns)))
    values: dict[str, list[float]] = {entrant.name: [] for entrant in cell.entrants}
    for number in range(rounds):
        say(f"{cell.name}: round {number + 1} of {rounds}")
        shift = number % len(works)
        for entrant, work, count in works[shift:] + works[:shift]:
            values[entrant.name].append(once(work, count) / cell.scale)
    return {name: Spread.of(of_one) for name, of_one in values.items()}


def once(work: Work, count: int) -> float:
    """Nanoseconds for one operation. Without the collector of garbage, which would come to some and not to others."""
    gc.collect()
    gc.disable()
    try:
        return work(count) / count
    finally:
        gc.enable()


def calibrate(entrant: Entrant, work: Work, round_ns: int) -> int:
    """How many operations take a round."""
    at_least = min(entrant.count_min, entrant.count_max)
    count = max(at_least // entrant.step, 1) * entrant.step
    while True:
        begin = time.perf_counter_ns()
        work(count)
        took = max(time.perf_counter_ns() - begin, 1)
        if took >= round_ns // 4 or count >= entrant.count_max:
            wanted = int(count * round_ns / took)
            return max(min(max(wanted, at_least), entrant.count_max) // entrant.step, 1) * entrant.step
        count = min(count * 4, entrant.count_max)
