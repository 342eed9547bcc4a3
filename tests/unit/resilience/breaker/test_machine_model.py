"""The state machine against a model that keeps every call and counts anew each time."""

import dataclasses
import math

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from poet_engine.resilience.breaker import BreakerSettings, Refused, State
from poet_engine.resilience.breaker.machine import Machine

SLOW = 1.0
QUARTERS = st.integers(min_value=0, max_value=60).map(lambda quarters: quarters / 4)  # sums of them are exact

SETTINGS = st.builds(
    BreakerSettings,
    sliding_window_type=st.sampled_from(["count_based", "time_based"]),
    sliding_window_size=st.integers(1, 6),
    minimum_number_of_calls=st.integers(1, 4),
    failure_rate_threshold=st.sampled_from([25.0, 50.0, 100.0]),
    slow_call_rate_threshold=st.sampled_from([50.0, 100.0]),
    slow_call_duration_threshold=st.just(SLOW),
    permitted_number_of_calls_in_half_open_state=st.integers(1, 4),
    wait_duration_in_open_state=st.just(4.0),
    exponential_backoff_multiplier=st.sampled_from([1.0, 2.0]),
    exponential_max_wait_duration_in_open_state=st.just(16.0),
    randomized_wait_factor=st.sampled_from([0.0, 0.5]),
    max_wait_duration_in_half_open_state=st.sampled_from([0.0, 6.0]),
    automatic_transition_from_open_to_half_open_enabled=st.booleans(),
)


@dataclasses.dataclass(frozen=True)
class Call:
    """A permit as the model sees it: the stay that gave it."""

    stay: int
    generation: int


