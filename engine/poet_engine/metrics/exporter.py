"""The way of events to exporters: a bounded queue and a thread of its own, so that no call waits for one."""

import dataclasses
import logging
import queue
import re
import threading
from collections.abc import Callable
from typing import Protocol

from poet_engine._fork import ForkedLock
from poet_engine.events import BreakerPayload, Event, ExecutionPayload

_CAPACITY = 10_000  # events that wait; more are dropped and counted
_PATIENCE_S = 5.0
_STORED = re.compile(r"v\d{1,9}|original")
_BARE = "(source)"

_log = logging.getLogger(__name__)


class EventExporter(Protocol):
    """Where events go. All but `context` is called by the one thread of `Exports`."""

    def context(self) -> object:
        """What is to be remembered of the caller's surroundings; called in its thread, so it must be quick."""
        ...

    def call(self, payload: ExecutionPayload, context: object) -> None:
        """A call is over."""
        ...

    def transition(self, payload: BreakerPayload) -> None:
        """A breaker has changed."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class ExportStatistics:
    """What became of events since the process began or was forked.

    Attributes:
        passed_on: Given to every sink.
        dropped: Lost, because the queue was full.
        failures: Times that a sink raised.
    """

    passed_on: int = 0
    dropped: int = 0
    failures: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class _QueuedEvents:
    event: Event
    sinks: tuple[tuple[EventExporter, object], ...]


class Exports:
    """Hands events to sinks; with none, `put` is one comparison. Thread-safe, also after a fork."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._sinks: tuple[EventExporter, ...] = ()
        self._lock = ForkedLock(self._start_anew)
        self._start_anew()

    def __repr__(self) -> str:
        return f"<Exports sinks={len(self._sinks)} waiting={self._queue.qsize()}>"

    def add(self, sink: EventExporter) -> Callable[[], None]:
        """Hand every event from now on to a sink, too; what is returned ends that."""
        with self._lock:
            self._sinks = (*self._sinks, sink)
        return lambda: self._remove(sink)

    def put(self, event: Event) -> None:
        """Take an event; never waits and never raises for a sink's sake."""
        sinks = self._sinks
        if not sinks:
            return
        if self._queue.qsize() >= self._capacity:
            self._dropped += 1
            return
        if self._thread is None:
            self._start()
        self._queue.put(_QueuedEvents(event, tuple((sink, self._context(sink)) for sink in sinks)))

    def flush(self) -> bool:
        """Wait, at most 5 s, until what was put so far was handed on; returns whether it was."""
        if self._thread is None:
            return True
        passed = threading.Event()
        self._queue.put(passed)
        return passed.wait(_PATIENCE_S)

    def statistics(self) -> ExportStatistics:
        """A snapshot."""
        return ExportStatistics(self._passed_on, self._dropped, self._failures)

    def _remove(self, sink: EventExporter) -> None:
        self.flush()
        with self._lock:
            known = sink in self._sinks
            self._sinks = tuple(one for one in self._sinks if one is not sink)
        if known:
            sink.close()

    def _start_anew(self) -> None:
        """Also in a forked child, which has the sinks and neither the thread nor the events of its parent."""
        self._queue: queue.SimpleQueue[_QueuedEvents | threading.Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._passed_on = self._dropped = self._failures = 0

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, args=(self._queue,), name="poet-export", daemon=True)
            try:
                thread.start()
            except (
                RuntimeError
            ) as error:  # no more tasks on this machine, or the program ends; the next event tries again
                self._fail(error)
            else:
                self._thread = thread

    def _run(self, waiting: "queue.SimpleQueue[_QueuedEvents | threading.Event]") -> None:
        while True:
            item = waiting.get()
            if isinstance(item, threading.Event):
                item.set()
                continue
            for sink, context in item.sinks:
                self._hand_over(sink, item.event, context)
            self._passed_on += 1

    def _hand_over(self, sink: EventExporter, event: Event, context: object) -> None:
        try:
            if isinstance(event.payload, ExecutionPayload):
                sink.call(event.payload, context)
            elif isinstance(event.payload, BreakerPayload):
                sink.transition(event.payload)
        except Exception as error:  # noqa: BLE001 - an exporter is others' code: what it raises may stop no other event
            self._fail(error)

    def _context(self, sink: EventExporter) -> object:
        try:
            return sink.context()
        except Exception as error:  # noqa: BLE001 - the same, and here it would cost a call its answer
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        if not self._failures:
            _log.warning("an event was not exported, and further ones may not be: %r", error)
        self._failures += 1


def named(payload: ExecutionPayload) -> tuple[str, str]:
    """The function and the version as labels: a bounded number of them, whatever sources are run.

    Bare sources (`Engine.run`) have a digest for a version and any name for an entry: one label stands for all of them.
    """
    if _STORED.fullmatch(payload.version):
        return payload.function_name, payload.version
    return _BARE, _BARE
