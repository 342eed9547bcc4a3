"""Apply a policy to the gate's findings and to a run's usage. Pure: the time is an argument."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from poet_engine import _units
from poet_engine.outcome import Effect, Finding, Severity, Usage
from poet_engine.policy.model import Effective, Level, Limits, Mode
from poet_engine.policy.rule_ids import UNWAIVABLE

# The most findings that the gate reports. If it left some out, waiving the reported ones could let anything through.
MOST_FINDINGS = 200

_EFFECTS: Mapping[Mode, Effect] = {
    Mode.ENFORCE: Effect.ENFORCE,
    Mode.WARN: Effect.WARN,
    Mode.AUDIT: Effect.AUDIT,
}
_BEFORE_THE_RULES = frozenset({"too_large", "syntax"})
_MS = 1e3


@dataclasses.dataclass(frozen=True, slots=True)
class Enforced:
    """The findings of a source with the policy's effects.

    Attributes:
        told: The findings that the caller sees, waived ones included.
        audited: The findings that are only recorded.
        cause: The first reason to reject that no waiver covers; None when there is none.
    """

    told: tuple[Finding, ...]
    audited: tuple[Finding, ...]
    cause: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """The source that findings are about.

    Attributes:
        digest: Its SHA-256, in hexadecimal.
        names: Names by which waivers may refer to it: the function's.
        now: Seconds since the epoch.
        files: The whole paths, without links, of the file that it was read from.
    """

    digest: str
    names: tuple[str, ...]
    now: float
    files: tuple[str, ...] = ()


def enforce(
    findings: Sequence[Finding],
    cause: str | None,
    policy: Effective,
    subject: Subject,
    levels: Sequence[tuple[Level, Sequence[Finding]]] = (),
) -> Enforced:
    """Return the gate's findings with the policy's effects: enforced, warned, audited or waived.

    Args:
        findings: The findings under the policy itself.
        cause: The gate's first reason to reject.
        policy: The policy with the modes and waivers.
        subject: The scanned source, and the time.
        levels: The findings under the policies that `static.warn` and `static.audit` name.
    """
    effect = _EFFECTS[policy.static.mode]
    own = [_with_effect(finding, effect, policy, subject, len(findings)) for finding in findings]
    standing = [finding for finding in own if finding.effect is not Effect.WAIVED]
    more = _of_levels(levels, {_identity(finding) for finding in own})
    told = (*(finding for finding in own if finding.effect is not Effect.AUDIT), *more[Mode.WARN])
    audited = (*(finding for finding in own if finding.effect is Effect.AUDIT), *more[Mode.AUDIT])
    return Enforced(told, audited, _cause(standing, cause))


def over(usage: Usage, levels: Iterable[Level]) -> tuple[Finding, ...]:
    """Return a finding for each limit that a run exceeded in the policies of `limits.warn` and `limits.audit`."""
    return tuple(
        Finding(
            f"limits.{key}",
            Severity.LOW,
            f"{used} used, and the policy {level.name!r} gives {given}",
            scanner="limits",
            effect=_EFFECTS[level.mode],
            note=f"under {level.name!r}",
        )
        for level in levels
        if level.section == "limits"
        for key, used, given in _excess(usage, level.limits)
    )


def _excess(usage: Usage, limits: Limits) -> list[tuple[str, str, str]]:
    tasks = 1 + limits.processes + limits.threads
    rows = (
        ("wall", usage.wall_ms / _MS, limits.wall, _units.say_seconds),
        ("cpu", usage.cpu_ms / _MS, limits.cpu, _units.say_seconds),
        ("memory", usage.memory_peak_bytes or 0, limits.memory, _say_bytes),
        ("output", usage.bytes_out, limits.output, _say_bytes),
        # the peak of tasks has the run's own init in it
        ("threads", (usage.tasks_peak or 1) - 1, tasks, "{:g} tasks".format),
    )
    return [(key, say(used), say(given)) for key, used, given, say in rows if used > given]


def _say_bytes(value: float) -> str:
    return _units.say_size(int(value))


def waives(policy: Effective, rule: str, subject: Subject) -> bool:
    """Whether somebody answers for all findings of a rule in a source, for the time being."""
    return any(
        waiver.rule == rule
        and waiver.covers(subject.digest, subject.names, subject.files)
        and not waiver.expired(subject.now)
        for waiver in policy.waivers
    )


def _with_effect(finding: Finding, effect: Effect, policy: Effective, subject: Subject, count: int) -> Finding:
    if finding.rule in UNWAIVABLE or count >= MOST_FINDINGS:
        return dataclasses.replace(finding, effect=effect)
    note = ""
    for waiver in policy.waivers:
        if waiver.rule == finding.rule and waiver.covers(subject.digest, subject.names, subject.files):
            if not waiver.expired(subject.now):
                said = f"until {waiver.expires} by {waiver.owner}: {waiver.reason}"
                return dataclasses.replace(finding, effect=Effect.WAIVED, note=said)
            note = f"the waiver of {waiver.owner} expired on {waiver.expires}"
    return dataclasses.replace(finding, effect=effect, note=note)


def _of_levels(
    levels: Sequence[tuple[Level, Sequence[Finding]]], known: set[tuple[str, int, int]]
) -> dict[Mode, list[Finding]]:
    """Return the findings that only other policies have, by mode; each is in one mode only, warnings first."""
    found: dict[Mode, list[Finding]] = {mode: [] for mode in Mode}
    for mode in (Mode.WARN, Mode.AUDIT):
        for level, findings in levels:
            if level.mode is mode:
                fresh = [finding for finding in findings if _identity(finding) not in known]
                known |= {_identity(finding) for finding in fresh}
                found[mode] += [
                    dataclasses.replace(finding, effect=_EFFECTS[mode], note=f"under {level.name!r}")
                    for finding in fresh
                ]
    return found


def _identity(finding: Finding) -> tuple[str, int, int]:
    return finding.rule, finding.line, finding.column


def _cause(standing: Sequence[Finding], cause: str | None) -> str | None:
    """Return the gate's reason to reject, unless all findings behind it were waived."""
    if not standing or cause is None:
        return None
    if cause in _BEFORE_THE_RULES:
        return cause
    by_rule = any(finding.scanner == "ast" and finding.rule not in UNWAIVABLE for finding in standing)
    return "scan_ast" if by_rule else "scan_bandit"
