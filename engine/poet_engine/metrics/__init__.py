"""Metrics of calls and of the machine, and their export to Prometheus and OpenTelemetry."""
