"""Hand lanes to callers, who wait in the order in which they came, and take them back.

The pool maintainer makes and ends lanes; this module knows only those that are ready.
"""

import collections
import contextlib
import enum
import threading
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from poet_engine._cancellation import Cancellation
from poet_engine._wake import Waker
from poet_engine.sandbox.pool import scheduling
from poet_engine.sandbox.pool.scheduling import Demand, PoolSize, Repeats
from poet_engine.sandbox.pool.version import SourceKey


class Poolable(Protocol):
    """The attributes of a lane that the pool uses."""

    key: SourceKey | None  # the version that it serves or is prepared for; None for any
    ready_since: float  # when it was ready, in seconds of the pool's clock


_Lane = TypeVar("_Lane", bound=Poolable)

# Seconds; a shorter wait does not show that no lanes are made: on a busy machine a container takes a second.
STALL_S = 2.0


class Disposition(enum.Enum):
    """The next use of a lane that a caller gave back."""

    KEEP = enum.auto()  # its payload serves the next call of the same version
    RENEW = enum.auto()  # its payload waits, prepared for a version that nobody calls now
    DRAIN = enum.auto()  # its payload has answered and is about to end
    REARM = enum.auto()  # its payload has ended
    DISCARD = enum.auto()


class Unavailable(enum.Enum):
    """The reason why there is no lane."""

    SETUP = enum.auto()  # lanes cannot be made
    TIMEOUT = enum.auto()  # none became free in time
    STALLED = enum.auto()  # the same, and nobody else was given one either, although more may be in use
    FULL = enum.auto()  # too many wait already
    CALLED_OFF = enum.auto()  # the caller gave up, or the pool was closed
    BROKEN = enum.auto()  # the thread that makes lanes has ended by an error


# The causes of outcomes that a queue brings about.
QUEUE_CAUSES: Mapping[Unavailable, str] = {
    Unavailable.TIMEOUT: "queue_timeout",
    Unavailable.STALLED: "queue_stalled",
    Unavailable.FULL: "queue_full",
}


class NoWorkerError(Exception):
    """The failure to get a lane, with its reason."""

    def __init__(self, message: str, why: Unavailable) -> None:
        super().__init__(message)
        self.why = why


class _Waiter(Generic[_Lane]):
    """One caller in the queue."""

    def __init__(self, key: SourceKey | None, since: float, handed_out: int) -> None:
        self.key, self.since, self.handed_out = key, since, handed_out
        self.lane: _Lane | None = None
        self.failure: str | None = None
        self._granted_signal = threading.Semaphore(0)

    def ring(self) -> None:
        self._granted_signal.release()

    def wait(self, seconds: float) -> bool:
        return self._granted_signal.acquire(timeout=seconds)


