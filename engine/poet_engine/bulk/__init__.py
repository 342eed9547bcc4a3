"""Bulk runs: jobs in, outcomes out, with a bounded number in flight."""

from poet_engine.bulk.mapping import outcomes
from poet_engine.bulk.threads import Threads

__all__ = ["Threads", "outcomes"]
