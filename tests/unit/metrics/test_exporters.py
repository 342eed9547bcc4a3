"""Prometheus and OpenTelemetry, with the real libraries: what they hold after calls."""

import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from tests.unit.metrics.test_exporter import BREAKER, FACTORY
from tests.unit.metrics.test_rolling import call

from poet_engine import _wiring, export_statistics, export_to_otel, export_to_prometheus, gauges
from poet_engine.errors import UsageError
from poet_engine.events import Resources
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Outcome, Status
from poet_engine.resilience.call_report import CallReport

USED = Resources(cpu_ms=20.0, memory_bytes=3 << 20)


def put_calls() -> None:
    """A good call that waited, a failed one, and a breaker that opened."""
    _wiring.exports.put(FACTORY.execution(call(40.0, usage=USED, queue_wait_ms=5.0)))
    _wiring.exports.put(FACTORY.execution(call(60.0, outcome="limit")))
    _wiring.exports.put(FACTORY.breaker(BREAKER))
    assert _wiring.exports.flush()


def test_what_became_of_events_is_public() -> None:
    before = export_statistics()
    end = export_to_prometheus(CollectorRegistry())
    put_calls()
    end()
    after = export_statistics()
    assert (after.passed_on - before.passed_on, after.dropped, after.failures) == (3, before.dropped, before.failures)


def test_the_gauges_of_the_machine_are_public() -> None:
    found = gauges()
    assert found.memory_total_bytes >= found.memory_available_bytes > 0
    assert found.cores > 0


class TestPrometheus:
    def test_calls_are_counted_and_measured(self) -> None:
        registry = CollectorRegistry()
        end = export_to_prometheus(registry)
        put_calls()
        whose = {"function": "f", "version": "v1"}
        value = registry.get_sample_value
        assert value("poet_calls_total", {**whose, "outcome": "ok", "served_by": "none"}) == 1
        assert value("poet_calls_total", {**whose, "outcome": "limit", "served_by": "none"}) == 1
        assert value("poet_call_duration_seconds_count", whose) == 2
        assert value("poet_call_duration_seconds_sum", whose) == pytest.approx(0.1)
        assert value("poet_call_duration_seconds_bucket", {**whose, "le": "0.05"}) == 1
        assert value("poet_call_cpu_seconds_sum", whose) == pytest.approx(0.02)
        assert value("poet_call_memory_bytes_sum", whose) == 3 << 20
        assert value("poet_call_queue_wait_seconds_sum", whose) == pytest.approx(0.005)
        assert value("poet_breaker_transitions_total", {**whose, "sandbox": "process", "state": "open"}) == 1
        end()

    def test_gauges_are_read_at_each_scrape(self) -> None:
        registry = CollectorRegistry()
        end = export_to_prometheus(registry)
        total = registry.get_sample_value("poet_machine_memory_bytes")
        assert total is not None
        assert total > 0
        assert b"poet_lanes_busy" in generate_latest(registry)
        end()

    def test_the_end_leaves_nothing_in_the_registry(self) -> None:
        """So that it can begin again."""
        registry = CollectorRegistry()
        export_to_prometheus(registry)()
        assert generate_latest(registry) == b""
        export_to_prometheus(registry)()

    def test_the_same_registry_twice_is_wrong_use(self) -> None:
        registry = CollectorRegistry()
        end = export_to_prometheus(registry)
        with pytest.raises(UsageError, match="once"):
            export_to_prometheus(registry)
        end()


class TestOtel:
    def test_calls_are_measured(self) -> None:
        reader = InMemoryMetricReader()
        meters = MeterProvider([reader])
        end = export_to_otel(meters, TracerProvider())
        put_calls()
        found = _points(reader)
        [memory] = found["poet.call.memory"]
        assert isinstance(memory, HistogramDataPoint)
        assert memory.sum == 3 << 20
        durations = [one for one in found["poet.call.duration"] if isinstance(one, HistogramDataPoint)]
        assert sorted(one.sum for one in durations) == [pytest.approx(0.04), pytest.approx(0.06)]
        [transition] = found["poet.breaker.transitions"]
        assert isinstance(transition, NumberDataPoint)
        assert transition.value == 1
        assert "poet.machine.memory" in found
        end()
        assert "poet.machine.memory" not in _points(reader)
        meters.shutdown()

    def test_each_call_is_a_span_below_its_callers(self) -> None:
        """The span is made in another thread, after the call, with the call's times."""
        spans, meters = InMemorySpanExporter(), MeterProvider()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(spans))
        end = export_to_otel(meters, tracers)
        with tracers.get_tracer("a program").start_as_current_span("request") as request:
            put_calls()
        good, failed, _request = spans.get_finished_spans()
        assert good.parent is not None
        assert good.parent.span_id == request.get_span_context().span_id
        assert (good.name, good.start_time, good.end_time) == ("poet f", 1_000_000_000, 2_000_000_000)
        assert good.attributes is not None
        assert good.attributes["poet.outcome"] == "ok"
        assert (good.status.is_ok, failed.status.is_ok) == (True, False)
        end()
        meters.shutdown()
        tracers.shutdown()


def _points(reader: InMemoryMetricReader) -> dict[str, list[object]]:
    """Name → data points of one collection."""
    data = reader.get_metrics_data()
    scopes = [scope for one in data.resource_metrics for scope in one.scope_metrics] if data is not None else []
    return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


def test_what_is_recorded_is_exported(tmp_path: Path) -> None:
    """Also where the journal does not take it: the two fail apart."""
    registry = CollectorRegistry()
    end = export_to_prometheus(registry)
    with Journal.open(tmp_path / "journal.db") as journal:
        recorder = Recorder(journal, FACTORY, _wiring.exports.put)
        recorder.record(
            CallReport(
                function_name="f",
                version="v1",
                execution_id="e",
                start=1.0,
                end=2.0,
                outcome=Outcome(status=Status.OK),
                served_by="generated",
                attempts=1,
                policy=None,
            )
        )
    assert _wiring.exports.flush()
    labels = {"function": "f", "version": "v1", "outcome": "ok", "served_by": "generated"}
    assert registry.get_sample_value("poet_calls_total", labels) == 1
    end()


@pytest.mark.parametrize(
    ("export", "module", "sink", "extra"),
    [
        (export_to_prometheus, "prometheus_client", "prometheus", "prometheus"),
        (export_to_otel, "opentelemetry", "otel", "otel"),
    ],
)
def test_without_the_extra_the_error_names_it(
    export: "type[object]", module: str, sink: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"poet_engine.metrics.{sink}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError) as caught:
        export()
    assert f"pip install 'poet-engine[{extra}]'" in str(caught.value)


def test_only_one_module_knows_the_names_of_opentelemetry() -> None:
    package = Path(_wiring.__file__).parent
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "opentelemetry" in path.read_text(encoding="utf-8")
    }
    assert found == {str(Path("metrics", "otel.py"))}
