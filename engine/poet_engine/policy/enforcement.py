"""From what the gate found, and what a run used, to what a policy makes of it. Pure: the day is an argument."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from poet_engine import _units
from poet_engine.outcome import Effect, Finding, Severity, Usage
from poet_engine.policy.model import Effective, Level, Limits, Mode
from poet_engine.policy.rule_ids import UNWAIVABLE

# The gate reports at most so many. Where it may have left some out, waiving the others could let anything through.
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
    """What a policy makes of a source.

    Attributes:
        told: What the caller hears of, waived findings included.
        audited: What is only recorded.
        cause: The first reason that is left when the waivers are taken off; None when there is none.
    """

    told: tuple[Finding, ...]
    audited: tuple[Finding, ...]
    cause: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """The source in question.

    Attributes:
        digest: Its SHA-256, in hexadecimal.
        names: What waivers may call it: the function.
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
    """What the policy makes of what the gate found.

    Args:
        findings: What the gate found under the policy itself.
        cause: The gate's first reason to reject.
        policy: Whose modes and waivers hold.
        subject: What was scanned, and when.
        levels: What the gate found under the policies that `static.warn` and `static.audit` name.
    """
    effect = _EFFECTS[policy.static.mode]
    own = [_judged(finding, effect, policy, subject, len(findings)) for finding in findings]
    standing = [finding for finding in own if finding.effect is not Effect.WAIVED]
    more = _of_levels(levels, {_identity(finding) for finding in own})
    told = (*(finding for finding in own if finding.effect is not Effect.AUDIT), *more[Mode.WARN])
    audited = (*(finding for finding in own if finding.effect is Effect.AUDIT), *more[Mode.AUDIT])
    return Enforced(told, audited, _cause(standing, cause))


def over(usage: Usage, levels: Iterable[Level]) -> tuple[Finding, ...]:
    """What a run used beyond the limits of the policies that `limits.warn` and `limits.audit` name."""
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


def _judged(finding: Finding, effect: Effect, policy: Effective, subject: Subject, count: int) -> Finding:
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
    """What only the other policies find. A finding is told once, and not recorded again when it was told."""
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
    """The gate's reason, unless all that it rests on was waived."""
    if not standing or cause is None:
        return None
    if cause in _BEFORE_THE_RULES:
        return cause
    by_rule = any(finding.scanner == "ast" and finding.rule not in UNWAIVABLE for finding in standing)
    return "scan_ast" if by_rule else "scan_bandit"
