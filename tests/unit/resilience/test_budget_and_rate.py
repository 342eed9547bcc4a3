"""The retry budget and the rate limit, under a clock that the test moves."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.resilience.clocks import Clock

from poet_engine.resilience import retry_budget
from poet_engine.resilience.rate_limit import Rate, RateLimit, decide
from poet_engine.resilience.retry_budget import RetryBudget


def spent(of: RetryBudget) -> int:
    """How many retries it still pays for at once."""
    count = 0
    while of.spend():
        count += 1
    return count


class TestBudget:
    def test_an_outage_is_not_multiplied(self) -> None:
        """Of 10,000 failing calls at one moment a fifth is tried again, beside what was saved; at most the cap."""
        clock = Clock()
        of = RetryBudget(clock)
        assert spent(of) == retry_budget.MOST
        retried = 0
        for _ in range(10_000):
            of.count_call()
            retried += of.spend()
        assert retried == pytest.approx(2000, abs=1)

    def test_time_alone_pays_for_ten_a_second(self) -> None:
        """So that a function that is called once a minute can be tried again."""
        clock = Clock()
        of = RetryBudget(clock)
        spent(of)
        clock.advance(0.5)
        assert spent(of) == 5
        clock.advance(3600)
        assert spent(of) == retry_budget.MOST

    def test_a_clock_that_goes_back_costs_nothing(self) -> None:
        clock = Clock()
        of = RetryBudget(clock)
        spent(of)
        clock.advance(-100)
        assert spent(of) == 0
        clock.advance(101)
        assert spent(of) == 10


class TestRate:
    def test_all_may_come_at_once_and_then_evenly(self) -> None:
        """Three in a minute: three at once, then one each 20 seconds; the wait that is named is just long enough."""
        clock = Clock()
        limit = RateLimit(Rate(3, 60.0), clock)
        assert [limit.admit() for _ in range(3)] == [0.0] * 3
        wait = limit.admit()
        assert wait == pytest.approx(20.0)
        clock.advance(wait - 0.001)
        assert limit.admit() > 0
        clock.advance(0.001)
        assert limit.admit() == 0.0
        assert limit.admit() > 0

    @settings(deadline=None)  # a shared machine is slow at times, which says nothing
    @given(
        calls=st.integers(1, 50),
        seconds=st.floats(0.01, 1000),
        gaps=st.lists(st.floats(0, 10), max_size=200),
    )
    def test_never_more_than_twice_the_rate_in_any_window(self, calls: int, seconds: float, gaps: list[float]) -> None:
        """In any window of that length at most the burst and what the window itself admits, and none is lost idly."""
        rate, now, due = Rate(calls, seconds), 0.0, 0.0
        admitted: list[float] = []
        for gap in gaps:
            now += gap
            due, wait = decide(rate, due, now)
            if wait == 0.0:
                admitted.append(now)
            else:
                assert 0 < wait <= seconds / calls * (1 + 1e-6)
        for start in admitted:
            assert sum(start <= moment < start + seconds * 0.999 for moment in admitted) <= 2 * calls

    @pytest.mark.parametrize(("calls", "seconds"), [(0, 1.0), (1, 0.0), (1, math.nan)])
    def test_a_rate_of_nothing_is_an_error(self, calls: int, seconds: float) -> None:
        with pytest.raises(ValueError, match="a rate is"):
            Rate(calls, seconds)
