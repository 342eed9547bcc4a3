"""The scan in front of the sandbox: a filter and a teacher, never the wall. docs/gate.md lists its rules."""

from poet_engine.gate.gate import Gate
from poet_engine.gate.policy_scan import annotate, policy_scan
from poet_engine.gate.report import GateStatistics, ScanReport

__all__ = ["Gate", "GateStatistics", "ScanReport", "annotate", "policy_scan"]
