"""`ringmain.Queue` and `ringmain.SimpleQueue` behave as the standard library's queues, whose tests these follow."""

from __future__ import annotations

import copy
import gc
import itertools
import pickle
import queue
import sys
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

import pytest
from conftest import LONG

import ringmain
from ringmain import Queue, ShutDown, SimpleQueue

Either: TypeAlias = Queue[Any] | SimpleQueue[Any]

#: A bound that has a slot for each object, and one that has not.
BOUNDS = [3, 1 << 20]


@pytest.fixture(params=[Queue, SimpleQueue])
def either(request: pytest.FixtureRequest) -> Either:
    made: Either = request.param()
    return made


class Thing:
    other: object = None


def test_objects_come_out_in_order_and_are_the_same_ones(either: Either) -> None:
    things = [object() for _ in range(1000)]
    for thing in things:
        either.put(thing)
    assert either.qsize() == 1000 and not either.empty()
    assert all(either.get() is thing for thing in things)
    assert either.qsize() == 0 and either.empty()


def test_none_and_exceptions_are_objects_like_others(either: Either) -> None:
    for thing in (None, queue.Empty(), NotImplemented, StopIteration):
        either.put(thing)
        assert either.get_nowait() is thing


def test_an_empty_queue_raises_the_empty_of_the_standard_library(either: Either) -> None:
    with pytest.raises(queue.Empty):
        either.get_nowait()
    with pytest.raises(queue.Empty):
        either.get(block=False)
    with pytest.raises(queue.Empty):
        either.get(False)
    with pytest.raises(queue.Empty):
        either.get(timeout=0.01)
    with pytest.raises(queue.Empty):
        either.get(timeout=0)
    with pytest.raises(queue.Empty):
        either.get_many(3, block=False)


def test_a_bound_is_exact_and_a_full_queue_raises_the_full_of_the_standard_library() -> None:
    q: Queue[int] = Queue(3)
    for n in range(3):
        assert not q.full()
        q.put(n)
    assert q.full() and q.qsize() == 3
    with pytest.raises(queue.Full):
        q.put_nowait(3)
    with pytest.raises(queue.Full):
        q.put(3, False)
    with pytest.raises(queue.Full):
        q.put(3, timeout=0.01)
    assert q.get() == 0
    q.put_nowait(3)
    assert q.full() and [q.get() for _ in range(3)] == [1, 2, 3]


def test_a_large_bound_is_exact_and_takes_memory_only_as_it_fills() -> None:
    bound = (1 << 16) + 1
    q: Queue[int] = Queue(bound)
    assert q.put_many(range(bound + 5), block=False) == bound
    assert q.full()
    with pytest.raises(queue.Full):
        q.put_nowait(0)
    assert q.get() == 0
    q.put_nowait(0)
    assert q.full()
    assert Queue[int](sys.maxsize).maxsize == sys.maxsize


@pytest.mark.parametrize("maxsize", [0, -1])
def test_no_bound_is_never_full(maxsize: int) -> None:
    q: Queue[int] = Queue(maxsize)
    assert q.put_many(range(10_000)) == 10_000
    assert not q.full() and q.maxsize == maxsize and q.qsize() == 10_000


def test_a_core_error_about_a_full_queue_is_the_standard_one_too() -> None:
    assert issubclass(ringmain.Full, queue.Full)
    assert issubclass(ringmain.Full, ringmain.RingmainError)


@pytest.mark.parametrize("maxsize", BOUNDS)
def test_a_bound_can_be_lowered(maxsize: int) -> None:
    q: Queue[int] = Queue(maxsize)
    q.put_many([1, 2])
    q.maxsize = 2
    assert q.maxsize == 2 and q.full()
    with pytest.raises(queue.Full):
        q.put_nowait(3)
    with pytest.raises(queue.Full):
        q.put_many([3, 4], block=False)
    q.get()
    assert q.put_many([3, 4], block=False) == 1
    q.maxsize = maxsize
    q.put_nowait(5)


def test_a_bound_over_what_the_queue_was_made_for_is_refused_with_what_to_do() -> None:
    q: Queue[int] = Queue(3)
    with pytest.raises(ValueError, match="maxsize 4 is over the 3 that this queue was made for: make another"):
        q.maxsize = 4
    assert q.maxsize == 3


def test_a_negative_timeout_is_refused_as_the_standard_library_does(either: Either) -> None:
    either.put(1)
    with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
        either.get(timeout=-1)
    with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
        either.get(timeout=float("nan"))
    assert either.get(False, timeout=-1) == 1
    q: Queue[int] = Queue(2)
    with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
        q.put(1, timeout=-1)
    assert q.empty()


def test_a_timeout_beyond_the_clock_is_no_timeout(either: Either) -> None:
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(either.get, True, 1e300)
        either.put(1)
        assert got.result(timeout=LONG) == 1


