"""The performer: what it tells, to whom, in which order, and what no caller may break."""

import dataclasses
import itertools
import os
import re
import signal
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine.errors import UsageError
from poet_engine.resilience.breaker import (
    Breaker,
    BreakerCounts,
    BreakerSettings,
    Permit,
    Refused,
    Snapshot,
    State,
    Transition,
)

SETTINGS = BreakerSettings(
    sliding_window_size=4,
    minimum_number_of_calls=2,
    permitted_number_of_calls_in_half_open_state=2,
    wait_duration_in_open_state=10.0,
    randomized_wait_factor=0.0,
)


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(
    clock: Clock,
    told: Callable[[Transition], None] | None = None,
    *,
    state: Snapshot | None = None,
    settings: BreakerSettings = SETTINGS,
) -> Breaker:
    return Breaker("b", settings, clock=clock, random=lambda: 0.5, on_transition=told, state=state)


def taken(breaker: Breaker) -> Permit:
    permit = breaker.acquire()
    assert isinstance(permit, Permit)
    return permit


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        breaker.record(taken(breaker), failed=True, duration=0.0)


def test_a_transition_tells_the_whole_story() -> None:
    clock, told = Clock(), list[Transition]()
    breaker = make(clock, told.append)
    fail(breaker, 2)
    assert told == [
        Transition(
            name="b",
            old=State.CLOSED,
            new=State.OPEN,
            reason="failure rate 100 % of 2 calls, 50 % opens",
            failure_rate=100.0,
            slow_call_rate=0.0,
            counts=BreakerCounts(calls=2, failed=2),
            at=100.0,
            generation=1,
            wait=10.0,
            pinned=False,
            manual=False,
        )
    ]


def test_every_transition_is_told_in_order() -> None:
    clock, told = Clock(), list[Transition]()
    breaker = make(clock, told.append)
    fail(breaker, 2)
    clock.now += 10
    for _ in range(2):
        breaker.record(taken(breaker), failed=False, duration=0.0)
    breaker.force_open("a violation")
    breaker.reset()
    breaker.disable()
    breaker.metrics_only()
    states = ["closed", "open", "half_open", "closed", "forced_open", "closed", "disabled", "metrics_only"]
    assert [(t.old, t.new) for t in told] == list(itertools.pairwise(states))
    assert [t.generation for t in told] == list(range(1, 8))
    assert [t.manual for t in told] == [False] * 3 + [True] * 4


def test_metrics_only_tells_once_for_each_rate_that_would_have_opened() -> None:
    clock, told = Clock(), list[Transition]()
    breaker = make(clock, told.append)
    breaker.metrics_only()
    fail(breaker, 5)
    for _ in range(4):
        breaker.record(taken(breaker), failed=False, duration=61.0)
    assert [t.reason.split(" rate")[0] for t in told[1:]] == ["failure", "slow call"]
    assert {(t.old, t.new) for t in told[1:]} == {(State.METRICS_ONLY, State.METRICS_ONLY)}


def test_what_a_listener_raises_costs_no_call_anything(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_transition: Transition) -> None:
        raise RuntimeError("no disk")

    breaker = make(Clock(), broken)
    fail(breaker, 2)
    assert breaker.state is State.OPEN
    assert "telling a transition of the breaker b failed" in caplog.text


def test_a_listener_may_use_the_breaker_and_other_threads_too() -> None:
    """No lock is held while it runs; what it causes is told after it."""
    clock, told = Clock(), list[State]()

    def listen(transition: Transition) -> None:
        told.append(transition.new)
        if transition.new is State.OPEN:
            other = threading.Thread(target=lambda: breaker.force_open("too often"))
            other.start()
            other.join(10)
            assert not other.is_alive()
            breaker.statistics()
            assert told == [State.OPEN]

    breaker = make(clock, listen)
    fail(breaker, 2)
    assert told == [State.OPEN, State.FORCED_OPEN]


