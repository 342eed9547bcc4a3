"""Work that leaves the caller's thread: done once for each thing, however often it was asked for meanwhile."""

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from poet_engine._fork import ForkedLock

_Thing = TypeVar("_Thing")

_logger = logging.getLogger("poet_engine")


class Background(Generic[_Thing]):
    """Does one thing after the other in a thread of its own, which lives as long as there is something to do.

    In a forked child nothing waits: what did is the parent's.

    Args:
        work: Does what is to be done for one thing, as it is by then. What it raises is logged.
        name: The thread's.
    """

    def __init__(self, work: Callable[[_Thing], None], *, name: str) -> None:
        self._work, self._name = work, name
        self._waiting: dict[_Thing, None] = {}  # in the order in which they came
        self._thread: threading.Thread | None = None
        self._lock = ForkedLock(self._start_over)

    def __repr__(self) -> str:
        return f"<Background {self._name} waiting={len(self._waiting)}>"

    def put(self, thing: _Thing) -> None:
        """Have it done; waits for nothing that the work waits for. What waits already is done once."""
        with self._lock:
            self._waiting[thing] = None
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more tasks on this machine, or the program ends; the next one tries again
                return
            self._thread = thread

    def flush(self, seconds: float) -> bool:
        """Wait until everything that was put so far is done; returns whether it is.

        Args:
            seconds: To wait at the most. Where no thread could be started, the work is done here, however long.
        """
        with self._lock:
            thread = self._thread
        if thread is None:
            self._run()
            return True
        thread.join(seconds)
        return not thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    if self._thread is threading.current_thread():
                        self._thread = None
                    return
                thing = next(iter(self._waiting))
                # Before the work: what changes while it runs has to be done once more.
                del self._waiting[thing]
            try:
                self._work(thing)
            except Exception:  # a bug of ours must not keep the others from being done
                _logger.exception("the work of %s failed", self._name)

    def _start_over(self) -> None:
        self._waiting = {}
        self._thread = None
