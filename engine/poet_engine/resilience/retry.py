"""When to try again: a pure decision from the number of attempts, the time that is left, and one random number.

The pause is that of tenacity's `wait_random_exponential`, and a test holds it to that. tenacity itself is not used:
it has one loop for plain functions and another for coroutines, both read the clock and draw the jitter themselves, and
neither knows a deadline that was set before the first attempt, a place in a bulkhead, or a budget.
"""

import dataclasses

# The first pause is at most 50 ms, and each next one twice as long, up to a twentieth of the deadline: whatever it is,
# there is time for some forty attempts that fail at once: what works three times in ten is all but sure to answer.
FIRST_S, LONGEST_SHARE = 0.05, 0.05
_MOST_DOUBLINGS = 64  # beyond any deadline; a float ends at 1,024


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
    """The state of a call after an attempt that failed and may go well another time.

    Attributes:
        attempts: How many there were, this one included.
        took: Seconds since the call began.
        deadline: Seconds that it may take in all.
        asked: Seconds that the failure itself asks to wait, if it does.
        random: A random number, 0 <= n < 1.
    """

    attempts: int
    took: float
    deadline: float
    asked: float | None = None
    random: float = 0.0


def after(failed: Failed, *, retries: int | None) -> Pause | Stop:
    """Whether to try again, and when.

    Full jitter: the pause is a random part of what exponential backoff would wait, so that callers who failed together
    do not come back together. What the failure asks for is waited at the least.

    Args:
        failed: Where the call stands.
        retries: Attempts after the first one; None for as many as there is time for.
    """
    if retries is not None and failed.attempts > retries:
        return Stop(f"all {failed.attempts} attempts failed" if failed.attempts > 1 else "it is not tried again")
    pause = max(failed.random * backoff(failed.attempts, failed.deadline), failed.asked or 0.0)
    if failed.took + pause >= failed.deadline:
        return Stop(f"there is no time for attempt {failed.attempts + 1}")
    return Pause(pause)


def backoff(attempts: int, deadline: float) -> float:
    """Seconds that exponential backoff waits at the most after so many attempts.

    Args:
        attempts: How many have failed.
        deadline: Seconds that the call may take in all.
    """
    longest = LONGEST_SHARE * deadline
    doublings = min(attempts - 1, _MOST_DOUBLINGS)
    return min(FIRST_S * 2.0**doublings, longest)
