"""The thread-safe performer around the breaker's decisions."""

import collections
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from poet_engine._fork import ForkedLock
from poet_engine.resilience.breaker.machine import Machine
from poet_engine.resilience.breaker.model import BreakerStatistics, Permit, Refused, Snapshot, State, Transition
from poet_engine.resilience.breaker.settings import BreakerSettings

if TYPE_CHECKING:
    from poet_engine.resilience.breaker.machine import Told

_logger = logging.getLogger("poet_engine")


class Breaker:
    """A circuit breaker. No lock is held during a call: ask before it, tell after it.

    Every look at it lets time pass. In a forked child it starts over with the same state and no calls in flight.

    Args:
        name: What transitions call it.
        settings: When it opens and closes.
        clock: Seconds that never go back, such as `time.monotonic`.
        random: Gives 0 to 1; spreads the moments at which breakers try again.
        on_transition: Called for each transition, in their order, by whichever thread comes by, without a lock. What it
            raises is logged and costs no call anything.
        state: Where an earlier one stood.
    """

    __slots__ = ("__weakref__", "_clock", "_lock", "_machine", "_on_transition", "_telling", "_untold", "name")

    def __init__(
        self,
        name: str,
        settings: BreakerSettings,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        on_transition: Callable[[Transition], None] | None = None,
        state: Snapshot | None = None,
    ) -> None:
        self.name = name
        self._clock = clock
        self._on_transition = on_transition
        self._machine = Machine(name, settings, random, now=clock(), snapshot=state)
        self._untold: collections.deque[Transition] = collections.deque()
        self._telling = False
        self._lock = ForkedLock(self._start_over)

    def __repr__(self) -> str:
        found = self.statistics()
        counts = found.counts
        return f"<Breaker {self.name} {found.state} calls={counts.calls} failed={counts.failed} slow={counts.slow}>"

    def acquire(self) -> Permit | Refused:
        """Ask for one call. A permit must be given to `record` or `release`, whatever comes of the call."""
        with self._lock:
            answer, told = self._machine.acquire(self._clock())
            self._untold.extend(told)
        self._tell()
        return answer if isinstance(answer, Refused) else Permit(answer)

    def record(self, permit: Permit, *, failed: bool, duration: float) -> None:
        """Tell the result of a call. It counts only while the breaker is in the stay that permitted it.

        Args:
            permit: Of the call; spent afterwards. A spent one does nothing.
            failed: Whether it counts as a failure.
            duration: How long it took, in seconds.
        """
        self._settle(permit, lambda now: self._machine.record(permit.generation, now, failed=failed, duration=duration))

    def release(self, permit: Permit) -> None:
        """Give the permit of a call back that was cancelled or counts for nobody; a spent one does nothing."""
        self._settle(permit, lambda now: self._machine.release(permit.generation, now))

    def force_open(self, reason: str, *, pinned: bool = True) -> None:
        """Let nothing through until `reset`. Pinned, it can be switched to nothing else before."""
        self._do(lambda now: self._machine.force_open(now, reason, pinned=pinned))

    def reset(self) -> None:
        """Close it, forget what was recorded and lift a pin."""
        self._do(self._machine.reset)

    def disable(self) -> None:
        """Let everything through and record nothing.

        Raises:
            UsageError: It is pinned open.
        """
        self._do(lambda now: self._machine.switch(now, State.DISABLED))

    def metrics_only(self) -> None:
        """Let everything through, record it, and tell once for each rate when it would have opened.

        Raises:
            UsageError: It is pinned open.
        """
        self._do(lambda now: self._machine.switch(now, State.METRICS_ONLY))

    def adopt(self, snapshot: Snapshot) -> None:
        """Go where another process or a person has put this breaker."""
        self._do(lambda now: self._machine.adopt(now, snapshot))

    def look(self) -> None:
        """Do what is due by time alone."""
        self._do(self._machine.look)

    @property
    def pinned(self) -> bool:
        """Whether only a reset lets calls through again."""
        return self._machine.pinned

    @property
    def telling(self) -> bool:
        """Whether there are transitions that `on_transition` has not taken yet."""
        return bool(self._untold) or self._telling

    @property
    def state(self) -> State:
        """The state as of now."""
        self.look()
        return self._machine.state

    def statistics(self) -> BreakerStatistics:
        """All numbers of this moment."""
        self.look()
        with self._lock:
            return self._machine.statistics(self._clock())

    def snapshot(self) -> Snapshot:
        """Return the part of the state that outlives the process."""
        self.look()
        with self._lock:
            return self._machine.snapshot(self._clock())

    def _settle(self, permit: Permit, decide: "Callable[[float], Told]") -> None:
        with self._lock:
            if permit.spent:
                return
            permit.spent = True
            self._untold.extend(decide(self._clock()))
        self._tell()

    def _do(self, decide: "Callable[[float], Told]") -> None:
        with self._lock:
            self._untold.extend(decide(self._clock()))
        self._tell()

    def _tell(self) -> None:
        """Call back for what is untold, in order; a thread that finds another one at it leaves it to that one."""
        while self._untold:
            with self._lock:
                if self._telling or not self._untold:
                    return
                self._telling = True
                transition = self._untold.popleft()
            try:
                self._call_back(transition)
            finally:
                self._telling = False

    def _call_back(self, transition: Transition) -> None:
        if self._on_transition is None:
            return
        try:
            self._on_transition(transition)
        except Exception:  # whatever listens must not cost a call its answer
            _logger.exception("telling a transition of the breaker %s failed", self.name)

    def _start_over(self) -> None:
        self._untold.clear()  # the parent tells them
        self._telling = False
        self._machine.forked(self._clock())
