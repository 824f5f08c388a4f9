from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import ringmain
from ringmain import Message

EXAMPLES = Path(__file__).parents[3] / "examples"

# Carrier, tail number, departure delay; None for a flight that was cancelled.
FLIGHTS = [
    ("UA", "N14228", 2),
    ("UA", "N24211", 60),
    ("AA", None, None),
    ("AA", "N619AA", 59),
    ("B6", "N804JB", 301),
    ("B6", None, 75),
    ("UA", "N668DN", -6),
]


def test_the_readme_snippet_runs_as_written() -> None:
    done = subprocess.run([sys.executable, EXAMPLES / "readme" / "snippet.py"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "b'anna' b'Hello Anna' b'en'",
        "[b'no such address']",
        f"{partition_of('N14228')} 0 b'{{\"dep_delay\": 72}}'",
    ]


def partition_of(key: str) -> int:
    return ringmain.open().stream("s", partitions=4).append(b"", key=key).partition


def flights_step(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, EXAMPLES / "flights" / "python" / "main.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_flights_step_counts_by_carrier_and_sends_late_flights_once(tmp_path: Path) -> None:
    with ringmain.open(tmp_path / "hub") as hub:
        rows = [
            Message(
                json.dumps({"dep_delay": delay, "tailnum": tail}).encode(), key=tail, headers={"carrier": carrier}
            )
            for carrier, tail, delay in FLIGHTS
        ]
        rows.append(Message(b"not json", headers={"carrier": "UA"}))
        hub.stream("flights", partitions=4).append_many(rows)

    first = flights_step(tmp_path / "hub", "--carriers-json", tmp_path / "carriers.json")
    assert first.returncode == 0, first.stderr
    carriers = {
        "AA": {"departures": 1, "cancellations": 1, "delay_minutes_sum": 59},
        "B6": {"departures": 2, "cancellations": 0, "delay_minutes_sum": 376},
        "UA": {"departures": 3, "cancellations": 0, "delay_minutes_sum": 56},
    }
    summary = only_line(first.stdout)
    assert summary.pop("seconds") > 0
    assert summary == {
        "step": "python",
        "records": 8,
        "departures": 6,
        "cancellations": 1,
        "tasks": 3,
        "carriers": carriers,
    }
    assert json.loads((tmp_path / "carriers.json").read_text()) == carriers
    assert "not a flight" in first.stderr
    assert "188.0 min" in first.stderr

    second = only_line(flights_step(tmp_path / "hub").stdout)
    assert (second["records"], second["tasks"], second["carriers"]) == (0, 0, {})

    with ringmain.open(tmp_path / "hub") as hub:
        tasks = hub.queue("rebook").peek()
        assert sorted((json.loads(task.value)["dep_delay"], task.key) for task in tasks) == [
            (60, b"N24211"),
            (75, None),
            (301, b"N804JB"),
        ]


def only_line(text: str) -> dict[str, Any]:
    (line,) = text.splitlines()
    summary = json.loads(line)
    assert isinstance(summary, dict)
    return summary


def test_the_flights_step_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "new"):
        done = flights_step(path)
        assert done.returncode != 0
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert str(path) in done.stderr
