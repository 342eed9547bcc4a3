"""What the last calls of each version were like: pure sums over their events."""

import dataclasses
import math
from collections.abc import Iterable, Sequence

from poet_engine.events import ExecutionPayload

# They say nothing about a version: the caller's input or going away, and faults of ours.
_NOT_JUDGED = frozenset(("refused", "cancelled", "infra"))


@dataclasses.dataclass(frozen=True, slots=True)
class Quantiles:
    """By nearest rank: each is a value that was measured, the smallest that so many are not above.

    Attributes:
        p50: Of half of them.
        p95: Of 95 in 100.
        p99: Of 99 in 100.
    """

    p50: float
    p95: float
    p99: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VersionMetrics:
    """The last calls that judged one version, or the original.

    Attributes:
        function: The function's name.
        module: What tells it from others of that name in its folder; None where that is not known.
        version: Such as `v1`, or `original`.
        calls: How many there are.
        judged: Those of them that say something about the version: neither refused, cancelled nor `infra`.
        success_rate: The share of the judged ones that went well, 0 to 1; None where none was judged.
        duration_ms: Of the whole call, all attempts, waits and fallbacks, in milliseconds.
        cpu_ms: Processor time of the last attempts; None where none was counted.
        memory_bytes: Peaks of them; None where none was counted.
        queue_wait_ms: Waits for a place; None where there is no queue.
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
    """Of the values that are not None; None where there is none."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    p50, p95, p99 = (ordered[math.ceil(share * len(ordered) / 100) - 1] for share in (50, 95, 99))
    return Quantiles(p50, p95, p99)


def by_version(calls: Iterable[ExecutionPayload], *, unnamed: str | None = None) -> tuple[VersionMetrics, ...]:
    """One summary for each function and version, in the order in which they are first met.

    Args:
        calls: Of any functions.
        unnamed: The module of those that name none; None where that is not known.
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
