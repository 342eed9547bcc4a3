"""Numbers about calls and about the machine, and their way to Prometheus and OpenTelemetry."""
