"""Summaries of the last calls of each version: pure sums over their events."""

import dataclasses
import math
from collections.abc import Iterable, Sequence

from poet_engine.events import ExecutionPayload

# Not the version's fault: the caller's input, the caller's cancellation, and faults of ours.
_NOT_JUDGED = frozenset(("refused", "cancelled", "infra"))


@dataclasses.dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles by nearest rank: each is the smallest measured value with at least its share at or below it.

    Attributes:
        p50: The value for 50 %.
        p95: The value for 95 %.
        p99: The value for 99 %.
    """

    p50: float
    p95: float
    p99: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VersionMetrics:
    """A summary of the last calls of one version, or of the original.

    Attributes:
        function: The function's name.
        module: The module's name, where several in a folder have such a function; None where it is unknown.
        version: Such as `v1`, or `original`.
        calls: The number of calls.
        judged: Calls that count for the version: neither refused, cancelled nor `infra`.
        success_rate: The share of successes in the judged calls, 0 to 1; None where none was judged.
        duration_ms: Milliseconds of the whole call, all attempts, waits and fallbacks.
        cpu_ms: Processor milliseconds of the last attempts; None where none was counted.
        memory_bytes: Peak bytes of the last attempts; None where none was counted.
        queue_wait_ms: Milliseconds that calls waited for a place; None where there is no queue.
    """

    function: str
    module: str | None
    version: str
    calls: int
    judged: int
    success_rate: float | None
    duration_ms: Quantiles
    cpu_ms: Quantiles | None
    memory_bytes: Quantiles | None
    queue_wait_ms: Quantiles | None


def quantiles(values: Iterable[float | None]) -> Quantiles | None:
    """Return the quantiles of the values that are not None; None where there is no value."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    p50, p95, p99 = (ordered[math.ceil(share * len(ordered) / 100) - 1] for share in (50, 95, 99))
    return Quantiles(p50, p95, p99)


def by_version(calls: Iterable[ExecutionPayload], *, unnamed: str | None = None) -> tuple[VersionMetrics, ...]:
    """Return a summary for each function and version, in the order of their first calls.

    Args:
        calls: Calls of any functions.
        unnamed: The module of calls that name none; None where it is unknown.
    """
    groups: dict[tuple[str, str | None, str], list[ExecutionPayload]] = {}
    for call in calls:
        groups.setdefault((call.function_name, call.module or unnamed, call.version), []).append(call)
    return tuple(_summary(*key, group) for key, group in groups.items())


def _summary(function: str, module: str | None, version: str, calls: Sequence[ExecutionPayload]) -> VersionMetrics:
    judged = [call for call in calls if call.outcome not in _NOT_JUDGED]
    durations = quantiles(call.metrics.duration_ms for call in calls)
    assert durations is not None  # noqa: S101 - a group has at least one call
    return VersionMetrics(
        function=function,
        module=module,
        version=version,
        calls=len(calls),
        judged=len(judged),
        success_rate=sum(call.status == "success" for call in judged) / len(judged) if judged else None,
        duration_ms=durations,
        cpu_ms=quantiles(call.usage.cpu_ms for call in calls if call.usage is not None),
        memory_bytes=quantiles(call.usage.memory_bytes for call in calls if call.usage is not None),
        queue_wait_ms=quantiles(call.queue_wait_ms for call in calls),
    )
