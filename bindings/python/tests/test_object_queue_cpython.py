"""CPython's own tests of the module `queue`, on our classes. Its package of tests is not installed everywhere.

Left out: `FailingQueueTest`, which overrides `_put` and `_get`, inner methods of the standard library's class that ours does
not have.
"""

from __future__ import annotations

import queue
import types
import unittest

import pytest

import ringmain

cpython = pytest.importorskip("test.test_queue", reason="this Python comes without its own tests")

MODULE = types.SimpleNamespace(
    Empty=queue.Empty,
    Full=queue.Full,
    Queue=ringmain.Queue,
    ShutDown=ringmain.ShutDown,
    SimpleQueue=ringmain.SimpleQueue,
)


class QueueTest(cpython.QueueTest, unittest.TestCase):  # type: ignore[misc,name-defined]
    queue = MODULE


class SimpleQueueTest(cpython.BaseSimpleQueueTest, unittest.TestCase):  # type: ignore[misc,name-defined]
    queue = MODULE

    def setUp(self) -> None:
        self.type2test = ringmain.SimpleQueue
        super().setUp()
