"""How much is admitted, and the numbers where nobody says otherwise (docs/resilience.md tells how they were chosen)."""

import dataclasses
import time
from collections.abc import Callable

from poet_engine.resilience.bulkhead import Bulkhead, Capacity
from poet_engine.resilience.rate_limit import Rate, RateLimit

# As many threads as the promise of 500 executions at once needs. The queue is long, because whoever is turned away is
# answered by the original in the caller's own process: waiting a moment for a sandbox is better than that.
EXECUTIONS = Capacity(running=500, waiting=10_000)
# Originals that answer instead: when a sandbox is down, they must not all at once take the machine as well.
FALLBACKS = Capacity(running=500, waiting=10_000)
# Generations cost money and time; there is no default rate for executions, which cost the machine at hand.
GENERATIONS = Capacity(running=50, waiting=1_000)
GENERATION_RATE = Rate(100, 60.0)


@dataclasses.dataclass(frozen=True, slots=True)
class CallLimits:
    """The bulkhead and the rate limit of one thing that is called.

    Attributes:
        bulkhead: How many calls run at once.
        rate: How many begin in a time; None where that is not limited.
    """

    bulkhead: Bulkhead
    rate: RateLimit | None = None

    @classmethod
    def of(
        cls, capacity: Capacity, rate: Rate | None = None, clock: Callable[[], float] = time.monotonic
    ) -> "CallLimits":
        """Fresh ones, by a clock of monotonic seconds."""
        return cls(Bulkhead(capacity), None if rate is None else RateLimit(rate, clock))
