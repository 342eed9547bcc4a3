"""Whether to call, how often, and who answers instead: one pipeline of small decisions (docs/resilience.md)."""