def test_many_threads_at_once_are_told_one_after_the_other_and_in_order() -> None:
    """No transition is lost, doubled or told beside another one, whichever thread caused it."""
    inside, told = list[str](), list[int]()

    def listen(transition: Transition) -> None:
        inside.append(threading.current_thread().name)
        assert len(inside) == 1
        told.append(transition.generation)
        inside.clear()

    breaker = make(Clock(), listen)

    def work() -> None:
        for _ in range(50):
            breaker.force_open("one of them", pinned=False)
            breaker.disable()
            breaker.reset()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == list(range(1, breaker.statistics().generation + 1))
    assert len(told) >= 8 * 50


def test_a_call_holds_no_lock() -> None:
    """While one call is under way, others go through, end, and everything can be looked at."""
    breaker = make(Clock())
    first = taken(breaker)
    done = threading.Thread(target=lambda: fail(breaker))
    done.start()
    done.join(10)
    assert not done.is_alive()
    breaker.record(first, failed=False, duration=0.0)
    assert breaker.statistics().counts == BreakerCounts(calls=2, failed=1)


def test_a_permit_counts_once() -> None:
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 2)
    clock.now += 10
    first, second = taken(breaker), taken(breaker)
    breaker.release(first)
    breaker.release(first)
    breaker.record(first, failed=True, duration=0.0)
    assert breaker.statistics().permits_left == 1
    breaker.record(second, failed=False, duration=0.0)
    breaker.record(second, failed=True, duration=0.0)
    assert breaker.statistics().counts == BreakerCounts(calls=1)


class TestPin:
    def test_only_a_reset_ends_it(self) -> None:
        breaker = make(Clock())
        breaker.force_open("seccomp:ptrace")
        with pytest.raises(UsageError, match=r"pinned open, so it cannot become disabled.*seccomp:ptrace.*reset it"):
            breaker.disable()
        with pytest.raises(UsageError, match="pinned"):
            breaker.metrics_only()
        breaker.force_open("somebody else", pinned=False)
        found = breaker.statistics()
        assert (found.state, found.pinned, found.reason) == (State.FORCED_OPEN, True, "seccomp:ptrace")
        breaker.reset()
        assert isinstance(breaker.acquire(), Permit)

    def test_a_forced_one_can_be_pinned_later_and_that_is_told(self) -> None:
        told: list[Transition] = []
        breaker = make(Clock(), told.append)
        breaker.force_open("maintenance", pinned=False)
        breaker.force_open("seccomp:ptrace")
        assert [(t.old, t.new, t.pinned) for t in told[1:]] == [(State.FORCED_OPEN, State.FORCED_OPEN, True)]

    def test_without_a_pin_it_can_be_switched(self) -> None:
        breaker = make(Clock())
        breaker.force_open("maintenance", pinned=False)
        breaker.disable()
        assert breaker.state is State.DISABLED


class TestRestart:
    def test_an_open_one_stays_open_for_what_was_left(self) -> None:
        clock = Clock()
        breaker = make(clock)
        fail(breaker, 2)
        clock.now += 4
        later = make(Clock(), state=breaker.snapshot())
        answer = later.acquire()
        assert isinstance(answer, Refused)
        assert (answer.state, answer.retry_after) == (State.OPEN, 6.0)
        assert "failure rate 100 %" in answer.reason

    def test_its_next_open_time_goes_on_growing(self) -> None:
        clock = Clock()
        breaker = make(clock)
        fail(breaker, 2)
        later = make(clock, state=breaker.snapshot())
        clock.now += 10
        fail(later, 2)
        assert later.statistics().retry_after == 20.0

    @pytest.mark.parametrize(("wait", "remaining"), [(1e9, 1e9), (None, None), (-5.0, 1e300), (10.0, -1e300)])
    def test_no_snapshot_opens_for_longer_than_the_settings_do(
        self, wait: float | None, remaining: float | None
    ) -> None:
        snapshot = Snapshot(state=State.OPEN, wait=wait, remaining=remaining)
        found = make(Clock(), state=snapshot).statistics()
        assert found.retry_after is not None
        assert 0.0 <= found.retry_after <= SETTINGS.exponential_max_wait_duration_in_open_state

    def test_half_open_starts_over_with_all_its_permits(self) -> None:
        clock = Clock()
        breaker = make(clock)
        fail(breaker, 2)
        clock.now += 10
        taken(breaker)
        later = make(clock, state=breaker.snapshot())
        assert (later.state, later.statistics().permits_left) == (State.HALF_OPEN, 2)

    def test_a_pin_stays(self) -> None:
        breaker = make(Clock())
        breaker.force_open("seccomp:ptrace")
        later = make(Clock(), state=breaker.snapshot())
        assert later.statistics().pinned
        assert isinstance(later.acquire(), Refused)


