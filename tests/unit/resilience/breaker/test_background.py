"""Work that leaves the caller's thread."""

import threading

import pytest

from poet_engine.resilience.breaker.background import Background

_LONG = 20.0  # seconds after which a test has failed


def test_what_waits_is_done_once_and_a_failure_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in the work of one thing is logged; the others are done."""
    first, go = threading.Event(), threading.Event()
    done: list[str] = []

    def work(thing: str) -> None:
        if thing == "first":
            first.set()
            go.wait(_LONG)
        if thing == "broken":
            raise ZeroDivisionError
        done.append(thing)

    background = Background(work, name="tests")
    background.put("first")
    assert first.wait(_LONG)
    for thing in ("broken", "second", "second", "first"):
        background.put(thing)
    assert repr(background) == "<Background tests waiting=3>"
    assert not background.flush(0.0)
    go.set()
    assert background.flush(_LONG)
    assert done == ["first", "second", "first"]
    assert "the work of tests failed" in caplog.text


def test_without_a_thread_it_is_done_by_who_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without room for another task, or an interpreter that ends, still has its work done."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    done: list[str] = []
    background = Background(done.append, name="tests")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        background.put("one")
        assert done == []
        assert background.flush(_LONG)
    assert done == ["one"]