def test_a_simple_queue_ignores_block_and_timeout_of_a_put() -> None:
    q: SimpleQueue[int] = SimpleQueue()
    q.put(1, False, -1)
    q.put(2, timeout=None)
    assert [q.get(), q.get()] == [1, 2]


def test_batches_keep_the_order_and_take_what_is_there(either: Either) -> None:
    assert either.put_many(range(1000)) == 1000
    assert either.put_many([]) == 0
    assert either.get_many(300) == list(range(300))
    assert either.get_many(10**15) == list(range(300, 1000))
    assert either.empty()
    with pytest.raises(ValueError, match="at least one"):
        either.get_many(0)


def test_a_batch_puts_as_much_as_there_is_room_for_and_says_how_much() -> None:
    q: Queue[int] = Queue(3)
    assert q.put_many([1, 2, 3, 4], block=False) == 3
    with pytest.raises(queue.Full):
        q.put_many([4], timeout=0.01)
    assert q.get() == 1
    assert q.put_many((4, 5), timeout=0.01) == 1
    assert q.get_many(9) == [2, 3, 4]
    assert q.unfinished_tasks == 4


def test_a_batch_larger_than_the_bound_goes_through_while_another_thread_gets() -> None:
    q: Queue[int] = Queue(3)
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(q.put_many, range(100))
        assert [q.get(timeout=LONG) for _ in range(100)] == list(range(100))
        assert put.result(timeout=LONG) == 100


def test_a_batch_of_a_generator_that_uses_the_same_queue(either: Either) -> None:
    def items() -> Iterator[str]:
        either.put("before")
        yield "one"
        yield "two"

    assert either.put_many(items()) == 2
    assert either.get_many(9) == ["before", "one", "two"]


