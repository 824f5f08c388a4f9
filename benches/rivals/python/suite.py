"""`./x bench python`: the Python package against what its users have now."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import leased
import loops
import objects
from contest import measure
from report import judge, picture, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="./x bench python", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the report goes")
    parser.add_argument("--quick", action="store_true", help="all cells, rough")
    parser.add_argument("--cell", default="", metavar="WORDS", help="only cells whose name has all these words")
    parser.add_argument("--peer", default="", metavar="WORD", help="only ours and entrants whose name has this word")
    parser.add_argument("--rounds", type=int, metavar="N", help="how many rounds: 9, or 3 with --quick")
    parser.add_argument("--round-ms", type=int, metavar="MS", help="how long a round takes: 150, or 30 with --quick")
    parser.add_argument("--list", action="store_true", help="say what would be measured")
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 9)
    round_ms = options.round_ms or (30 if options.quick else 150)

    options.out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="scratch-python-", dir=options.out))
    try:
        every = [*objects.cells(), *loops.cells(), *leased.cells(scratch)]
        words = options.cell.split()
        chosen = [cell for cell in every if all(word in cell.name for word in words)]
        if not chosen:
            parser.error(f"no cell has all the words {options.cell!r}; --list shows them")
        for cell in chosen:
            cell.entrants = [one for one in cell.entrants if one.role == "ours" or options.peer in one.name]
        if options.list:
            for cell in chosen:
                print(f"{cell.name}: {', '.join(one.name for one in cell.entrants)}")
            return 0
        judged = []
        for number, cell in enumerate(chosen, 1):
            results = measure(cell, rounds, round_ms * 1_000_000, lambda words, n=number: progress(n, len(chosen), words))
            progress(number, len(chosen), "")
            judged.append(judge(cell, results))
            print(table(judged[-1]), flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

    name = "python-part" if options.cell or options.peer else "python"
    (options.out / f"{name}.json").write_text(json.dumps(judged, indent=2) + "\n")
    (options.out / f"{name}.svg").write_text(picture("python", judged))
    missed = [cell["cell"] for cell in judged if cell["met"] is False]
    goals = sum(cell["met"] is not None for cell in judged)
    print(f"\n{len(judged)} cells, {goals - len(missed)} of {goals} goals met", end="")
    print(f"; missed: {'; '.join(missed)}" if missed else "")
    print(f"written: {name}.json and {name}.svg")
    return 0


def progress(number: int, count: int, words: str) -> None:
    """On one line of the terminal; not into files."""
    if sys.stderr.isatty():
        print(f"\r\033[K[{number}/{count}] {words}" if words else "\r\033[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
