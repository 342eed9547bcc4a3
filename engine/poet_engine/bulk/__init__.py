"""Many calls at once: jobs in, outcomes out, a bounded number of them in flight."""

from poet_engine.bulk.mapping import outcomes
from poet_engine.bulk.threads import Threads

__all__ = ["Threads", "outcomes"]
