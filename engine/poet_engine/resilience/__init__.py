"""Whether to call, how often, and who answers instead (docs/resilience.md)."""
