"""A scan as the policy sees it: its modes, the levels that it also asks for, and its waivers."""

import dataclasses
from collections.abc import Iterable

from poet_engine.gate.gate import Gate
from poet_engine.gate.report import ScanReport
from poet_engine.outcome import Effect, Outcome
from poet_engine.policy import Policy, enforcement, waivers


def policy_scan(
    gate: Gate, source: str, policy: Policy, *, names: Iterable[str] = (), file: str | None = None, now: float
) -> ScanReport:
    """What the gate says of a source, and what the policy makes of it.

    Args:
        gate: Scans; what it knows is answered from memory, waivers and their days are looked at each time.
        source: The whole text.
        policy: Whose rules, modes and waivers hold.
        names: What the waivers may call the source: the function.
        file: The file that it was read from, however its path is spelled; None where there is none.
        now: Seconds since the epoch.

    Raises:
        ClosedError: The gate was closed.
        InfraError: The scan worker cannot be started.
    """
    report = gate.scan(source, policy)
    levels = [
        (level, gate.scan(source, policy.at(level)).findings) for level in policy.levels if level.section == "static"
    ]
    if not report.findings and not levels:
        return report  # nearly always
    files = waivers.places(file) if file is not None and policy.waivers else ()
    subject = enforcement.Subject(report.digest, tuple(names), now, files)
    judgement = enforcement.enforce(report.findings, report.cause, policy, subject, levels)
    return dataclasses.replace(report, findings=judgement.told, audited=judgement.audited, cause=judgement.cause)


def annotate(outcome: Outcome, report: ScanReport, policy: Policy) -> Outcome:
    """The outcome with what the policy has to tell or to record: about the source, and about what the run used."""
    over = enforcement.over(outcome.usage, policy.levels)
    if not over and not report.findings and not report.audited:
        return outcome  # nearly always
    told = tuple(finding for finding in over if finding.effect is not Effect.AUDIT)
    audited = tuple(finding for finding in over if finding.effect is Effect.AUDIT)
    return dataclasses.replace(outcome, findings=(*report.findings, *told), audited=(*report.audited, *audited))
