"""The queue between calls and exporters: nobody waits, nothing that a sink does comes back, what is lost is counted."""

import os
import threading

import pytest
from tests.unit.metrics.test_rolling import call

from poet_engine.events import BreakerPayload, EventFactory, ExecutionEvent, ExecutionPayload
from poet_engine.metrics.exporter import Exports, ExportStatistics, named

FACTORY = EventFactory(lambda: 1.0, os.urandom, "testing", "tests", "1")


class Kept:
    """A sink that keeps what it is given, and stands still or breaks on request."""

    def __init__(self) -> None:
        self.calls: list[tuple[ExecutionPayload, object, str]] = []
        self.transitions: list[BreakerPayload] = []
        self.broken = self.closed = False
        self.goes_on, self.stands = threading.Event(), threading.Event()
        self.goes_on.set()

    def context(self) -> object:
        if self.broken:
            raise RuntimeError("no context")
        return threading.current_thread().name

    def call(self, payload: ExecutionPayload, context: object) -> None:
        self.stands.set()
        assert self.goes_on.wait(10)
        if self.broken:
            raise RuntimeError("broken")
        self.calls.append((payload, context, threading.current_thread().name))

    def transition(self, payload: BreakerPayload) -> None:
        self.transitions.append(payload)

    def close(self) -> None:
        self.closed = True


def event(duration_ms: float = 1.0) -> ExecutionEvent:
    return FACTORY.execution(call(duration_ms))


def test_a_sink_hears_of_each_event_in_another_thread() -> None:
    """And of the caller's surroundings, in order."""
    exports, sink = Exports(), Kept()
    exports.add(sink)
    for number in range(3):
        exports.put(event(number))
    exports.put(FACTORY.breaker(BREAKER))
    assert exports.flush()
    me = threading.current_thread().name
    assert [(one[0].metrics.duration_ms, *one[1:]) for one in sink.calls] == [
        (number, me, "poet-export") for number in range(3)
    ]
    assert sink.transitions == [BREAKER]


BREAKER = BreakerPayload(
    function_name="f", version="v1", sandbox="process", old_state="closed", new_state="open", reason="60 %", calls=10,
    pinned=False, manual=False,
)  # fmt: skip


def test_without_a_sink_there_is_no_thread() -> None:
    exports = Exports()
    exports.put(event())
    assert exports.flush()
    assert repr(exports) == "<Exports sinks=0 waiting=0>"
    assert exports.statistics() == ExportStatistics()


def test_a_sink_that_stands_still_holds_up_no_call() -> None:
    """What does not fit into the queue is counted."""
    exports, sink = Exports(capacity=2), Kept()
    sink.goes_on.clear()
    exports.add(sink)
    exports.put(event(0))
    assert sink.stands.wait(10)  # so the queue is empty again
    for number in range(1, 6):
        exports.put(event(number))
    assert exports.statistics().dropped == 3
    sink.goes_on.set()
    assert exports.flush()
    assert len(sink.calls) == 3


def test_a_broken_sink_harms_neither_calls_nor_other_sinks(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once."""
    exports, broken, whole = Exports(), Kept(), Kept()
    broken.broken = True
    exports.add(broken)
    exports.add(whole)
    exports.put(event())
    exports.put(event())
    assert exports.flush()
    assert (len(broken.calls), len(whole.calls)) == (0, 2)
    assert exports.statistics() == ExportStatistics(passed_on=2, failures=4)
    assert [record.message for record in caplog.records] == [
        "an event was not exported, and further ones may not be: RuntimeError('no context')"
    ]


def test_what_was_ended_hears_no_more() -> None:
    exports, sink = Exports(), Kept()
    end = exports.add(sink)
    exports.put(event())
    end()
    exports.put(event())
    assert exports.flush()
    assert (len(sink.calls), sink.closed) == (1, True)


def test_a_forked_child_exports_its_own_events() -> None:
    """It has the sinks of its parent, a thread of its own, and nothing of what waited."""
    exports, sink = Exports(), Kept()
    exports.add(sink)
    exports.put(event(1))
    assert exports.flush()
    child = os.fork()
    if not child:
        exports.put(event(2))
        good = exports.flush() and [one[0].metrics.duration_ms for one in sink.calls] == [1, 2]
        os._exit(0 if good and exports.statistics().passed_on == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("version", ["0f3a9c", "v1x", "", "v" + "9" * 10])
def test_bare_sources_share_one_label(version: str) -> None:
    """Their entries and digests are anybody's choice: each would be a time series of its own."""
    assert named(call(version=version)) == ("(source)", "(source)")
    assert named(call(version="v12")) == ("f", "v12")
