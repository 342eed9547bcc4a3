"""A handle is made once, by whoever needs it first."""

import asyncio
import threading

from poet_engine.decorator.deferred import DeferredHandle
from poet_engine.decorator.handle import PoetHandle
from poet_engine.decorator.options import Options


def plain(value: int) -> int:
    return value


def test_all_threads_get_the_same_handle() -> None:
    deferred = DeferredHandle(plain, Options())
    start, made = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        made.append(deferred.handle)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(handle) for handle in made}) == 1


def test_a_task_gets_the_same_handle() -> None:
    deferred = DeferredHandle(plain, Options())
    first = asyncio.run(deferred.from_a_task())
    assert isinstance(first, PoetHandle)
    assert asyncio.run(deferred.from_a_task()) is first is deferred.handle


def test_it_has_what_the_handle_has() -> None:
    deferred = DeferredHandle(plain, Options())
    assert repr(deferred) == "<PoetHandle plain not called yet>"
    assert deferred.call == deferred.handle.call
