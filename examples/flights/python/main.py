"""Step 2 of the flights pipeline: read the stream, count by carrier, send late flights to be rebooked.

The consumer group `delays` reads every record of the stream `flights` and sends each flight that left an hour or more
late to the queue `rebook`. It commits after the sends, so a run that is killed sends a few flights twice and none
never. A second run finds nothing new.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import ringmain

LATE_MINUTES = 60
BATCH_RECORDS = 1000


@dataclass
class Carrier:
    """What is known of one carrier."""

    departures: int = 0
    cancellations: int = 0
    delay_minutes_sum: int = 0

    def count(self, delay_minutes: int | None) -> None:
        """Counts one scheduled departure; without a delay it was cancelled."""
        if delay_minutes is None:
            self.cancellations += 1
        else:
            self.departures += 1
            self.delay_minutes_sum += delay_minutes


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("hub", metavar="HUB_DIRECTORY", type=Path, help="directory of the hub")
    options.add_argument("--carriers-json", metavar="FILE", type=Path, help="also write the counts by carrier here")
    arguments = options.parse_args()
    begin = time.perf_counter()
    try:
        with ringmain.open(arguments.hub) as hub:
            if "flights" not in hub.streams():
                sys.exit(f"flights, Python step: {arguments.hub} has no stream \"flights\"; run the Rust step first")
            records, tasks, carriers = consume(hub)
    except ringmain.RingmainError as error:
        sys.exit(f"flights, Python step: {error}")
    seconds = time.perf_counter() - begin

    by_carrier = {code: asdict(carrier) for code, carrier in sorted(carriers.items())}
    if arguments.carriers_json:
        arguments.carriers_json.write_text(json.dumps(by_carrier, indent=2) + "\n")
    print_table(carriers)
    summary = {
        "step": "python",
        "records": records,
        "departures": sum(carrier.departures for carrier in carriers.values()),
        "cancellations": sum(carrier.cancellations for carrier in carriers.values()),
        "tasks": tasks,
        "carriers": by_carrier,
        "seconds": round(seconds, 3),
    }
    print(json.dumps(summary))


def consume(hub: ringmain.Hub) -> tuple[int, int, dict[str, Carrier]]:
    """Reads what the group has not yet read; how many records, how many tasks, and the counts."""
    rebook = hub.queue(
        "rebook",
        lease=30,
        max_failures=3,
        dead_letter="rebook.dead",
        retry=ringmain.Retry(base=0.01, factor=1, cap=0.01, jitter="none"),
    )
    carriers: dict[str, Carrier] = defaultdict(Carrier)
    record_count = task_count = 0
    with hub.stream("flights").group("delays").join() as member:
        empty_polls = 0
        while empty_polls < 2:
            records = member.poll(BATCH_RECORDS, timeout=0.1)
            empty_polls = 0 if records else empty_polls + 1
            late = []
            for record in records:
                try:
                    delay_minutes = json.loads(record.value)["dep_delay"]
                except (ValueError, KeyError, TypeError) as error:
                    place = f"partition {record.partition} offset {record.offset}"
                    print(f"{place}: not a flight, skipped: {error!r}", file=sys.stderr)
                    continue
                carriers[(record.header("carrier") or b"?").decode()].count(delay_minutes)
                if delay_minutes is not None and delay_minutes >= LATE_MINUTES:
                    late.append(ringmain.Message(record.value, key=record.key))
            if late:
                rebook.send_many(late)
            if records:
                member.commit()
            record_count += len(records)
            task_count += len(late)
    return record_count, task_count, carriers


def print_table(carriers: dict[str, Carrier]) -> None:
    """The counts for a person, on stderr."""
    if not carriers:
        print("no new records", file=sys.stderr)
        return
    print(f"{'carrier':<8}{'departures':>12}{'cancelled':>11}{'mean delay':>12}", file=sys.stderr)
    for code, carrier in sorted(carriers.items()):
        mean = f"{carrier.delay_minutes_sum / carrier.departures:.1f} min" if carrier.departures else "-"
        print(f"{code:<8}{carrier.departures:>12,}{carrier.cancellations:>11,}{mean:>12}", file=sys.stderr)


if __name__ == "__main__":
    main()
