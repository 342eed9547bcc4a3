"""Exporter of metrics to Prometheus; docs/metrics.md lists the names. Needs the extra `prometheus`."""

from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from poet_engine.events import BreakerPayload, ExecutionPayload
from poet_engine.metrics.exporter import named
from poet_engine.metrics.gauges import Host

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BYTES = tuple(float(2**power) for power in range(20, 33))  # 1 MiB to 4 GiB
_WHOSE = ("function", "version")


class PrometheusSink:
    """Export counters and histograms of calls, and gauges that are read at each scrape.

    Args:
        host: Reads the gauges.
        registry: The registry of the metrics; Prometheus's own by default.
    """

    def __init__(self, host: Host, registry: CollectorRegistry | None = None) -> None:
        self._registry = REGISTRY if registry is None else registry
        self._calls = Counter("poet_calls", "Calls.", (*_WHOSE, "outcome", "served_by"), registry=None)
        self._attempts = Counter("poet_attempts", "Attempts.", _WHOSE, registry=None)
        self._duration = _histogram("poet_call_duration_seconds", "Whole calls.", _SECONDS)
        self._cpu = _histogram("poet_call_cpu_seconds", "Processor time of last attempts.", _SECONDS)
        self._memory = _histogram("poet_call_memory_bytes", "Peak growth of last attempts.", _BYTES)
        self._wait = _histogram("poet_call_queue_wait_seconds", "Waits for a place.", _SECONDS)
        self._transitions = Counter(
            "poet_breaker_transitions", "Transitions of breakers.", (*_WHOSE, "sandbox", "state"), registry=None
        )
        self._collectors: tuple[Collector, ...] = (
            self._calls,
            self._attempts,
            self._duration,
            self._cpu,
            self._memory,
            self._wait,
            self._transitions,
            _PrometheusGauges(host),
        )
        for collector in self._collectors:
            self._registry.register(collector)

    def __repr__(self) -> str:
        return f"<PrometheusSink collectors={len(self._collectors)}>"

    def context(self) -> object:
        """Return None: metrics need no context."""

    def call(self, payload: ExecutionPayload, context: object) -> None:
        """Export a call: see `EventExporter.call`."""
        del context
        whose = named(payload)
        self._calls.labels(*whose, payload.outcome or payload.status, payload.served_by or "none").inc()
        self._attempts.labels(*whose).inc(payload.attempts or 0)
        self._duration.labels(*whose).observe(payload.metrics.duration_ms / 1e3)
        if payload.queue_wait_ms is not None:
            self._wait.labels(*whose).observe(payload.queue_wait_ms / 1e3)
        if payload.usage is not None and payload.usage.cpu_ms is not None:
            self._cpu.labels(*whose).observe(payload.usage.cpu_ms / 1e3)
        if payload.usage is not None and payload.usage.memory_bytes is not None:
            self._memory.labels(*whose).observe(payload.usage.memory_bytes)

    def transition(self, payload: BreakerPayload) -> None:
        """Count a transition: see `EventExporter.transition`."""
        self._transitions.labels(payload.function_name, payload.version or "", payload.sandbox, payload.new_state).inc()

    def close(self) -> None:
        """Remove all metrics from the registry."""
        for collector in self._collectors:
            self._registry.unregister(collector)


class _PrometheusGauges(Collector):
    def __init__(self, host: Host) -> None:
        self._host = host

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield the names without values, so that registering reads nothing."""
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(name, text)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read all gauges."""
        found = self._host.read()
        values = {
            "poet_machine_memory_bytes": found.memory_total_bytes,
            "poet_machine_memory_available_bytes": found.memory_available_bytes,
            "poet_machine_cpu_ratio": None if found.cpu_percent is None else found.cpu_percent / 100,
            "poet_process_memory_bytes": found.process_memory_bytes,
            "poet_lanes": found.lanes.lanes,
            "poet_lanes_busy": found.lanes.busy,
            "poet_lanes_waiting_calls": found.lanes.waiting,
        }
        for name, value in values.items():
            if value is not None:
                yield GaugeMetricFamily(name, _GAUGES[name], value=value)


_GAUGES = {
    "poet_machine_memory_bytes": "Memory of the machine.",
    "poet_machine_memory_available_bytes": "What programs could still get of it.",
    "poet_machine_cpu_ratio": "Processor time of all cores since the scrape before, 0 to 1.",
    "poet_process_memory_bytes": "Memory of this process, its sandboxes not included.",
    "poet_lanes": "Lanes of this process's sandboxes.",
    "poet_lanes_busy": "Those at work.",
    "poet_lanes_waiting_calls": "Calls that wait for a lane.",
}


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, text, _WHOSE, buckets=buckets, registry=None)
