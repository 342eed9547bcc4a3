"""How much is admitted where nobody says otherwise (docs/resilience.md tells how these numbers were chosen)."""

from poet_engine.resilience.bulkhead import Capacity
from poet_engine.resilience.rate_limit import Rate

# As many threads as the promise of 500 executions at once needs. The queue is long, because whoever is turned away is
# answered by the original in the caller's own process: waiting half a second for a sandbox is better than that.
EXECUTIONS = Capacity(running=500, waiting=10_000)
# Originals that answer instead: when a sandbox is down, they must not all at once take the machine as well.
FALLBACKS = Capacity(running=500, waiting=10_000)

GENERATION_RATE = Rate(100, 60.0)
GENERATIONS = Capacity(running=50, waiting=1_000)
