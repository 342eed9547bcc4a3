"""The breaker's decisions: each takes the time and returns what it decided and which transitions are to be told.

There is no clock, lock or callback in here; `breaker.py` has them. A stay in a state is one frozen `_Stay`, replaced
whole, and a permit names the stay that it belongs to by its generation.
"""

import dataclasses
from collections.abc import Callable

from poet_engine.errors import UsageError
from poet_engine.resilience.breaker.model import (
    BreakerCounts,
    BreakerStatistics,
    Refused,
    Snapshot,
    State,
    Transition,
)
from poet_engine.resilience.breaker.settings import BreakerSettings
from poet_engine.resilience.breaker.window import BreakerWindow, CountWindow, TimeWindow

Told = tuple[Transition, ...]

_LETS_ALL_THROUGH = frozenset({State.CLOSED, State.DISABLED, State.METRICS_ONLY})
_RECORDS_NOTHING = frozenset({State.OPEN, State.FORCED_OPEN, State.DISABLED})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Stay:
    state: State
    since: float
    reason: str
    generation: int = 0
    attempts: int = 0
    pinned: bool = False
    wait: float | None = None

    def over(self, now: float) -> bool:
        """Whether it has lasted as long as it lasts by itself."""
        return self.wait is not None and now >= self.since + self.wait


