"""Quantiles and rates of calls, against what one counts by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.events import ExecutionMetrics, ExecutionPayload, Resources
from poet_engine.metrics.rolling import Quantiles, by_version, quantiles


def call(
    duration_ms: float = 1.0,
    *,
    version: str = "v1",
    outcome: str | None = "ok",
    usage: Resources | None = None,
    queue_wait_ms: float | None = None,
) -> ExecutionPayload:
    return ExecutionPayload(
        function_name="f",
        version=version,
        execution_id="e",
        start_time=1.0,
        end_time=2.0,
        status="success" if outcome in (None, "ok") else "failure",
        metrics=ExecutionMetrics(duration_ms=duration_ms, memory_mb=0.0, cpu_percent=0.0),
        outcome=outcome,
        usage=usage,
        queue_wait_ms=queue_wait_ms,
    )


def test_quantiles_are_values_that_were_measured() -> None:
    assert quantiles(range(100, 0, -1)) == Quantiles(50, 95, 99)
    assert quantiles([7.0]) == Quantiles(7.0, 7.0, 7.0)
    assert quantiles([None, 3.0]) == Quantiles(3.0, 3.0, 3.0)
    assert quantiles([None]) is None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_so_many_are_not_above(values: list[float]) -> None:
    found = quantiles(values)
    assert found is not None
    for share, value in ((50, found.p50), (95, found.p95), (99, found.p99)):
        assert value in values
        assert 100 * sum(one <= value for one in values) >= share * len(values)
        assert 100 * sum(one < value for one in values) < share * len(values)


def test_each_version_has_numbers_of_its_own() -> None:
    found = by_version([call(1.0), call(3.0, version="v2"), call(2.0, outcome="error"), call(version="original")])
    assert [(one.version, one.calls, one.success_rate) for one in found] == [
        ("v1", 2, 0.5),
        ("v2", 1, 1.0),
        ("original", 1, 1.0),
    ]
    assert found[0].duration_ms == Quantiles(1.0, 2.0, 2.0)


@pytest.mark.parametrize("outcome", ["refused", "cancelled", "infra"])
def test_what_the_version_is_not_to_blame_for_is_not_in_its_rate(outcome: str) -> None:
    [one] = by_version([call(), call(outcome=outcome)])
    assert (one.calls, one.judged, one.success_rate) == (2, 1, 1.0)
    [alone] = by_version([call(outcome=outcome)])
    assert alone.success_rate is None


def test_what_was_not_counted_is_left_out() -> None:
    used = Resources(cpu_ms=5.0)
    [one] = by_version([call(usage=used, queue_wait_ms=2.0), call()])
    assert (one.cpu_ms, one.memory_bytes, one.queue_wait_ms) == (
        Quantiles(5.0, 5.0, 5.0),
        None,
        Quantiles(2.0, 2.0, 2.0),
    )
