"""Static scan of source before it reaches the sandbox; not a security boundary. docs/gate.md lists the rules."""

from poet_engine.gate.gate import Gate
from poet_engine.gate.policy_scan import annotate, policy_scan
from poet_engine.gate.report import GateStatistics, ScanReport

__all__ = ["Gate", "GateStatistics", "ScanReport", "annotate", "policy_scan"]