def test_a_forked_child_has_the_state_and_none_of_the_calls() -> None:
    """The calls that hold the permits of half-open run in the parent: the child would wait for them for ever."""
    clock = Clock()
    breaker = make(clock)
    fail(breaker, 2)
    clock.now += 10
    mine = [taken(breaker), taken(breaker)]
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning), breaker._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            try:
                breaker.record(mine[0], failed=True, duration=0.0)
                again = breaker.statistics().permits_left == 2 and isinstance(breaker.acquire(), Permit)
                os._exit(0 if again else 1)
            finally:
                os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert breaker.statistics().permits_left == 0


class TestSettings:
    def test_the_page_has_each_with_its_default(self) -> None:
        page = (Path(__file__).parents[4] / "docs" / "resilience.md").read_text(encoding="utf-8")
        rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", page, re.MULTILINE))
        units = {" %": 1.0, " s": 1.0, " h": 3600.0, "": 1.0}
        for field in dataclasses.fields(BreakerSettings):
            default: object = field.default
            if isinstance(default, bool):
                assert rows[field.name] == ("yes" if default else "no")
            elif isinstance(default, str):
                assert rows[field.name] == f"`{default}`"
            else:
                number, unit = re.fullmatch(r"([\d.]+)( %| s| h|)", rows[field.name]).groups()  # type: ignore[union-attr]  # no match is a failure too
                assert float(number) * units[unit] == default

    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("failure_rate_threshold", 0.0, "more than 0 and at most 100"),
            ("failure_rate_threshold", 100.5, "at most 100"),
            ("slow_call_rate_threshold", float("nan"), "at most 100"),
            ("sliding_window_size", 0, "at least 1"),
            ("minimum_number_of_calls", 0, "at least 1"),
            ("permitted_number_of_calls_in_half_open_state", 0, "at least 1"),
            ("wait_duration_in_open_state", 0.0, "more than 0"),
            ("wait_duration_in_open_state", 7200.0, "at least 7200"),
            ("exponential_backoff_multiplier", 0.5, "at least 1"),
            ("randomized_wait_factor", 1.5, "at most 1"),
            ("max_wait_duration_in_half_open_state", -1.0, "at least 0"),
            ("sliding_window_type", "COUNT_BASED", "count_based or time_based"),
        ],
    )
    def test_a_value_out_of_range_is_refused(self, name: str, value: float | str, why: str) -> None:
        with pytest.raises(UsageError, match=why):
            BreakerSettings(**{name: value})  # type: ignore[arg-type]  # the wrong values are the test

    def test_chance_spreads_the_open_time_around_its_length(self) -> None:
        settings = dataclasses.replace(SETTINGS, randomized_wait_factor=0.5)
        assert [settings.open_time(1, chance) for chance in (0.0, 0.5, 1.0)] == [5.0, 10.0, 15.0]

    def test_at_the_maximum_chance_only_shortens(self) -> None:
        settings = dataclasses.replace(
            SETTINGS, randomized_wait_factor=0.5, exponential_max_wait_duration_in_open_state=40.0
        )
        assert [settings.open_time(10**9, chance) for chance in (0.0, 0.5, 1.0)] == [20.0, 30.0, 40.0]


def test_it_says_what_it_is() -> None:
    breaker = make(Clock())
    fail(breaker)
    assert repr(breaker) == "<Breaker b closed calls=1 failed=1 slow=0>"
