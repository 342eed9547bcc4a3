"""Export of events: a bounded queue and a thread of its own, so that no call waits for an exporter."""

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
    """The interface of an exporter. All methods but `context` are called by the one thread of `Exports`."""

    def context(self) -> object:
        """Return the context for `call`, such as the caller's span; called in the caller's thread, so be quick."""
        ...

    def call(self, payload: ExecutionPayload, context: object) -> None:
        """Export a call that has ended."""
        ...

    def transition(self, payload: BreakerPayload) -> None:
        """Export a transition of a breaker."""
        ...

    def close(self) -> None:
        """Release resources; no further event comes."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class ExportStatistics:
    """Counters of exported events since the process began or was forked.

    Attributes:
        passed_on: Events that were given to every exporter.
        dropped: Events that were lost because the queue was full.
        failures: Times that an exporter raised, or its thread could not start.
    """

    passed_on: int = 0
    dropped: int = 0
    failures: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class _QueuedEvents:
    event: Event
    sinks: tuple[tuple[EventExporter, object], ...]


class Exports:
    """Pass events to exporters; without any, `put` is one comparison. Thread-safe, also after a fork."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._sinks: tuple[EventExporter, ...] = ()
        self._lock = ForkedLock(self._start_anew)
        self._start_anew()

    def __repr__(self) -> str:
        return f"<Exports sinks={len(self._sinks)} waiting={self._queue.qsize()}>"

    def add(self, sink: EventExporter) -> Callable[[], None]:
        """Pass every further event to an exporter, too; the returned function ends that."""
        with self._lock:
            self._sinks = (*self._sinks, sink)
        return lambda: self._remove(sink)

    def put(self, event: Event) -> None:
        """Take an event; never waits, and never raises because of an exporter."""
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
        """Wait, at most 5 s, until all events so far were passed on; return whether they were."""
        if self._thread is None:
            return True
        passed = threading.Event()
        self._queue.put(passed)
        return passed.wait(_PATIENCE_S)

    def statistics(self) -> ExportStatistics:
        """Return the counters as a frozen snapshot."""
        return ExportStatistics(self._passed_on, self._dropped, self._failures)

    def _remove(self, sink: EventExporter) -> None:
        self.flush()
        with self._lock:
            known = sink in self._sinks
            self._sinks = tuple(one for one in self._sinks if one is not sink)
        if known:
            sink.close()

    def _start_anew(self) -> None:
        """Reset queue and counters: also in a forked child, which has no thread and none of its parent's events."""
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
                self._export(sink, item.event, context)
            self._passed_on += 1

    def _export(self, sink: EventExporter, event: Event, context: object) -> None:
        try:
            if isinstance(event.payload, ExecutionPayload):
                sink.call(event.payload, context)
            elif isinstance(event.payload, BreakerPayload):
                sink.transition(event.payload)
        except Exception as error:  # noqa: BLE001 - an exporter is foreign code: its errors may stop no other event
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
    """Return the function and the version as labels, whose number is bounded whatever sources are run.

    Bare sources (`Engine.run`) have a digest for a version and any name for an entry: they share one label.
    """
    if _STORED.fullmatch(payload.version):
        return payload.function_name, payload.version
    return _BARE, _BARE
