from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ringmain
from ringmain import RingmainError, _core, errors


def classes() -> list[type[RingmainError]]:
    return [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, RingmainError)]


def test_every_code_of_the_core_has_its_class() -> None:
    named = {c.name: c.code for c in classes() if c is not RingmainError}
    assert named == _core.ERROR_CODES
    assert len(named) == len(classes()) - 1


def test_every_class_is_exported() -> None:
    assert {c.__name__ for c in classes()} <= set(ringmain.__all__)
    assert all(hasattr(ringmain, name) for name in ringmain.__all__)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (ringmain.Timeout, TimeoutError),
        (ringmain.NotFound, KeyError),
        (ringmain.StorageError, OSError),
        (ringmain.InvalidArgument, ValueError),
        (ringmain.OutOfRange, IndexError),
        (ringmain.Poisoned, ringmain.StorageError),
    ],
)
def test_an_error_is_also_the_builtin_one_would_expect(error: type, builtin: type) -> None:
    assert issubclass(error, builtin)
    assert issubclass(error, RingmainError)


@pytest.mark.parametrize("error", classes())
def test_the_text_of_an_error_is_its_message(error: type[RingmainError]) -> None:
    assert str(error("no such queue")) == "no such queue"


def test_a_storage_error_carries_the_systems_number(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError) as error:
        ringmain.open(tmp_path / "file" / "hub")
    assert isinstance(error.value, ringmain.StorageError)
    assert error.value.errno == 20
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("detached", [False, True])
def test_a_panic_is_an_internal_error_and_never_crosses(detached: bool) -> None:
    with pytest.raises(ringmain.Internal, match="asked to panic") as error:
        _core._panic(detached)
    assert isinstance(error.value, Exception)
    assert (error.value.code, error.value.name) == (18, "INTERNAL")


def test_a_hub_that_is_open_elsewhere_says_by_whom(tmp_path: Path) -> None:
    with ringmain.open(tmp_path):
        with pytest.raises(ringmain.Locked):
            ringmain.open(tmp_path)
        script = (
            "import ringmain, sys\n"
            "try: ringmain.open(sys.argv[1])\n"
            "except ringmain.Locked as error: print(error)\n"
        )
        child = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
        assert str(os.getpid()) in child.stdout
    ringmain.open(tmp_path).close()
