"""How many retries there may be: a share of the calls, so that retries cannot multiply an outage."""

import dataclasses
from collections.abc import Callable

from poet_engine._fork import ForkedLock

# A fifth of the calls, and ten a second beside that: a function that is called seldom could not save up for a retry.
SHARE, PER_SECOND, MOST = 0.2, 10.0, 100.0


@dataclasses.dataclass(frozen=True, slots=True)
class Balance:
    """The retries that may be spent, at a moment of a monotonic clock."""

    tokens: float
    at: float

    def grown(self, now: float, *, calls: int = 0) -> "Balance":
        """The balance now, when there were so many more calls."""
        passed = max(0.0, now - self.at)
        return Balance(min(MOST, self.tokens + passed * PER_SECOND + calls * SHARE), max(now, self.at))


class RetryBudget:
    """A bucket of tokens: calls and time fill it, each retry takes one. Thread-safe.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, ForkedLock()
        self._balance = Balance(MOST, clock())
        self._calls = 0  # since the balance was last looked at: counting a call reads no clock

    def __repr__(self) -> str:
        return f"<RetryBudget tokens={self._balance.tokens:.1f}>"

    def count_call(self) -> None:
        """A call has come: it pays for a fifth of a retry."""
        with self._lock:
            self._calls += 1

    def spend(self) -> bool:
        """Take a token for a retry; False when there is none."""
        now = self._clock()
        with self._lock:
            balance, self._calls = self._balance.grown(now, calls=self._calls), 0
            enough = balance.tokens >= 1
            self._balance = dataclasses.replace(balance, tokens=balance.tokens - enough)
            return enough