class BreakerAgainstModel(RuleBasedStateMachine):
    """What the breaker may do follows from all that has happened in its present stay."""

    permits = Bundle("permits")

    @initialize(settings=SETTINGS, chance=st.sampled_from([0.0, 0.5, 1.0]))
    def start(self, settings: BreakerSettings, chance: float) -> None:
        self.settings, self.chance = settings, chance
        self.now = 100.5
        self.machine = Machine("model", settings, lambda: chance, now=self.now)
        self.stay, self.state, self.since, self.attempts, self.pinned = 0, State.CLOSED, self.now, 0, False
        self.results: list[tuple[float, bool, bool]] = []
        self.out = 0  # permits of this stay that nobody has told about

    def enter(self, state: State, at: float, *, attempts: int = 0, pinned: bool = False) -> None:
        self.stay += 1
        self.state, self.since, self.attempts, self.pinned = state, at, attempts, pinned
        self.out = 0
        if state is not State.OPEN:
            self.results = []

    def open_time(self) -> float:
        wait = min(4.0 * self.settings.exponential_backoff_multiplier ** (self.attempts - 1), 16.0)
        factor = self.settings.randomized_wait_factor
        return wait * (1 - factor) + (min(wait * (1 + factor), 16.0) - wait * (1 - factor)) * self.chance

    def time_passes(self) -> None:
        patience = self.settings.max_wait_duration_in_half_open_state
        if self.state is State.HALF_OPEN and patience and self.now - self.since >= patience:
            self.enter(State.OPEN, self.since + patience, attempts=self.attempts + 1)
        if self.settings.automatic_transition_from_open_to_half_open_enabled:
            self.try_again()

    def try_again(self) -> None:
        if self.state is State.OPEN and self.now - self.since >= self.open_time():
            self.enter(State.HALF_OPEN, self.now, attempts=self.attempts)

    def window(self) -> list[tuple[float, bool, bool]]:
        if self.state is State.HALF_OPEN:
            return self.results
        size = self.settings.sliding_window_size
        if self.settings.sliding_window_type == "count_based":
            return self.results[-size:]
        return [result for result in self.results if math.floor(result[0]) > math.floor(self.now) - size]

    def minimum(self) -> int:
        least = self.settings.minimum_number_of_calls
        if self.state is State.HALF_OPEN:
            return min(least, self.settings.permitted_number_of_calls_in_half_open_state)
        counting = self.settings.sliding_window_type == "count_based"
        return min(least, self.settings.sliding_window_size) if counting else least

    def decide(self) -> None:
        seen = self.window()
        if len(seen) < self.minimum() or self.state is State.METRICS_ONLY:
            return
        failures = 100 * sum(failed for _, failed, _ in seen) / len(seen)
        slow = 100 * sum(slow for _, _, slow in seen) / len(seen)
        if failures >= self.settings.failure_rate_threshold or slow >= self.settings.slow_call_rate_threshold:
            self.enter(State.OPEN, self.now, attempts=self.attempts + 1)
        elif self.state is State.HALF_OPEN:
            self.enter(State.CLOSED, self.now)

    @rule(seconds=QUARTERS)
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.state is State.OPEN)
    @rule()
    def wait_until_it_may_try_again(self) -> None:
        self.now = max(self.now, self.since + self.open_time())

    @rule(target=permits)
    def acquire(self) -> Call | None:
        return self.ask()

    @rule(kinds=st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, SLOW, SLOW + 0.25])), min_size=1, max_size=8))
    def calls(self, kinds: list[tuple[bool, float]]) -> None:
        """Most of what happens to a breaker: calls that end before the next one begins."""
        for failed, duration in kinds:
            call = self.ask()
            if call is not None:
                self.tell(call, failed=failed, duration=duration)

    @rule(call=consumes(permits), failed=st.booleans(), duration=st.sampled_from([0.0, SLOW, SLOW + 0.25]))
    def record(self, call: Call | None, *, failed: bool, duration: float) -> None:
        if call is not None:
            self.tell(call, failed=failed, duration=duration)

    def ask(self) -> Call | None:
        answer, _told = self.machine.acquire(self.now)
        self.time_passes()
        self.try_again()
        permitted = self.settings.permitted_number_of_calls_in_half_open_state
        full = self.out + len(self.results) >= permitted if self.state is State.HALF_OPEN else False
        if self.state in {State.OPEN, State.FORCED_OPEN} or full:
            assert isinstance(answer, Refused)
            expected = self.since + self.open_time() - self.now if self.state is State.OPEN else None
            assert (answer.state, answer.retry_after) == (self.state, expected)
            return None
        assert isinstance(answer, int)
        self.out += 1
        return Call(self.stay, answer)

    def tell(self, call: Call, *, failed: bool, duration: float) -> None:
        self.machine.record(call.generation, self.now, failed=failed, duration=duration)
        self.time_passes()
        if call.stay == self.stay and self.state is not State.DISABLED:
            self.out -= 1
            self.results.append((self.now, failed, duration > SLOW))
            self.decide()

    @rule(call=consumes(permits))
    def cancel(self, call: Call | None) -> None:
        if call is None:
            return
        self.machine.release(call.generation, self.now)
        self.time_passes()
        if call.stay == self.stay:
            self.out -= 1

    @rule(deed=st.sampled_from(["force", "pin", "reset", "disabled", "metrics_only"]))
    def by_hand(self, deed: str) -> None:
        if deed in {"force", "pin"}:
            pinned = deed == "pin"
            self.machine.force_open(self.now, "a person", pinned=pinned)
            if self.state is not State.FORCED_OPEN or (pinned and not self.pinned):
                self.enter(State.FORCED_OPEN, self.now, pinned=pinned)
        elif deed == "reset":
            self.machine.reset(self.now)
            self.enter(State.CLOSED, self.now)
        elif not self.pinned and self.state is not State(deed):
            self.machine.switch(self.now, State(deed))
            self.enter(State(deed), self.now)

    @rule()
    def restart(self) -> None:
        """Half-open starts over, with all its permits; the rest stands where it stood, without its calls."""
        self.machine.look(self.now)
        self.time_passes()
        remaining = self.since + self.open_time() - self.now if self.state is State.OPEN else None
        snapshot = self.machine.snapshot(self.now)
        assert (snapshot.state, snapshot.pinned) == (self.state, self.pinned)
        assert snapshot.remaining == (None if remaining is None else max(remaining, 0.0))
        stay = self.machine.statistics(self.now).generation
        self.machine.forked(self.now)
        assert self.machine.statistics(self.now).generation == stay + 1
        shown = self.results
        since = self.since if self.state is State.OPEN else self.now
        self.enter(self.state, since, attempts=self.attempts, pinned=self.pinned)
        self.results = shown if self.state is State.OPEN else []
        if remaining is not None and remaining < 0:
            self.since = self.now - self.open_time()  # how long it is over is not kept

    @invariant()
    def they_agree(self) -> None:
        self.machine.look(self.now)
        self.time_passes()
        found = self.machine.statistics(self.now)
        assert (found.state, found.pinned, found.attempts) == (self.state, self.pinned, self.attempts)
        if self.state is State.HALF_OPEN:
            permitted = self.settings.permitted_number_of_calls_in_half_open_state
            assert found.permits_left == permitted - self.out - len(self.results)
        if self.state in {State.CLOSED, State.HALF_OPEN, State.METRICS_ONLY}:
            seen = self.window()
            slow_failed = sum(failed and slow for _, failed, slow in seen)
            assert found.counts.calls == len(seen)
            assert found.counts.failed == sum(failed for _, failed, _ in seen)
            assert (found.counts.slow, found.counts.slow_failed) == (sum(slow for _, _, slow in seen), slow_failed)


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
TestBreakerAgainstModel.settings = hypothesis.settings(max_examples=150, stateful_step_count=40, deadline=None)
