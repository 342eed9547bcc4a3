"""Bulk runs: jobs in, outcomes out, with a bounded number in flight."""

from poet_engine.bulk.event_loop import in_event_loop
from poet_engine.bulk.mapping import outcomes
from poet_engine.bulk.threads import Threads

__all__ = ["Threads", "in_event_loop", "outcomes"]