class WorkerPool(Generic[_Lane]):
    """The ready lanes of one sandbox, and the callers who wait for one.

    Args:
        size: The limits on lanes and waiters.
        clock: Returns monotonic seconds.
        keeps: Whether a payload serves one call after another, of one version.
    """

    def __init__(self, size: PoolSize, clock: Callable[[], float], *, keeps: bool = False) -> None:
        self.size, self._clock, self._keeps = size, clock, keeps
        self._repeats: Repeats[SourceKey] = Repeats()
        self._lock = threading.Lock()
        self._ready: collections.deque[_Lane] = collections.deque()  # the one that was used last is on the right
        self._returned: collections.deque[tuple[_Lane, Disposition]] = collections.deque()
        self._waiters: collections.deque[_Waiter[_Lane]] = collections.deque()
        self._busy = 0
        self._since: dict[int, float] = {}  # id of a lane that a caller has → when it was handed out
        self._handed_out = 0  # ever
        self._turned_away = 0
        self._closing = False
        self._fault: str | None = None
        self._all_returned = threading.Event()
        self.lanes = 0  # in any state; the maintainer counts them
        self.waker = Waker()  # rings when the maintainer should look

    def __repr__(self) -> str:
        return f"<WorkerPool ready={len(self._ready)} busy={self._busy} waiting={len(self._waiters)}>"

    def ring(self) -> None:
        """Wake the maintainer."""
        self.waker.ring()

    def acquire(
        self, timeout: float, *, key: SourceKey | None = None, cancellation: Cancellation | None = None
    ) -> _Lane:
        """Wait for a lane with a payload that waits; it is the caller's until it is given back.

        Args:
            timeout: Seconds to wait at the most.
            key: The version to be called: a payload that has served or was prepared for another is not given out.
            cancellation: Ends the wait.

        Raises:
            NoWorkerError: No lane can be had; `why` says the reason.
        """
        with self._lock:
            self._refuse_if_closed()
            self._repeats.asked(key)
            lane = None if self._waiters else self._pick(key)
            if lane is not None:
                return self._hand_out(lane, key)
            if len(self._waiters) >= self.size.queue:
                self._turned_away += 1
                raise NoWorkerError(f"{len(self._waiters)} callers wait for a lane already", Unavailable.FULL)
            waiter: _Waiter[_Lane] = _Waiter(key, self._clock(), self._handed_out)
            self._waiters.append(waiter)
        try:
            self.ring()
            with contextlib.ExitStack() as stack:
                if cancellation is not None:
                    stack.enter_context(cancellation.telling(waiter.ring))
                if not (cancellation is not None and cancellation.requested):
                    waiter.wait(max(0.0, timeout))
        except BaseException:
            self._remove_interrupted(waiter)
            raise
        return self._lane_of(waiter, timeout)

    def _remove_interrupted(self, waiter: _Waiter[_Lane]) -> None:
        """Remove an interrupted waiter, and give back the lane that it was given meanwhile, which nobody else would."""
        with self._lock:
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
            lane = waiter.lane
        if lane is not None:
            self.give_back(lane, Disposition.KEEP)

    def _lane_of(self, waiter: _Waiter[_Lane], timeout: float) -> _Lane:
        """Return the waiter's lane, or raise the reason why it has none."""
        with self._lock:
            if waiter.lane is not None:
                return waiter.lane
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
            self._refuse_if_closed()
            stalled = self._stalled(waiter)
        if waiter.failure is not None:
            raise NoWorkerError(waiter.failure, Unavailable.SETUP)
        if stalled:
            why = f"no lane was free within {timeout:.3g} s, although more could be made"
            raise NoWorkerError(why, Unavailable.STALLED)
        raise NoWorkerError(f"no lane became free within {timeout:.3g} s", Unavailable.TIMEOUT)

    def _stalled(self, waiter: _Waiter[_Lane]) -> bool:
        """Return whether this caller waited because no lanes were made, and not because of other callers."""
        waited = self._clock() - waiter.since
        return waited >= STALL_S and self._handed_out == waiter.handed_out and self._busy < self.size.most

    def _pick(self, key: SourceKey | None) -> _Lane | None:
        """Return a ready lane for this version, or else for any; if only others' are left, give one of them up."""
        lane = next((lane for lane in reversed(self._ready) if lane.key == key), None)
        lane = lane or next((lane for lane in reversed(self._ready) if lane.key is None), None)
        if lane is not None:
            self._ready.remove(lane)
        elif self._ready:
            self._make_room(self._ready[0])
        return lane

    def _make_room(self, lane: _Lane) -> None:
        """Give up a ready lane that no waiter can use. One that has served is kept while others can be made."""
        if self._keeps and self.lanes < self.size.most:
            return
        self._ready.remove(lane)
        self._returned.append((lane, Disposition.DISCARD if self._keeps else Disposition.RENEW))
        self.ring()

    @property
    def probable(self) -> SourceKey | None:
        """The version that the next caller will probably call, if it is worth preparing for."""
        return None if self._keeps else self._repeats.probable

    def forget(self, version: SourceKey) -> None:
        """For the maintainer: preparing for this version failed, so that it is not worth it."""
        with self._lock:
            self._repeats.forget(version)

    def _hand_out(self, lane: _Lane, key: SourceKey | None) -> _Lane:
        self._busy += 1
        self._handed_out += 1
        lane.key = key
        self._since[id(lane)] = self._clock()
        return lane

    def _refuse_if_closed(self) -> None:
        if self._fault is not None:
            raise NoWorkerError(self._fault, Unavailable.BROKEN)
        if self._closing:
            raise NoWorkerError("the sandbox was closed", Unavailable.CALLED_OFF)

    def give_back(self, lane: _Lane, after: Disposition) -> None:
        """Return a lane, with its disposition."""
        with self._lock:
            self._busy -= 1
            self._since.pop(id(lane), None)
            if after is Disposition.DRAIN:
                self._repeats.answered(lane.key)
            if after is Disposition.KEEP and not self._closing:
                self._offer(lane)
                return
            self._returned.append((lane, after))
            if self._closing and not self._busy:
                self._all_returned.set()
        self.ring()

    def offer(self, lane: _Lane) -> None:
        """For the maintainer: give a lane whose payload is ready to the first caller whom it can serve."""
        with self._lock:
            self._offer(lane)

    def _offer(self, lane: _Lane) -> None:
        lane.ready_since = self._clock()
        for waiter in self._waiters:
            if lane.key is None or lane.key == waiter.key:
                self._waiters.remove(waiter)
                waiter.lane = self._hand_out(lane, waiter.key)
                waiter.ring()
                return
        self._ready.append(lane)
        if self._waiters:
            self._make_room(lane)

    def take_returned(self) -> list[tuple[_Lane, Disposition]]:
        """For the maintainer: return the lanes that were given back since the last call, with their dispositions."""
        with self._lock:
            returned = list(self._returned)
            self._returned.clear()
        return returned

    def take_idle(self, suits: Callable[[_Lane], bool] = lambda _lane: True) -> _Lane | None:
        """For the maintainer: take the lane out of the pool that was ready for the longest of those that suit."""
        with self._lock:
            lane = next((lane for lane in self._ready if suits(lane)), None)
            if lane is not None:
                self._ready.remove(lane)
            return lane

    def wishes(self) -> list[tuple[SourceKey | None, float]]:
        """For the maintainer: return each waiter's version, and the seconds for which it has waited."""
        with self._lock:
            now = self._clock()
            return [(waiter.key, now - waiter.since) for waiter in self._waiters]

    def fail(self, text: str) -> None:
        """For the maintainer: lanes cannot be made; every waiter fails with this text."""
        with self._lock:
            while self._waiters:
                waiter = self._waiters.popleft()
                waiter.failure = text
                waiter.ring()

    def demand(self, building: int) -> Demand:
        """Return the counts that the maintainer decides by.

        Args:
            building: Lanes that were never ready yet.
        """
        with self._lock:
            now = self._clock()
            kept = sum(lane.key is not None for lane in self._ready) if self._waiters else 0
            return Demand(
                total=self.lanes,
                coming=self.lanes - self._busy - kept,
                building=building,
                waiting=len(self._waiters),
                longest_wait=now - self._waiters[0].since if self._waiters else 0.0,
                longest_idle=now - self._ready[0].ready_since if self._ready else 0.0,
                held=sum(now - since >= scheduling.HELD for since in self._since.values()),
            )

    @property
    def closing(self) -> bool:
        """Whether the pool was closed, perhaps in the middle of a call."""
        return self._closing and self._fault is None

    @property
    def fault(self) -> str | None:
        """The reason why no lane can be had any more although nobody has closed the pool; None while there is none."""
        return self._fault

    def statistics(self) -> dict[str, int]:
        """Return the counters by the names of `SandboxStatistics`."""
        with self._lock:
            return {
                "lanes": self.lanes,
                "ready": len(self._ready),
                "busy": self._busy,
                "waiting": len(self._waiters),
                "turned_away": self._turned_away,
            }

    def break_down(self, error: BaseException) -> None:
        """For the maintainer: it ends by an error of ours, which every later call of `acquire` reports."""
        with self._lock:
            if not self._closing:
                self._fault = f"the thread that makes lanes has ended by an error: {error!r}; open another sandbox"

    def shut(self, *, by_owner: bool = False) -> None:
        """Refuse new callers, and wake those who wait; a pool that its owner closes has no fault any more."""
        with self._lock:
            self._closing = True
            if by_owner:
                self._fault = None
            self._ready.clear()
            if not self._busy:
                self._all_returned.set()
            while self._waiters:
                self._waiters.popleft().ring()
        self.ring()

    def await_callers(self, seconds: float) -> None:
        """For the maintainer: wait until every caller has given its lane back."""
        self._all_returned.wait(seconds)
