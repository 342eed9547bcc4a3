"""When to try again: a pure decision from the number of attempts, the time that is left, and one random number.

tenacity decides how long to wait and when to stop. Its own loop is not used: it has one for plain functions and another
for coroutines, both read the clock and draw the jitter themselves, and neither knows a deadline that was set before the
first attempt, a place in a bulkhead, or a budget.
"""

import dataclasses

# The first pause is at most 50 ms, and each next one twice as long, up to a twentieth of the deadline: whatever it is,
# there is time for some forty attempts that fail at once: what works three times in ten is all but sure to answer.
FIRST_S, LONGEST_SHARE = 0.05, 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds, then try again."""

    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """No further attempt, and why."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Failed:
    """Where a call stands after an attempt that failed and may go well another time.

    Attributes:
        attempts: How many there were, this one included.
        took: Seconds since the call began.
        deadline: Seconds that it may take in all.
        asked: Seconds that the failure itself asks to wait, if it does.
        noise: A random number, 0 <= noise < 1.
    """

    attempts: int
    took: float
    deadline: float
    asked: float | None = None
    noise: float = 0.0


def after(failed: Failed, *, retries: int | None) -> Pause | Stop:
    """Whether to try again, and when.

    Full jitter: the pause is a random part of what exponential backoff would wait, so that callers who failed together
    do not come back together. What the failure asks for is waited at the least.

    Args:
        failed: Where the call stands.
        retries: Attempts after the first one; None for as many as there is time for.
    """
    import tenacity  # noqa: PLC0415 - 15 ms to import: paid by the first failure, not by every program with `@poet`

    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})  # a state must belong to one; it never runs
    state.attempt_number, state.start_time, state.outcome_timestamp = failed.attempts, 0.0, failed.took
    stops = tenacity.stop_never if retries is None else tenacity.stop_after_attempt(retries + 1)
    if stops(state):
        return Stop(f"all {failed.attempts} attempts failed" if failed.attempts > 1 else "it is not tried again")
    backoff = tenacity.wait_exponential(multiplier=FIRST_S, max=LONGEST_SHARE * failed.deadline)(state)
    state.upcoming_sleep = max(failed.noise * backoff, failed.asked or 0.0)
    if tenacity.stop_before_delay(failed.deadline)(state):
        return Stop(f"there is no time for attempt {failed.attempts + 1}")
    return Pause(state.upcoming_sleep)
