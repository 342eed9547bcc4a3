"""Waits of multiprocessing end: at their time, or when somebody wakes them, and without burning the processor."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from poet_engine.outcome import Outcome

_TIMED = """
import multiprocessing, queue, time

def timed(name, deed, least):
    start, used = time.monotonic(), time.process_time()
    try:
        answer = deed()
    except Exception as error:
        answer = type(error).__name__
    took, burnt = time.monotonic() - start, time.process_time() - used
    print(name, answer, took >= least, took < least + 1, burnt < 0.1)

lock, rlock = multiprocessing.Lock(), multiprocessing.RLock()
lock.acquire()
timed("event", lambda: multiprocessing.Event().wait(0.2), 0.2)
timed("lock", lambda: lock.acquire(timeout=0.2), 0.2)
timed("lock now", lambda: lock.acquire(False), 0)
timed("lock negative", lambda: lock.acquire(True, -1), 0)
timed("rlock", lambda: (rlock.acquire(), rlock.acquire(timeout=0.1), rlock.release(), rlock.release()), 0)
timed("rlock free", rlock.release, 0)
timed("semaphore", lambda: multiprocessing.Semaphore(0).acquire(timeout=0.2), 0.2)
bounded = multiprocessing.BoundedSemaphore(1)
timed("bounded", bounded.release, 0)
timed("value", lambda: multiprocessing.Semaphore(3).get_value(), 0)
condition = multiprocessing.Condition()

def waits():
    with condition:
        return condition.wait(0.2)

timed("condition", waits, 0.2)
timed("barrier", lambda: multiprocessing.Barrier(2).wait(0.2), 0.2)
full = multiprocessing.Queue(1)
full.put(1)
timed("put", lambda: full.put(2, timeout=0.2), 0.2)
timed("get", lambda: full.get(timeout=1), 0)
timed("get again", lambda: full.get(timeout=0.2), 0.2)
timed("shared value", lambda: multiprocessing.Value("i", 5).value, 0)
print(lock, rlock, bounded)
full.close()
full.join_thread()
"""
_WOKEN = """
import multiprocessing, threading, time

def later(deed):
    threading.Timer(0.2, deed).start()

event, semaphore, condition = multiprocessing.Event(), multiprocessing.Semaphore(0), multiprocessing.Condition()
later(event.set)
print(event.wait(20))
later(semaphore.release)
print(semaphore.acquire())
queue = multiprocessing.JoinableQueue()
later(lambda: queue.put("x"))
print(queue.get(), queue.task_done(), queue.join())
"""
_PROCESSES = """
import multiprocessing, time

def work(event, ready, results, lock, counter):
    ready.wait(20)
    for _ in range(200):
        with lock:
            counter.value += 1
    results.put("answer")
    time.sleep(0.2)
    event.set()

context = multiprocessing.get_context("fork")
event, ready, results, lock = context.Event(), context.Barrier(3), context.Queue(), context.Lock()
counter = context.Value("i", 0, lock=False)
children = [context.Process(target=work, args=(event, ready, results, lock, counter)) for _ in range(2)]
for child in children:
    child.start()
ready.wait(20)
used = time.process_time()
print(event.wait(20), time.process_time() - used < 0.1, results.get(timeout=20), results.get(timeout=20))
for child in children:
    child.join(20)
print(counter.value)
with context.Pool(2) as pool:
    print(pool.map(abs, range(-5, 0)), pool.apply_async(abs, (-7,)).get(20))
"""


@pytest.mark.parametrize("preset", ["restricted", "lab"])
@pytest.mark.parametrize("source", [_TIMED, _WOKEN], ids=["timed", "woken"])
def test_a_wait_ends_as_in_cpython(
    same_as_cpython: "Callable[[str, str, str], Outcome]", source: str, preset: str
) -> None:
    assert same_as_cpython(source, "", preset).status == "ok"


def test_processes_wait_for_each_other(same_as_cpython: "Callable[[str, str, str], Outcome]") -> None:
    assert same_as_cpython(_PROCESSES, "", "lab").status == "ok"
