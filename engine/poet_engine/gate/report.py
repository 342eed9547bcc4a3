"""The report of a scan, and the gate's counters."""

import dataclasses

from poet_engine.outcome import Finding
from poet_engine.policy import Mode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """The findings of the gate in one source under one policy.

    Attributes:
        findings: The findings that the policy reports, sorted by position.
        digest: SHA-256 (hex) of the UTF-8 source: of the text that was scanned and may be compiled.
        cause: The first reason to reject: `too_large`, `syntax`, `scan_ast` or `scan_bandit`; None when clean.
        mode: The policy's mode, which decides whether a cause rejects.
        duration_ms: Milliseconds that the scan took; a cached report keeps them.
        audited: The findings that are only recorded.
        absent: The guarded imports that must raise when the source runs: path, and the part that is missing.
    """

    findings: tuple[Finding, ...]
    digest: str
    cause: str | None
    mode: Mode
    duration_ms: float
    audited: tuple[Finding, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()

    @property
    def rejected(self) -> bool:
        """Whether the source must not run: there is a cause, and the policy enforces it."""
        return self.cause is not None and self.mode is Mode.ENFORCE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GateStatistics:
    """Counters of a gate since it was created.

    Attributes:
        scans: Reports returned.
        cached: Reports that came from the cache.
        workers: Scan workers started.
        deaths: Workers that ended or were ended before they answered.
    """

    scans: int
    cached: int
    workers: int
    deaths: int
