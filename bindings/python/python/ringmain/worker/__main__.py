"""``python -m ringmain.worker module:hub``: runs the workers of a hub until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

import ringmain


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ringmain.worker", description=__doc__)
    parser.add_argument("hub", help="where the hub is, as module:name or module:name.of.attribute")
    parser.add_argument("--queue", action="append", metavar="NAME", help="only this queue's workers; may be given again")
    parser.add_argument("--concurrency", type=int, help="handlers at a time of each worker, in place of its own")
    parser.add_argument(
        "--timeout", type=float, default=30.0, help="seconds that running handlers have to end; %(default)s by default"
    )
    parser.add_argument("--log-level", default="INFO", help="of Python's logging; %(default)s by default")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    ringmain.logs.start(logging.getLogger().level)
    wrong: Exception | None = None
    try:
        with find(options.hub) as hub:
            hub.run_workers(options.queue, concurrency=options.concurrency, timeout=options.timeout)
    except (NoSuchHub, ringmain.RingmainError) as error:
        wrong = error
    finally:
        ringmain.logs.stop()
    if wrong is not None:
        # After the last notice, in one piece.
        sys.stderr.write(f"{parser.prog}: {options.hub}: {wrong}\n")
    return 0 if wrong is None else 1


class NoSuchHub(Exception):
    """What was named is not there, or is no hub. What is wrong inside of the module keeps its own traceback."""


def find(place: str) -> ringmain.Hub:
    """The hub at ``module:name``."""
    module, colon, name = place.partition(":")
    if not colon:
        raise NoSuchHub("say where the hub is in the module, as module:name")
    sys.path.insert(0, os.getcwd())
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise NoSuchHub(error) from None
    for attribute in name.split("."):
        if not hasattr(found, attribute):
            raise NoSuchHub(f"{found!r} has no {attribute!r}")
        found = getattr(found, attribute)
    if not isinstance(found, ringmain.Hub):
        raise NoSuchHub(f"it is a {type(found).__name__}, not a ringmain.Hub")
    return found


if __name__ == "__main__":
    sys.exit(main())