class Machine:
    """The state machine of one breaker. Times are seconds of one clock that does not go back.

    Args:
        name: What transitions call it.
        settings: When it opens and closes.
        random: Gives 0 to 1, at each opening.
        now: The clock.
        snapshot: Where an earlier one stood.
    """

    __slots__ = ("_exceeded", "_name", "_not_permitted", "_permits_left", "_random", "_settings", "_stay", "_window")

    def __init__(
        self,
        name: str,
        settings: BreakerSettings,
        random: Callable[[], float],
        *,
        now: float,
        snapshot: Snapshot | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._random = random
        self._not_permitted = 0
        self._window: BreakerWindow = self._empty_window(now)
        self._settle_in(self._restored(snapshot or Snapshot(), now, generation=0))

    @property
    def state(self) -> State:
        """The state as of the last decision."""
        return self._stay.state

    @property
    def pinned(self) -> bool:
        """Whether only a reset ends the state."""
        return self._stay.pinned

    def acquire(self, now: float) -> tuple[int | Refused, Told]:
        """Decide about one call: the generation of its permit, or why it may not go through."""
        told = self.look(now)
        if self._stay.state is State.OPEN and self._stay.over(now):
            told += self._to_half_open(now)
        refused = self._refusal(now)
        if refused is not None:
            self._not_permitted += 1
            return refused, told
        if self._stay.state is State.HALF_OPEN:
            self._permits_left -= 1
        return self._stay.generation, told

    def record(self, generation: int, now: float, *, failed: bool, duration: float) -> Told:
        """Take in the result of a call; nothing where it was permitted in an earlier stay."""
        told = self.look(now)
        if generation != self._stay.generation or self._stay.state in _RECORDS_NOTHING:
            return told
        slow = duration > self._settings.slow_call_duration_threshold
        self._window.record(now, failed=failed, slow=slow)
        return told + self._judge(now)

    def release(self, generation: int, now: float) -> Told:
        """Take back the permit of a call that counts for nobody."""
        told = self.look(now)
        if generation == self._stay.generation and self._stay.state is State.HALF_OPEN:
            self._permits_left += 1
        return told

    def look(self, now: float) -> Told:
        """Do what is due by time alone, as a timer would have done."""
        told: Told = ()
        if self._stay.state is State.HALF_OPEN and self._stay.over(now):
            wait = self._settings.max_wait_duration_in_half_open_state
            told = self._open(self._stay.since + wait, f"no verdict within {wait:g} s of half-open")
        automatic = self._settings.automatic_transition_from_open_to_half_open_enabled
        if automatic and self._stay.state is State.OPEN and self._stay.over(now):
            told += self._to_half_open(now)
        return told

    def force_open(self, now: float, reason: str, *, pinned: bool) -> Told:
        """Let nothing through until a reset. A pin that is there stays, with its reason."""
        stay = self._stay
        if stay.state is State.FORCED_OPEN and (stay.pinned or not pinned):
            return ()
        return self._enter(_Stay(state=State.FORCED_OPEN, since=now, reason=reason, pinned=pinned), manual=True)

    def reset(self, now: float) -> Told:
        """Close it, forget what was recorded and lift a pin."""
        return self._enter(_Stay(state=State.CLOSED, since=now, reason="reset"), manual=True)

    def switch(self, now: float, state: State) -> Told:
        """Go to `disabled` or `metrics_only`.

        Raises:
            UsageError: It is pinned open, which only a reset ends.
        """
        if self._stay.pinned:
            raise UsageError(
                f"the breaker {self._name} is pinned open, so it cannot become {state} ({self._stay.reason}); reset it"
            )
        if self._stay.state is state:
            return ()
        return self._enter(_Stay(state=state, since=now, reason="switched by hand"), manual=True)

    def adopt(self, now: float, snapshot: Snapshot) -> Told:
        """Go where another process or a person has put it; nothing where it is there already."""
        stay = self._restored(snapshot, now, generation=self._stay.generation)
        if (stay.state, stay.pinned, stay.reason) == (self._stay.state, self._stay.pinned, self._stay.reason):
            return ()
        return self._enter(stay, manual=False)

    def forked(self, now: float) -> None:
        """Start over in a forked child: the calls that hold permits run in the parent alone."""
        self._settle_in(self._restored(self.snapshot(now), now, generation=self._stay.generation + 1))

    def snapshot(self, now: float) -> Snapshot:
        """Return the part of the state that outlives the process."""
        stay = self._stay
        opened = stay.state is State.OPEN and stay.wait is not None
        return Snapshot(
            state=stay.state,
            reason=stay.reason,
            attempts=stay.attempts,
            pinned=stay.pinned,
            wait=stay.wait if opened else None,
            remaining=self._remaining(now) if opened else None,
        )

    def statistics(self, now: float) -> BreakerStatistics:
        """All numbers of this moment."""
        stay, counts = self._stay, self._window.counts(now)
        known = counts.calls >= self._minimum()
        return BreakerStatistics(
            name=self._name,
            state=stay.state,
            reason=stay.reason,
            pinned=stay.pinned,
            generation=stay.generation,
            attempts=stay.attempts,
            counts=counts,
            failure_rate=counts.failure_rate if known else None,
            slow_call_rate=counts.slow_call_rate if known else None,
            not_permitted_calls=self._not_permitted,
            permits_left=self._permits_left if stay.state is State.HALF_OPEN else None,
            retry_after=self._remaining(now) if stay.state is State.OPEN else None,
        )

    def _judge(self, now: float) -> Told:
        counts = self._window.counts(now)
        if counts.calls < self._minimum():
            return ()
        exceeded = self._too_much(counts)
        if self._stay.state is State.METRICS_ONLY:
            return self._tell_once(now, exceeded)
        if exceeded:
            return self._open(now, "; ".join(exceeded.values()))
        if self._stay.state is State.HALF_OPEN:
            worked = f"{counts.calls - counts.failed} of {counts.calls} trial calls succeeded"
            return self._enter(_Stay(state=State.CLOSED, since=now, reason=worked))
        return ()

    def _too_much(self, counts: BreakerCounts) -> dict[str, str]:
        settings = self._settings
        failure_rate, slow_call_rate = counts.failure_rate, counts.slow_call_rate
        if failure_rate < settings.failure_rate_threshold and slow_call_rate < settings.slow_call_rate_threshold:
            return {}  # nearly every call ends here, so nothing is built for it
        rates = {
            "failure rate": (failure_rate, settings.failure_rate_threshold),
            "slow call rate": (slow_call_rate, settings.slow_call_rate_threshold),
        }
        return {
            name: f"{name} {rate:.4g} % of {counts.calls} calls, {threshold:g} % opens"
            for name, (rate, threshold) in rates.items()
            if rate >= threshold
        }

    def _tell_once(self, now: float, exceeded: dict[str, str]) -> Told:
        news = [text for name, text in exceeded.items() if name not in self._exceeded]
        self._exceeded |= exceeded.keys()
        stay = dataclasses.replace(self._stay, reason="; ".join(news))
        return (self._transition(stay, now, manual=False),) if news else ()

    def _minimum(self) -> int:
        """Calls that make a rate: a window of calls is not asked for more than it can hold."""
        settings = self._settings
        least = settings.minimum_number_of_calls
        if self._stay.state is State.HALF_OPEN:
            return min(least, settings.permitted_number_of_calls_in_half_open_state)
        return min(least, settings.sliding_window_size) if settings.sliding_window_type == "count_based" else least

    def _refusal(self, now: float) -> Refused | None:
        stay = self._stay
        if stay.state in _LETS_ALL_THROUGH:
            return None
        if stay.state is State.HALF_OPEN:
            if self._permits_left > 0:
                return None
            return Refused(stay.state, None, f"as many calls as it permits try whether it works again: {stay.reason}")
        return Refused(stay.state, self._remaining(now) if stay.state is State.OPEN else None, stay.reason)

    def _remaining(self, now: float) -> float:
        return max(self._stay.since + (self._stay.wait or 0.0) - now, 0.0)

    def _open(self, now: float, reason: str) -> Told:
        attempts = self._stay.attempts + 1
        wait = self._settings.open_time(attempts, self._random())
        return self._enter(_Stay(state=State.OPEN, since=now, reason=reason, attempts=attempts, wait=wait))

    def _to_half_open(self, now: float) -> Told:
        reason = f"open for {now - self._stay.since:.4g} s: {self._stay.reason}"
        return self._enter(self._half_open(now, reason, self._stay.attempts))

    def _half_open(self, now: float, reason: str, attempts: int) -> _Stay:
        wait = self._settings.max_wait_duration_in_half_open_state or None
        return _Stay(state=State.HALF_OPEN, since=now, reason=reason, attempts=attempts, wait=wait)

    def _restored(self, snapshot: Snapshot, now: float, *, generation: int) -> _Stay:
        if snapshot.state is State.HALF_OPEN:
            stay = self._half_open(now, snapshot.reason, snapshot.attempts)
        else:
            stay = _Stay(
                state=snapshot.state,
                since=now,
                reason=snapshot.reason,
                attempts=snapshot.attempts,
                pinned=snapshot.pinned,
            )
        if snapshot.state is State.OPEN:
            # Whatever the file or a clock says: not longer than this breaker would have opened by itself.
            longest = self._settings.exponential_max_wait_duration_in_open_state
            wait = min(snapshot.wait or 0.0, longest)
            remaining = min(max(snapshot.remaining or 0.0, 0.0), wait)
            stay = dataclasses.replace(stay, since=now - (wait - remaining), wait=wait)
        return dataclasses.replace(stay, generation=generation)

    def _enter(self, stay: _Stay, *, manual: bool = False) -> Told:
        stay = dataclasses.replace(stay, generation=self._stay.generation + 1)
        told = self._transition(stay, stay.since, manual=manual)
        self._settle_in(stay)
        return (told,)

    def _settle_in(self, stay: _Stay) -> None:
        """Give a stay its window and its permits; an open breaker keeps showing the calls that opened it."""
        permitted = self._settings.permitted_number_of_calls_in_half_open_state
        self._stay = stay
        self._exceeded: set[str] = set()
        self._permits_left = permitted
        if stay.state is State.HALF_OPEN:
            self._window = CountWindow(permitted)
        elif stay.state is not State.OPEN:
            self._window = self._empty_window(stay.since)

    def _empty_window(self, now: float) -> BreakerWindow:
        size = self._settings.sliding_window_size
        return TimeWindow(size, now) if self._settings.sliding_window_type == "time_based" else CountWindow(size)

    def _transition(self, stay: _Stay, now: float, *, manual: bool) -> Transition:
        found = self.statistics(now)
        return Transition(
            name=self._name,
            old=self._stay.state,
            new=stay.state,
            reason=stay.reason,
            failure_rate=found.failure_rate,
            slow_call_rate=found.slow_call_rate,
            counts=found.counts,
            at=now,
            generation=stay.generation,
            wait=stay.wait,
            pinned=stay.pinned,
            manual=manual,
        )
