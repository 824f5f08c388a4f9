"""The stubs say what the module does, user code type-checks, and the docs' examples run."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import ringmain

PACKAGE = Path(__file__).parents[1]
CONFIG = PACKAGE / "pyproject.toml"


def test_the_examples_in_the_docs_run() -> None:
    failed, run = doctest.testmod(ringmain)
    assert (failed, run) == (0, 5)


def check(*command: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=PACKAGE / "tests")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stubs_match_the_module() -> None:
    check("mypy.stubtest", "ringmain", "--mypy-config-file", CONFIG)


def test_the_package_its_tests_and_the_examples_are_strictly_typed() -> None:
    examples = PACKAGE.parents[1] / "examples"
    check("mypy", "--config-file", CONFIG, PACKAGE / "python" / "ringmain", PACKAGE / "tests")
    check("mypy", "--config-file", CONFIG, examples / "readme" / "snippet.py")
    check("mypy", "--config-file", CONFIG, examples / "flights" / "python" / "main.py")
