"""How many calls may run at once, and how many may wait for that: threads and coroutines in one queue."""

import collections
import dataclasses
import threading
from collections.abc import Callable

from poet_engine._fork import ForkedLock


@dataclasses.dataclass(frozen=True, slots=True)
class Capacity:
    """Places and seats.

    Attributes:
        running: Calls that may run at once, at least 1.
        waiting: Calls that may wait for a place; who comes beyond is turned away at once.
    """

    running: int
    waiting: int

    def __post_init__(self) -> None:
        if self.running < 1 or self.waiting < 0:
            raise ValueError(f"at least 1 call runs and at least 0 wait, not {self.running} and {self.waiting}")


@dataclasses.dataclass(frozen=True, slots=True)
class BulkheadStatistics:
    """A snapshot."""

    running: int
    waiting: int
    turned_away: int


class BulkheadWaiter:
    """A seat in the queue. Whoever holds it waits as it likes: a thread for an event, a coroutine for a future."""

    __slots__ = ("_granted", "_lock", "_wake")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._granted = False
        self._wake: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<BulkheadWaiter granted={self._granted}>"

    @property
    def granted(self) -> bool:
        """Whether a place has become free for it."""
        return self._granted

    def when_granted(self, wake: Callable[[], None]) -> None:
        """Call `wake` once, from whichever thread, when there is a place; at once if there is one already."""
        with self._lock:
            self._wake = wake
            granted = self._granted
        if granted:
            wake()

    def grant(self) -> None:
        """The bulkhead has a place for it."""
        with self._lock:
            self._granted = True
            wake = self._wake
        if wake is not None:
            wake()


class Bulkhead:
    """First come, first served. Thread-safe; no lock is held while a call runs or waits.

    Every admitted call gives its place back with `leave`, and it goes to whoever has waited longest. A forked child
    starts empty: the calls of the parent's threads are not there.

    Args:
        capacity: How many may run, and how many may wait.
    """

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self._lock = ForkedLock(self._start_over)
        self._running = self._turned_away = 0
        # Ordered, and given up in one step by whoever has waited long enough.
        self._queue: collections.OrderedDict[BulkheadWaiter, None] = collections.OrderedDict()

    def __repr__(self) -> str:
        return f"<Bulkhead running={self._running}/{self.capacity.running} waiting={len(self._queue)}>"

    def enter(self) -> bool | BulkheadWaiter:
        """True for a place, False where even the queue is full, or else a seat in the queue."""
        with self._lock:
            if self._running < self.capacity.running:  # then nobody waits: a place that is left goes to the queue first
                self._running += 1
                return True
            if len(self._queue) >= self.capacity.waiting:
                self._turned_away += 1
                return False
            seat = BulkheadWaiter()
            self._queue[seat] = None
            return seat

    def settle(self, seat: BulkheadWaiter) -> bool:
        """End the wait: whether there is a place. Without one, the seat is given up.

        A place may be granted while its holder gives up waiting; it then has that place, and leaves it like any other.
        """
        with self._lock:
            if seat not in self._queue:
                return True
            del self._queue[seat]
            self._turned_away += 1
            return False

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            if not self._queue:
                self._running = max(0, self._running - 1)  # a call that itself forked leaves in the child as well
                return
            seat, _ = self._queue.popitem(last=False)
        seat.grant()

    def statistics(self) -> BulkheadStatistics:
        """How it is used now."""
        with self._lock:
            return BulkheadStatistics(self._running, len(self._queue), self._turned_away)

    def _start_over(self) -> None:
        self._running = self._turned_away = 0
        self._queue.clear()