def test_a_batch_that_fails_to_be_made_puts_nothing(either: Either) -> None:
    with pytest.raises(ZeroDivisionError):
        either.put_many(1 // n for n in (1, 0))
    with pytest.raises(TypeError):
        either.put_many(None)  # type: ignore[arg-type]
    assert either.empty()


def test_task_done_more_often_than_put_is_refused() -> None:
    q: Queue[int] = Queue()
    with pytest.raises(ValueError, match="too many times"):
        q.task_done()
    q.put(1)
    assert q.unfinished_tasks == 1
    q.task_done()
    with pytest.raises(ValueError, match="too many times"):
        q.task_done()


def test_what_was_refused_is_not_unfinished() -> None:
    q: Queue[int] = Queue(1)
    q.put(1)
    with pytest.raises(queue.Full):
        q.put_nowait(2)
    assert q.unfinished_tasks == 1


def test_join_returns_when_everything_is_done() -> None:
    q: Queue[int] = Queue()
    q.join()
    q.put_many(range(3))
    with ThreadPoolExecutor(2) as pool:
        joins = [pool.submit(q.join) for _ in range(2)]
        for _ in range(3):
            assert not joins[0].done()
            q.get()
            q.task_done()
        for join in joins:
            join.result(timeout=LONG)


def test_after_shutdown_what_is_left_comes_out_and_nothing_goes_in() -> None:
    q: Queue[int] = Queue(5)
    q.put_many([1, 2])
    q.shutdown()
    assert q.is_shutdown
    for put in (lambda: q.put(3), lambda: q.put_nowait(3), lambda: q.put_many([3])):
        with pytest.raises(ShutDown):
            put()
    assert (q.get(), q.get_many(3)) == (1, [2])
    for get in (q.get, q.get_nowait, lambda: q.get_many(1), lambda: q.get(timeout=LONG)):
        with pytest.raises(ShutDown):
            get()
    assert q.unfinished_tasks == 2
    q.shutdown()


def test_an_immediate_shutdown_throws_away_what_is_left_and_counts_it_as_done() -> None:
    q: Queue[int] = Queue()
    q.put_many([1, 2, 3])
    q.get()
    q.shutdown(immediate=True)
    assert q.empty() and q.unfinished_tasks == 1
    with pytest.raises(ShutDown):
        q.get()
    q.task_done()
    q.join()


@pytest.mark.parametrize("immediate", [False, True])
def test_shutdown_wakes_everybody_who_waits(immediate: bool) -> None:
    full: Queue[int] = Queue(1)
    full.put(0)
    empty: Queue[int] = Queue()
    with ThreadPoolExecutor(6) as pool:
        waits: list[Future[Any]] = [pool.submit(empty.get) for _ in range(2)]
        waits += [pool.submit(empty.get_many, 2), pool.submit(full.put, 1), pool.submit(full.put_many, [1, 2])]
        join = pool.submit(full.join)
        empty.shutdown(immediate)
        full.shutdown(immediate)
        for wait in waits:
            with pytest.raises(ShutDown):
                wait.result(timeout=LONG)
        if not immediate:
            full.get()
            full.task_done()
        join.result(timeout=LONG)


def test_a_batch_that_a_shutdown_ends_says_how_much_of_it_was_put() -> None:
    q: Queue[int] = Queue(2)
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(q.put_many, [1, 2, 3])
        while not q.full():
            pass
        q.shutdown()
        assert put.result(timeout=LONG) == 2


@pytest.mark.skipif(sys.version_info < (3, 13), reason="the standard library has it from 3.13 on")
def test_shutdown_raises_the_error_of_the_standard_library() -> None:
    assert ShutDown is queue.ShutDown  # type: ignore[attr-defined,unused-ignore]


def test_a_queue_keeps_no_reference_to_what_was_got(either: Either) -> None:
    thing = Thing()
    seen = weakref.ref(thing)
    either.put(thing)
    del thing
    gc.collect()
    assert seen() is not None
    either.get()
    assert seen() is None


def test_references_are_counted_exactly(either: Either) -> None:
    thing = object()
    before = sys.getrefcount(thing)
    for _ in range(10):
        either.put(thing)
    either.put_many([thing] * 10)
    assert sys.getrefcount(thing) == before + 20
    either.get()
    assert len(either.get_many(9)) == 9
    assert sys.getrefcount(thing) == before + 10
    del either
    gc.collect()


def test_a_queue_that_goes_lets_go_of_what_is_in_it() -> None:
    makers: list[Callable[[], Either]] = [Queue, lambda: Queue(3), SimpleQueue]
    for make in makers:
        q = make()
        thing = Thing()
        seen = weakref.ref(thing)
        q.put(thing)
        del thing, q
        assert seen() is None


@pytest.mark.parametrize("is_cycle", [False, True])
def test_queues_nested_very_deep_are_let_go_of_without_a_deep_stack(is_cycle: bool) -> None:
    innermost: Queue[Any] = Queue(2)
    seen = weakref.ref(innermost)
    q = innermost
    for _ in range(50_000):
        outer: Queue[Any] = Queue(1)
        outer.put(q)
        q = outer
    if is_cycle:
        innermost.put(q)
    del q, outer, innermost
    gc.collect()
    assert seen() is None


@pytest.mark.parametrize("make", [Queue, lambda: Queue(7), lambda: Queue(1 << 20), SimpleQueue])
def test_a_cycle_through_a_queue_is_collected(make: Any) -> None:
    for count in (1, 5):
        q = make()
        things = [Thing() for _ in range(count)]
        for thing in things:
            thing.other = q
            q.put(thing)
        q.get()
        q.put(things[0])
        seen = [weakref.ref(thing) for thing in things]
        del q, things, thing
        gc.collect()
        assert [ref() for ref in seen] == [None] * count


def test_what_is_in_a_queue_that_is_in_use_is_not_collected(either: Either) -> None:
    for n in range(1000):
        thing = Thing()
        thing.other = thing
        either.put((n, thing))
    either.get_many(300)
    gc.collect()
    for n in range(300, 1000):
        number, thing = either.get()
        assert number == n and thing.other is thing


def test_put_from_finalizers_in_the_middle_of_anything(either: Either) -> None:
    numbers = itertools.count()
    count = 10_000

    class Circular:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            either.put(next(numbers))

    results: list[int] = []
    while not results or results[-1] < count:
        Circular()
        either.put(next(numbers))
        results.append(either.get())
    assert results == list(range(count + 1))


def test_put_from_the_callback_of_a_weak_reference_during_a_get(either: Either) -> None:
    thing = Thing()
    seen = weakref.ref(thing, lambda _: either.put("gone"))
    either.put(thing)
    del thing
    either.get()
    assert seen() is None and either.get_nowait() == "gone"


def test_a_queue_can_be_put_into_itself(either: Either) -> None:
    either.put(either)
    assert either.get() is either


def test_a_queue_is_true_and_has_no_length_as_in_the_standard_library(either: Either) -> None:
    assert either
    assert not hasattr(either, "__len__") and not hasattr(either, "__iter__")


def test_generic_aliases_weak_references_and_copies(either: Either) -> None:
    assert repr(type(either).__class_getitem__(int)) == f"ringmain.{type(either).__name__}[int]"
    assert Queue[int](3).maxsize == 3 and SimpleQueue[str]().empty()
    assert weakref.ref(either)() is either
    with pytest.raises(TypeError):
        pickle.dumps(either)
    with pytest.raises(TypeError):
        copy.copy(either)


def test_a_subclass_may_take_other_arguments_and_have_attributes() -> None:
    class Named(Queue[int]):
        def __init__(self, name: str, *, size: int) -> None:
            self.name = name
            super().__init__(size)

        def put_twice(self, item: int) -> None:
            self.put(item)
            self.put(item)

    q = Named("jobs", size=2)
    q.put_twice(1)
    assert q.full() and (q.name, q.maxsize) == ("jobs", 2)

    class Simple(SimpleQueue[int]):
        pass

    Simple().put(1)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(TypeError):
        Queue("3")  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        Queue(1 << 80)
    with pytest.raises(TypeError):
        Queue[int]().get(timeout="soon")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Queue[int]().put()  # type: ignore[call-arg]
