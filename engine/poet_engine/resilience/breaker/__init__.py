"""The circuit breaker, with resilience4j's names and meaning (docs/resilience.md)."""

from poet_engine.resilience.breaker.breaker import Breaker
from poet_engine.resilience.breaker.model import (
    BreakerCounts,
    BreakerStatistics,
    Permit,
    Refused,
    Snapshot,
    State,
    Transition,
)
from poet_engine.resilience.breaker.registry import BackendKey, BreakerRegistry, VersionKey
from poet_engine.resilience.breaker.settings import BreakerSettings

__all__ = [
    "BackendKey",
    "Breaker",
    "BreakerCounts",
    "BreakerRegistry",
    "BreakerSettings",
    "BreakerStatistics",
    "Permit",
    "Refused",
    "Snapshot",
    "State",
    "Transition",
    "VersionKey",
]
