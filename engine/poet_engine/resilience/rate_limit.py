"""How many calls may begin in a time: the generic cell rate algorithm, one number of state and no timer."""

import dataclasses
from collections.abc import Callable

from poet_engine._fork import ForkedLock


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """So many calls in so many seconds; all of them may come at once after a rest.

    Attributes:
        calls: How many, at least 1.
        seconds: In how long, above 0.
    """

    calls: int
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.calls < 1 or not self.seconds > 0:
            raise ValueError(f"a rate is at least 1 call in more than 0 seconds, not {self.calls} in {self.seconds}")


def decide(rate: Rate, due: float, now: float) -> tuple[float, float]:
    """Admit a call or not (GCRA, ITU-T I.371, in its virtual scheduling form).

    Args:
        rate: What is allowed.
        due: When the last admitted call would have come if calls came evenly.
        now: Seconds on the same clock.

    Returns:
        The new `due`, and the seconds to wait: 0 when the call is admitted.
    """
    interval = rate.seconds / rate.calls
    expected = max(due, now)
    # How far calls may run ahead of their even pace; the margin is for sums that floats do not hit exactly.
    ahead = expected - now - (rate.seconds - interval)
    return (due, ahead) if ahead > 1e-9 * rate.seconds else (expected + interval, 0.0)


class RateLimit:
    """Admits calls at a rate. Thread-safe.

    Args:
        rate: What is allowed.
        clock: Monotonic seconds.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float]) -> None:
        self.rate = rate
        self._clock, self._lock = clock, ForkedLock()
        self._due = clock()

    def __repr__(self) -> str:
        return f"<RateLimit {self.rate.calls} in {self.rate.seconds:g} s>"

    def admit(self) -> float:
        """0 when the call may begin, and else the seconds after which another one may."""
        now = self._clock()
        with self._lock:
            self._due, wait = decide(self.rate, self._due, now)
            return wait
