"""Scan a source and apply the policy to the findings: its modes, the levels of other policies, its waivers."""

import dataclasses
from collections.abc import Iterable

from poet_engine.gate.gate import Gate
from poet_engine.gate.report import ScanReport
from poet_engine.outcome import Effect, Outcome
from poet_engine.policy import Policy, enforcement, waivers

_IMPORT_RULES = ("POET110", "POET111")


def policy_scan(
    gate: Gate,
    source: str,
    policy: Policy,
    *,
    names: Iterable[str] = (),
    file: str | None = None,
    now: float,
    package: str = "",
) -> ScanReport:
    """Scan a source and return the report with the policy's effects applied.

    Args:
        gate: The gate; it caches its findings, while waivers and their dates are checked at each call.
        source: The whole text of the source.
        policy: The policy with the rules, modes and waivers.
        names: Names by which waivers may refer to the source: the function's.
        file: The path of the file that it was read from, in any spelling; None where there is none.
        now: Seconds since the epoch.
        package: The package that relative imports begin in.

    Raises:
        ClosedError: The gate was closed.
        InfraError: The scan worker cannot be started.
    """
    report = gate.scan(source, policy, package)
    levels = [
        (level, gate.scan(source, policy.at(level), package).findings)
        for level in policy.levels
        if level.section == "static"
    ]
    if not (report.findings or levels or (report.absent and policy.waivers)):
        return report  # nearly always
    files = waivers.places(file) if file is not None and policy.waivers else ()
    subject = enforcement.Subject(report.digest, tuple(names), now, files)
    if any(enforcement.waives(policy, rule, subject) for rule in _IMPORT_RULES):
        report = dataclasses.replace(report, absent=())  # somebody answers for its imports: it gets what is there
    judgement = enforcement.enforce(report.findings, report.cause, policy, subject, levels)
    return dataclasses.replace(report, findings=judgement.told, audited=judgement.audited, cause=judgement.cause)


def annotate(outcome: Outcome, report: ScanReport, policy: Policy) -> Outcome:
    """Return the outcome with the findings that the policy reports or audits, on the source and on the usage."""
    over = enforcement.over(outcome.usage, policy.levels)
    if not over and not report.findings and not report.audited:
        return outcome  # nearly always
    told = tuple(finding for finding in over if finding.effect is not Effect.AUDIT)
    audited = tuple(finding for finding in over if finding.effect is Effect.AUDIT)
    return dataclasses.replace(outcome, findings=(*report.findings, *told), audited=(*report.audited, *audited))
