"""Export of this process's metrics to Prometheus and OpenTelemetry, without delaying calls."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from poet_engine import _wiring
from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from poet_engine.metrics.otel import MeterProvider, TracerProvider


def export_to_prometheus(registry: "CollectorRegistry | None" = None) -> Callable[[], None]:
    """Count calls, breakers' transitions and the machine's gauges in a registry of prometheus-client.

    Serving it is up to the program: `prometheus_client.start_http_server(port)`, or the framework's own way.

    Args:
        registry: prometheus-client's default one by default.

    Returns:
        A function that ends the export and removes the metrics from the registry.

    Raises:
        UsageError: The extra `prometheus` is not installed, or the registry has these metrics already.
    """
    try:
        from poet_engine.metrics.prometheus import PrometheusSink  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise _missing("Prometheus", "prometheus", error) from error
    try:
        sink = PrometheusSink(_wiring.host, registry)
    except ValueError as error:
        raise UsageError(f"{error}; export to each registry once") from error
    return _wiring.exports.add(sink)


def export_to_otel(
    meters: "MeterProvider | None" = None, tracers: "TracerProvider | None" = None
) -> Callable[[], None]:
    """Measure calls, breakers' transitions and the machine with OpenTelemetry, and record a span for each call.

    A call's span belongs to the span in which the function was called.

    Args:
        meters: The provider of the meter; the global one by default.
        tracers: The provider of the tracer; the global one by default.

    Returns:
        A function that ends the export.

    Raises:
        UsageError: The extra `otel` is not installed.
    """
    try:
        from poet_engine.metrics.otel import OtelSink  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise _missing("OpenTelemetry", "otel", error) from error
    return _wiring.exports.add(OtelSink(_wiring.host, _wiring.Shared.poet_version, meters, tracers))


def _missing(whom: str, extra: str, error: ModuleNotFoundError) -> UsageError:
    return UsageError(
        f"there is no module {error.name!r}, which exporting to {whom} needs; run: pip install 'poet-engine[{extra}]'"
    )
