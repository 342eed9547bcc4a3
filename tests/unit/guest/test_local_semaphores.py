"""Semaphores within one process do what those of `multiprocessing` do."""

import threading
import time
from collections.abc import Callable

import pytest

from poet_engine.guest.local_semaphores import LocalSemLock

MUTEX, SEMAPHORE = 0, 1
Deed = Callable[[LocalSemLock], object]


def _theirs(kind: int, value: int, most: int) -> LocalSemLock:
    module = pytest.importorskip("_multiprocessing")
    made: LocalSemLock = module.SemLock(kind, value, most, f"/poet-test-{time.monotonic_ns()}", True)
    return made


def _raises(deed: Callable[[], object]) -> object:
    try:
        return deed()
    except (ValueError, AssertionError) as error:
        return type(error), str(error)


DEEDS: dict[str, Deed] = {
    "take": lambda lock: lock.acquire(False),
    "take within a time": lambda lock: lock.acquire(True, 0.01),
    "take within less than none": lambda lock: lock.acquire(timeout=-1),
    "give": lambda lock: _raises(lock.release),
    "count": lambda lock: (lock._count(), lock._is_mine(), lock._is_zero(), lock._get_value()),
}


@pytest.mark.parametrize(
    ("kind", "value", "most"), [(MUTEX, 1, 1), (SEMAPHORE, 0, 2), (SEMAPHORE, 1, 1), (SEMAPHORE, 2, 9)]
)
@pytest.mark.parametrize("order", [list(DEEDS), list(DEEDS) * 2, [*reversed(DEEDS)] * 3, ["give"] * 3, ["take"] * 3])
def test_each_answers_as_the_c_librarys(kind: int, value: int, most: int, order: list[str]) -> None:
    ours, theirs = LocalSemLock(kind, value, most, "/name", unlink=True), _theirs(kind, value, most)
    for name in order:
        assert DEEDS[name](ours) == DEEDS[name](theirs), name


def test_a_thread_that_waits_is_woken() -> None:
    lock = LocalSemLock(SEMAPHORE, 0, 1, "/name", unlink=True)
    threading.Timer(0.02, lock.release).start()
    assert lock.acquire(timeout=20)
    assert not lock.acquire(timeout=0.01)


def test_another_threads_mutex_cannot_be_given_back() -> None:
    lock = LocalSemLock(MUTEX, 1, 1, "/name", unlink=True)
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    thread.join()
    with pytest.raises(AssertionError, match="not owned by thread"):
        lock.release()


def test_a_value_above_the_highest_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid"):
        LocalSemLock(SEMAPHORE, 2, 1, "/name", unlink=True)
