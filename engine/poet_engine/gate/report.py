"""What a scan says."""

import dataclasses

from poet_engine.outcome import Finding
from poet_engine.policy import Mode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What the gate found in one source under one policy.

    Attributes:
        findings: Everything that speaks against the source and that the policy tells of, sorted by position.
        digest: SHA-256 (hex) of the UTF-8 source: what was scanned, and so what may be compiled.
        cause: The first reason to reject: `too_large`, `syntax`, `scan_ast` or `scan_bandit`; None when clean.
        mode: What the policy makes of it.
        duration_ms: How long the answer took; a cached one keeps the time of its scan.
        audited: What the policy has recorded only.
    """

    findings: tuple[Finding, ...]
    digest: str
    cause: str | None
    mode: Mode
    duration_ms: float
    audited: tuple[Finding, ...] = ()

    @property
    def rejected(self) -> bool:
        """Whether the source must not run: there is a reason, and the policy enforces it."""
        return self.cause is not None and self.mode is Mode.ENFORCE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GateStatistics:
    """Counts since the gate was made.

    Attributes:
        scans: Reports given.
        cached: Those of them that were known already.
        workers: Scan workers started.
        deaths: Workers that a source or somebody else ended, or that had to be ended.
    """

    scans: int
    cached: int
    workers: int
    deaths: int
