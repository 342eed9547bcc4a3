"""The values of a circuit breaker: states, permits, refusals, transitions, numbers. The names are resilience4j's."""

import dataclasses
import enum


class State(enum.StrEnum):
    """The state of a breaker, which decides what calls go through and what calls count."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"


@dataclasses.dataclass(frozen=True, slots=True)
class BreakerCounts:
    """The calls in a window; a call that failed and was slow counts in all four.

    Attributes:
        calls: Recorded calls.
        failed: Those that failed.
        slow: Those that took longer than the threshold.
        slow_failed: Those that did both.
    """

    calls: int = 0
    failed: int = 0
    slow: int = 0
    slow_failed: int = 0

    @property
    def failure_rate(self) -> float:
        """Percent of the calls that failed; 0 where there are none."""
        return 100.0 * self.failed / self.calls if self.calls else 0.0

    @property
    def slow_call_rate(self) -> float:
        """Percent of the calls that were slow; 0 where there are none."""
        return 100.0 * self.slow / self.calls if self.calls else 0.0


class Permit:
    """The right to one call; spent by the first `record` or `release`, after which both do nothing.

    Attributes:
        generation: The stay in a state that it belongs to; its result counts in no other.
        spent: Whether its result was told.
    """

    __slots__ = ("generation", "spent")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.spent = False

    def __repr__(self) -> str:
        return f"<Permit generation={self.generation}{' spent' if self.spent else ''}>"


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A call that may not go through.

    Attributes:
        state: Of the breaker.
        retry_after: Seconds until it is worth asking again; None where nobody knows.
        reason: Why the breaker is in that state.
    """

    state: State
    retry_after: float | None
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A breaker went from one state to another, or a person did something to it.

    Attributes:
        name: The breaker's.
        old: The state that it left.
        new: The state that it is in; the same as `old` after a reset of a closed breaker, when a forced one is pinned,
            and where `metrics_only` tells that a rate was exceeded.
        reason: Why, in one phrase.
        failure_rate: Percent; None where too few calls were recorded to tell.
        slow_call_rate: The same.
        counts: What the window held before.
        at: When, by the breaker's own clock, in seconds.
        generation: Counts the transitions of this breaker.
        wait: How many seconds `new` lasts by itself; None where it does not end by itself.
        pinned: Whether only a reset ends it.
        manual: Whether a call of the breaker's own methods asked for it, rather than what it measured.
    """

    name: str
    old: State
    new: State
    reason: str
    failure_rate: float | None
    slow_call_rate: float | None
    counts: BreakerCounts
    at: float
    generation: int
    wait: float | None
    pinned: bool
    manual: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The part of a breaker that outlives its process. The window does not: after a restart it fills anew.

    Attributes:
        state: Which one.
        reason: Why it is in that state.
        attempts: How often it opened since it was last closed; the next open time grows with it.
        pinned: Whether only a reset ends it.
        wait: Seconds for which it was opened; None where the state does not end by itself.
        remaining: Seconds of them that are left.
    """

    state: State = State.CLOSED
    reason: str = ""
    attempts: int = 0
    pinned: bool = False
    wait: float | None = None
    remaining: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatistics:
    """A breaker at one moment.

    Attributes:
        name: The breaker's.
        state: Which one.
        reason: Why it is in that state.
        pinned: Whether only a reset ends it.
        generation: Counts its transitions.
        attempts: How often it opened since it was last closed.
        counts: The window: of the calls that opened it while it is open.
        failure_rate: Percent; None where too few calls were recorded to tell.
        slow_call_rate: The same.
        not_permitted_calls: Calls that it has refused so far.
        permits_left: Calls that half-open still lets through; None in other states.
        retry_after: Seconds until it is worth asking again; None where it lets calls through or nobody knows.
    """

    name: str
    state: State
    reason: str
    pinned: bool
    generation: int
    attempts: int
    counts: BreakerCounts
    failure_rate: float | None
    slow_call_rate: float | None
    not_permitted_calls: int
    permits_left: int | None
    retry_after: float | None
