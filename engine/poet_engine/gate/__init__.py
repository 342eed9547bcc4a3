"""Static scan of source before it reaches the sandbox; not a security boundary. docs/gate.md lists the rules.

The worker that scans is started for each engine and needs nothing of the host's side, so each public name is loaded at
its first use.
"""

from poet_engine._lazy import loader

TYPE_CHECKING = False  # as in poet_engine: loading `typing` costs more than the rest
if TYPE_CHECKING:
    from poet_engine.gate.gate import Gate as Gate
    from poet_engine.gate.report import GateStatistics as GateStatistics
    from poet_engine.gate.report import ScanReport as ScanReport

__all__ = ["Gate", "GateStatistics", "ScanReport"]

__getattr__ = loader(
    __name__,
    {
        "Gate": "poet_engine.gate.gate",
        "GateStatistics": "poet_engine.gate.report",
        "ScanReport": "poet_engine.gate.report",
    },
)
