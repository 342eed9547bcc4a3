"""The process sandbox; docs/sandbox.md explains its zygote, lanes and payloads."""

from poet_engine.sandbox.process.sandbox import ProcessSandbox

__all__ = ["ProcessSandbox"]
