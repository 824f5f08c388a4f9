"""Queues of objects between threads: nothing is lost or doubled, everybody is woken, signals and forks are survived."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import LONG
from test_fork import in_child

from ringmain import Queue, ShutDown, SimpleQueue

COUNT = 5_000
THREADS = 4


def until(condition: Callable[[], bool]) -> None:
    """Waits for something that is sure to come."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.fixture(params=[1e-5, None], ids=["switching often", "switching as usual"])
def switch_interval(request: pytest.FixtureRequest) -> Any:
    """How long a thread keeps the GIL."""
    before = sys.getswitchinterval()
    if request.param is not None:
        sys.setswitchinterval(request.param)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("make", [lambda: Queue(1), lambda: Queue(3), lambda: Queue(1000), Queue, SimpleQueue])
@pytest.mark.usefixtures("switch_interval")
def test_each_object_comes_once_and_those_of_a_thread_in_order(make: Callable[[], Any], batch: int) -> None:
    q = make()

    def put(putter: int) -> None:
        for start in range(0, COUNT, batch):
            items = [(putter, n) for n in range(start, min(start + batch, COUNT))]
            if batch == 1:
                q.put(items[0])
            else:
                assert q.put_many(items) == len(items)

    def get() -> list[tuple[int, int]]:
        seen = []
        while True:
            items = [q.get(timeout=LONG)] if batch == 1 else q.get_many(batch, timeout=LONG)
            seen += [item for item in items if item is not None]
            if None in items:
                # More than our own end may have come in a batch.
                for _ in range(items.count(None) - 1):
                    q.put(None)
                return seen

    with ThreadPoolExecutor(2 * THREADS) as pool:
        getting = [pool.submit(get) for _ in range(THREADS)]
        for putting in [pool.submit(put, n) for n in range(THREADS)]:
            putting.result(timeout=LONG)
        for _ in range(THREADS):
            q.put(None)
        seen = [got.result(timeout=LONG) for got in getting]
    for one in seen:
        for putter in range(THREADS):
            numbers = [n for who, n in one if who == putter]
            assert numbers == sorted(numbers)
    assert sorted(item for one in seen for item in one) == [(p, n) for p in range(THREADS) for n in range(COUNT)]
    assert q.empty()


def test_a_bound_is_never_exceeded_by_many_who_put_and_wait() -> None:
    q: Queue[int] = Queue(3)
    over: list[int] = []

    def watch() -> None:
        while not stop.is_set():
            if q.qsize() > 3:
                over.append(q.qsize())

    stop = threading.Event()
    with ThreadPoolExecutor(9) as pool:
        pool.submit(watch)
        putting = [pool.submit(q.put_many, range(1000)) for _ in range(4)]
        getting = [pool.submit(lambda: [q.get(timeout=LONG) for _ in range(1000)]) for _ in range(4)]
        for thread in [*putting, *getting]:
            thread.result(timeout=LONG)  # type: ignore[attr-defined]
        stop.set()
    assert not over


def test_a_get_that_makes_room_lets_a_waiting_put_go_on_however_full_the_queue_still_is() -> None:
    q: Queue[int] = Queue(100)
    q.put_many(range(100))
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(q.put, 100)
        assert q.get() == 0
        put.result(timeout=LONG)
    assert q.full()


def test_every_one_of_many_waiting_gets_is_woken_by_its_object() -> None:
    q: Queue[int] = Queue()
    with ThreadPoolExecutor(20) as pool:
        getting = [pool.submit(q.get) for _ in range(20)]
        for n in range(10):
            q.put(n)
        q.put_many(range(10, 20))
        assert sorted(got.result(timeout=LONG) for got in getting) == list(range(20))


def test_gets_that_give_up_leave_the_objects_to_the_others() -> None:
    q: SimpleQueue[int] = SimpleQueue()
    count = 300

    def impatient() -> list[int]:
        seen = []
        while not stop.is_set():
            try:
                seen.append(q.get(timeout=0.0005))
            except queue.Empty:
                pass
        return seen

    def patient() -> list[int]:
        seen = []
        while (item := q.get(timeout=LONG)) >= 0:
            seen.append(item)
        return seen

    stop = threading.Event()
    with ThreadPoolExecutor(4) as pool:
        impatients, patients = [pool.submit(impatient) for _ in range(2)], [pool.submit(patient) for _ in range(2)]
        for n in range(count):
            q.put(n)
            if n % 3 == 0:
                time.sleep(0.0005)
        until(q.empty)
        stop.set()
        seen = [n for got in impatients for n in got.result(timeout=LONG)]
        q.put_many([-1, -1])
        seen += [n for got in patients for n in got.result(timeout=LONG)]
    assert sorted(seen) == list(range(count))


