"""Output that is given to a callback while a run prints it."""

import logging
import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.job import Job, OutputCallback
from poet_engine.outcome import Outcome
from poet_engine.sandbox.fake import ScriptedSandbox, ok
from poet_engine.sandbox.live_output import LiveOutput, live_output
from poet_engine.sandbox.monitor import Output

FUZZ = settings(deadline=None, max_examples=100)  # a shared machine is slow at times, which says nothing
Texts = dict[str, str]


def collecting(into: Texts) -> OutputCallback:
    def collect(stream: str, text: str) -> None:
        assert text
        into[stream] = into.get(stream, "") + text

    return collect


def bytes_of_text() -> st.SearchStrategy[bytes]:
    """Bytes, among them halves of characters, and characters that a cut may divide."""
    return st.one_of(st.binary(max_size=20), st.text(max_size=10).map(str.encode))


@FUZZ
@given(st.lists(st.tuples(st.sampled_from([1, 2]), bytes_of_text())), st.integers(0, 60))
def test_all_pieces_joined_are_the_texts_of_the_outcome(pieces: list[tuple[int, bytes]], cap: int) -> None:
    told: Texts = {}
    with live_output(collecting(told)) as listener:
        output = Output(cap, listener)
        for stream, data in pieces:
            output.add(stream, data)
    assert (told.get("stdout", ""), told.get("stderr", "")) == (output.text(1), output.text(2))


def test_the_order_of_the_streams_is_kept() -> None:
    told: list[tuple[str, str]] = []
    with live_output(lambda stream, text: told.append((stream, text))) as listener:
        assert listener is not None
        for stream, data in ((1, b"a"), (2, b"b"), (1, b"c")):
            listener(stream, data)
    assert told == [("stdout", "a"), ("stderr", "b"), ("stdout", "c")]


def test_without_a_callback_there_is_no_listener() -> None:
    with live_output(None) as listener:
        assert listener is None


def test_a_slow_callback_keeps_nobody_waiting_who_adds() -> None:
    begun, may_go_on, told = threading.Event(), threading.Event(), []

    def slow(_stream: str, text: str) -> None:
        begun.set()
        assert may_go_on.wait(30)
        told.append(text)

    live = LiveOutput(slow)
    live.add(1, b"first")
    assert begun.wait(30)
    for _ in range(1000):
        live.add(1, b"x")  # returns, although the callback has not
    may_go_on.set()
    live.finish()
    assert told == ["first", "x" * 1000]


def test_a_callback_that_raises_is_told_of_once_and_called_no_more(caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def broken(stream: str, text: str) -> None:
        calls.append((stream, text))
        raise SystemExit("closed")

    with caplog.at_level(logging.WARNING, "poet_engine"), live_output(broken) as listener:
        assert listener is not None
        for stream in (1, 2, 1, 2):
            listener(stream, b"x")
    assert len(calls) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "on_output raised, and gets no more of the run's output"
    ]


def test_one_that_never_returns_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    for_ever, told = threading.Event(), []

    def hanging(_stream: str, text: str) -> None:
        told.append(text)
        for_ever.wait(30)

    live = LiveOutput(hanging, patience=0.05)
    live.add(1, b"first")
    while not told:
        for_ever.wait(0.001)
    live.add(2, b"never given")
    with caplog.at_level(logging.WARNING, "poet_engine"):
        live.finish()
    assert "has not returned" in caplog.text
    for_ever.set()
    live.add(1, b"too late")
    assert told == ["first"]


def test_one_that_goes_on_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """The patience is for one call of it, and not for all of them."""
    told = []
    pause = threading.Event()

    def slow(stream: str, _text: str) -> None:
        pause.wait(0.05)
        told.append(stream)

    live = LiveOutput(slow, patience=0.5)
    for number in range(20):
        live.add(1 + number % 2, b"x")
    live.finish()
    assert (len(told), caplog.text) == (20, "")


def test_without_room_for_a_thread_the_caller_gives_all_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_room)
    told: Texts = {}
    with live_output(collecting(told)) as listener:
        assert listener is not None
        listener(1, b"one ")
        listener(1, b"two")
    assert told == {"stdout": "one two"}


def test_an_interrupted_caller_waits_for_nothing() -> None:
    def interrupted() -> None:
        with live_output(lambda _stream, _text: threading.Event().wait(30)) as listener:
            assert listener is not None
            listener(1, b"x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


@pytest.mark.parametrize("answer", [ok(1), lambda _job: ok(1)])
def test_the_scripted_sandbox_tells_what_its_outcomes_say(answer: Outcome | Callable[[Job], Outcome]) -> None:
    told: Texts = {}
    sandbox = ScriptedSandbox([answer, Outcome(status=ok(1).status, stdout="out\n", stderr="err\n")])
    for _ in range(2):
        sandbox.run(Job(source="def f(): pass", entry="f", on_output=collecting(told)))
    assert told == {"stdout": "out\n", "stderr": "err\n"}
