"""Threads that start at once, are used again, and leave."""

import threading

import pytest

from poet_engine.bulk import Threads
from poet_engine.errors import ClosedError, InfraError

_NAME = "poet-test"


def _alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == _NAME]


def test_hundreds_of_tasks_run_at_once() -> None:
    """No task waits for another's end: each of them waits for all the others here."""
    threads, together = Threads(_NAME), threading.Barrier(300)
    futures = [threads.submit(together.wait) for _ in range(300)]
    assert sorted(future.result(30) for future in futures) == list(range(300))
    threads.close()
    assert _alive() == []


def test_an_idle_thread_is_used_again() -> None:
    threads, idents = Threads(_NAME), set[int]()
    for _ in range(20):
        threads.submit(lambda: idents.add(threading.get_ident())).result()
        while "idle=1" not in repr(threads):
            pass
    assert len(idents) == 1
    threads.close()


def test_an_idle_thread_leaves_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poet_engine.bulk.threads._IDLE_S", 0.001)
    threads = Threads(_NAME)
    for _ in range(50):  # also when a task comes just as the thread is about to leave
        assert threads.submit(lambda: 7).result(30) == 7
    for thread in _alive():
        thread.join(30)
    assert repr(threads) == f"<Threads {_NAME} threads=0 idle=0>"


def test_an_error_belongs_to_the_future() -> None:
    threads = Threads(_NAME)
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result()
    assert threads.submit(lambda: 7).result() == 7
    threads.close()


def test_closing_waits_for_tasks_and_takes_no_more() -> None:
    threads, go, done = Threads(_NAME), threading.Event(), list[int]()
    threads.start(lambda: done.append(go.wait()))
    threading.Timer(0.01, go.set).start()
    threads.close()
    assert done == [True]
    threads.close()
    with pytest.raises(ClosedError):
        threads.start(lambda: None)
    assert _alive() == []


def test_closing_from_a_task_does_not_wait_for_itself() -> None:
    threads = Threads(_NAME)
    threads.submit(threads.close).result(30)
    assert "idle=0" in repr(threads)


def test_a_machine_without_room_for_a_thread_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is not kept: it would run when nobody waits for it any more."""

    def full(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads, ran = Threads(_NAME), list[int]()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", full)
        with pytest.raises(InfraError, match=r"can't start new thread.*fewer calls in flight"):
            threads.start(lambda: ran.append(1))
    threads.submit(lambda: ran.append(2)).result()
    assert ran == [2]
    threads.close()
