"""Exporter of metrics and spans to OpenTelemetry, the only module that imports it. Needs the extra `otel`."""

from collections.abc import Callable, Iterable, Iterator
from typing import cast

from opentelemetry import context as contexts
from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

from poet_engine.events import BreakerPayload, ExecutionPayload
from poet_engine.metrics.exporter import named
from poet_engine.metrics.gauges import Gauges, Host

__all__ = ["MeterProvider", "OtelSink", "TracerProvider"]

_SCOPE = "poet_engine"
_NS = 1_000_000_000


class OtelSink:
    """Export a span and measurements for each call, and gauges that are read at each collection.

    Args:
        host: Reads the gauges.
        version: The version of this distribution.
        meters: The provider of its meter; the global one by default.
        tracers: The provider of its tracer; the global one by default.
    """

    def __init__(
        self,
        host: Host,
        version: str,
        meters: MeterProvider | None = None,
        tracers: TracerProvider | None = None,
    ) -> None:
        meter = (metrics.get_meter_provider() if meters is None else meters).get_meter(_SCOPE, version)
        self._tracer = (trace.get_tracer_provider() if tracers is None else tracers).get_tracer(_SCOPE, version)
        self._host, self._closed = host, False
        self._duration = meter.create_histogram("poet.call.duration", "s", "Whole calls.")
        self._cpu = meter.create_histogram("poet.call.cpu_time", "s", "Processor time of last attempts.")
        self._memory = meter.create_histogram("poet.call.memory", "By", "Peak growth of last attempts.")
        self._wait = meter.create_histogram("poet.call.queue_wait", "s", "Waits for a place.")
        self._attempts = meter.create_counter("poet.attempts", "{attempt}", "Attempts.")
        self._transitions = meter.create_counter("poet.breaker.transitions", "{transition}", "Transitions of breakers.")
        for name, unit, value in _GAUGES:
            meter.create_observable_gauge(name, [self._observer(value)], unit)

    def __repr__(self) -> str:
        return f"<OtelSink closed={self._closed}>"

    def context(self) -> object:
        """Return the caller's context, whose span is the parent of the call's."""
        return contexts.get_current()

    def call(self, payload: ExecutionPayload, context: object) -> None:
        """Export a call: see `EventExporter.call`."""
        function, version = named(payload)
        whose = {"code.function.name": function, "poet.version": version}
        attributed = {
            **whose,
            "poet.outcome": payload.outcome or payload.status,
            "poet.served_by": str(payload.served_by),
        }
        self._duration.record(payload.metrics.duration_ms / 1e3, attributed)
        self._attempts.add(payload.attempts or 0, whose)
        if payload.queue_wait_ms is not None:
            self._wait.record(payload.queue_wait_ms / 1e3, whose)
        if payload.usage is not None and payload.usage.cpu_ms is not None:
            self._cpu.record(payload.usage.cpu_ms / 1e3, whose)
        if payload.usage is not None and payload.usage.memory_bytes is not None:
            self._memory.record(payload.usage.memory_bytes, whose)
        self._trace(payload, attributed, cast("contexts.Context | None", context))

    def transition(self, payload: BreakerPayload) -> None:
        """Count a transition: see `EventExporter.transition`."""
        attributes = {
            "code.function.name": payload.function_name,
            "poet.version": payload.version or "",
            "poet.sandbox": payload.sandbox,
            "poet.breaker.state": payload.new_state,
        }
        self._transitions.add(1, attributes)

    def close(self) -> None:
        """Stop the gauges from reporting; OpenTelemetry has no way to remove them."""
        self._closed = True

    def _trace(self, payload: ExecutionPayload, attributed: dict[str, str], parent: "contexts.Context | None") -> None:
        attributes: dict[str, str | int] = {
            **attributed,
            "poet.execution_id": payload.execution_id,
            "poet.attempts": payload.attempts or 0,
        }
        if payload.cause is not None:
            attributes["poet.cause"] = payload.cause
        if payload.error is not None:
            attributes["error.type"] = payload.error.type
        began = int(payload.start_time * _NS)
        span = self._tracer.start_span(
            f"poet {attributed['code.function.name']}", context=parent, attributes=attributes, start_time=began
        )
        if payload.status == "failure":
            span.set_status(trace.StatusCode.ERROR)
        span.end(max(began, int(payload.end_time * _NS)))

    def _observer(
        self, value: Callable[[Gauges], float | None]
    ) -> Callable[[metrics.CallbackOptions], Iterable[metrics.Observation]]:
        def observe(_options: metrics.CallbackOptions) -> Iterator[metrics.Observation]:
            found = None if self._closed else value(self._host.read())
            if found is not None:
                yield metrics.Observation(found)

        return observe


_GAUGES: tuple[tuple[str, str, Callable[[Gauges], float | None]], ...] = (
    ("poet.machine.memory", "By", lambda found: found.memory_total_bytes),
    ("poet.machine.memory.available", "By", lambda found: found.memory_available_bytes),
    ("poet.machine.cpu.utilization", "1", lambda found: None if found.cpu_percent is None else found.cpu_percent / 100),
    ("poet.process.memory", "By", lambda found: found.process_memory_bytes),
    ("poet.lanes", "{lane}", lambda found: found.lanes.lanes),
    ("poet.lanes.busy", "{lane}", lambda found: found.lanes.busy),
    ("poet.lanes.waiting_calls", "{call}", lambda found: found.lanes.waiting),
)
