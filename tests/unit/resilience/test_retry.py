"""When to try again."""

import pytest
import tenacity
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.resilience import retry
from poet_engine.resilience.retry import Failed, Pause, Stop


def pause(**changes: float) -> Pause | Stop:
    values = {"attempts": 1, "took": 0.0, "deadline": 20.0, "random": 0.5, **changes}
    return retry.after(
        Failed(int(values["attempts"]), values["took"], values["deadline"], values.get("asked"), values["random"]),
        retries=None,
    )


def test_pauses_grow_and_are_a_random_part_of_that() -> None:
    """Half of 50 ms, 100 ms and so on with noise 0.5, and never more than half of a twentieth of the deadline."""
    assert [pause(attempts=n) for n in (1, 2, 3, 20, 2000)] == [
        Pause(0.025),
        Pause(0.05),
        Pause(0.1),
        Pause(0.5),
        Pause(0.5),
    ]
    assert pause(random=0.0) == Pause(0.0)


def test_three_retries_are_four_attempts() -> None:
    """`retries` counts what follows the first attempt; 0 is none."""
    said = [retry.after(Failed(n, 0.0, 5.0), retries=3) for n in (1, 2, 3, 4)]
    assert said == [Pause(0.0)] * 3 + [Stop("all 4 attempts failed")]
    assert retry.after(Failed(1, 0.0, 5.0), retries=0) == Stop("it is not tried again")


def test_what_the_failure_asks_for_is_waited_at_the_least() -> None:
    assert pause(asked=2.0) == Pause(2.0)
    assert pause(asked=0.001) == Pause(0.025)


@settings(deadline=None)  # a shared machine is slow at times, which says nothing
@given(
    attempts=st.integers(1, 50),
    took=st.floats(0, 10),
    asked=st.none() | st.floats(0, 20),
    random=st.floats(0, 1, exclude_max=True),
)
def test_no_pause_outlives_the_deadline(attempts: int, took: float, asked: float | None, random: float) -> None:
    """Whatever is drawn and asked for."""
    then = retry.after(Failed(attempts, took, 5.0, asked, random), retries=None)
    if isinstance(then, Pause):
        assert took + then.seconds < 5.0
        assert then.seconds <= max(5.0 * retry.LONGEST_SHARE, asked or 0.0)
    else:
        assert then.reason == f"there is no time for attempt {attempts + 1}"


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_the_last_word_names_the_attempts(attempts: int) -> None:
    then = retry.after(Failed(attempts, 0.0, 5.0), retries=attempts - 1)
    assert isinstance(then, Stop)


@settings(deadline=None)  # as above
@given(attempts=st.integers(1, 3000), deadline=st.floats(0.001, 1e6))
def test_the_longest_pause_is_that_of_tenacity(attempts: int, deadline: float) -> None:
    """Its formula is the one that the documentation names, whatever is computed here."""
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = attempts
    waits = tenacity.wait_exponential(multiplier=retry.FIRST_S, max=retry.LONGEST_SHARE * deadline)
    assert retry.backoff(attempts, deadline) == pytest.approx(waits(state))
    full_jitter = tenacity.wait_random_exponential(multiplier=retry.FIRST_S, max=retry.LONGEST_SHARE * deadline)
    assert 0.0 <= full_jitter(state) <= retry.backoff(attempts, deadline) * (1 + 1e-9)