def test_task_done_of_many_threads_lets_join_return_only_at_the_end() -> None:
    q: Queue[int] = Queue(10)
    done = []

    def work() -> None:
        try:
            while True:
                item = q.get()
                done.append(item)
                q.task_done()
        except ShutDown:
            pass

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(work)
        for n in range(2000):
            q.put(n)
        q.join()
        assert sorted(done) == list(range(2000))
        q.shutdown()


WAITS = {
    "get": "ringmain.Queue().get()",
    "get with a timeout": "ringmain.Queue().get(timeout=1000)",
    "simple get": "ringmain.SimpleQueue().get()",
    "get_many": "ringmain.Queue().get_many(5)",
    "put": "q = ringmain.Queue(1); q.put(1); q.put(2)",
    "put_many": "ringmain.Queue(1).put_many([1, 2])",
    "join": "q = ringmain.Queue(); q.put(1); q.join()",
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_ctrl_c_ends_a_wait(wait: str) -> None:
    script = (
        "import ringmain, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "print('waiting', flush=True)\n"
        f"try:\n    {wait}\n"
        "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "waiting\n"
        time.sleep(0.2)  # by now it waits
        child.send_signal(signal.SIGINT)
        try:
            rest, _ = child.communicate(timeout=LONG)
        finally:
            child.kill()
    assert (rest, child.returncode) == ("interrupted\n", 0)


@pytest.mark.parametrize("q", [Queue(), SimpleQueue()], ids=["Queue", "SimpleQueue"])
def test_a_handler_of_a_signal_puts_into_the_queue_that_the_thread_waits_for(q: Any) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: q.put("from the handler"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert q.get(timeout=LONG) == "from the handler"
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_handler_of_a_signal_that_raises_ends_the_wait_and_loses_no_object() -> None:
    class Interrupted(Exception):
        pass

    def handler(*_: object) -> None:
        raise Interrupted

    q: Queue[int] = Queue()
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupted):
            q.get(timeout=LONG)
    finally:
        signal.signal(signal.SIGALRM, before)
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(q.get)
        q.put(1)
        assert got.result(timeout=LONG) == 1


def test_a_forked_child_has_a_copy_and_waits_for_nobody_of_its_parent() -> None:
    q: Queue[int] = Queue(2)
    waiting: Queue[int] = Queue()
    with ThreadPoolExecutor(2) as pool:
        got = [pool.submit(waiting.get) for _ in range(2)]
        time.sleep(0.05)  # by now they wait
        q.put(1)

        def child() -> bool:
            seen = [q.get()]
            # The parent's waiting threads are not here to take this one's wake-up.
            thread = threading.Thread(target=lambda: seen.append(waiting.get(timeout=LONG)))
            thread.start()
            time.sleep(0.05)  # by now it waits
            waiting.put(2)
            # Less than its timeout, at whose end it would look by itself.
            thread.join(LONG / 2)
            return seen == [1, 2]

        assert in_child(child) == 0
        assert q.get() == 1
        waiting.put_many([3, 4])
        assert sorted(one.result(timeout=LONG) for one in got) == [3, 4]


def test_a_handler_that_forks_during_a_wait_leaves_a_child_that_can_be_woken() -> None:
    q: Queue[str] = Queue()
    children: list[int] = []

    def handler(*_: object) -> None:
        child = os.fork()
        if child == 0:
            threading.Thread(target=q.put, args=("child",)).start()
        else:
            children.append(child)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            item = q.get(timeout=1.0)
        except queue.Empty:
            item = "nothing"
        if not children:
            os._exit(0 if item == "child" else 1)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert item == "nothing"
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


def test_queues_and_objects_do_not_leak() -> None:
    import tracemalloc

    def use() -> None:
        for _ in range(200):
            q: Queue[Any] = Queue(10)
            q.put_many([[n] for n in range(10)])
            q.get_many(5)
            s: SimpleQueue[Any] = SimpleQueue()
            s.put([q])
            with pytest.raises(queue.Full):
                q.put_many([1] * 6, block=False)
                q.put_nowait(1)

    use()
    tracemalloc.start()
    try:
        use()
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            use()
        assert tracemalloc.get_traced_memory()[0] < first + 50_000
    finally:
        tracemalloc.stop()


def test_a_finalizer_may_use_a_queue_while_the_interpreter_ends() -> None:
    script = """
import sys
from ringmain import Queue
q = Queue(1)
class Last:
    def __del__(self):
        for verb in q.get_nowait, lambda: q.put(1, False), lambda: q.put(2, False):
            try:
                verb()
            except Exception as error:
                print(type(error).__name__)
sys.modules["last"] = [Last()]  # lives until modules are torn down
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=4 * LONG)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "Empty\nFull\n", "")
