"""Outcomes, scans and walls, as JSON documents and as text."""

import dataclasses
import importlib.metadata
import json
from collections.abc import Sequence

from poet_engine.cli.console import Screen
from poet_engine.cli.to_json import to_json
from poet_engine.gate.sarif import sarif
from poet_engine.outcome import Effect, ErrorInfo, Evidence, Finding, Outcome, Status, Usage
from poet_engine.policy.waivers import Waiver
from poet_engine.sandbox.base import Diagnosis, Means

_FINE, _FAILED, _OURS = 0, 1, 2
_WIDEST = 100  # characters


@dataclasses.dataclass(frozen=True, slots=True)
class ScannedFile:
    """What the gate said about one file.

    Attributes:
        path: The file as the user named it.
        digest: The SHA-256 of the scanned text, in hexadecimal.
        mode: What the policy does about findings.
        cause: Why the gate turns the file down; None when it does not.
        findings: Everything it noticed, in the order of the file.
    """

    path: str
    digest: str
    mode: str
    cause: str | None
    findings: tuple[Finding, ...]


def exit_code(outcome: Outcome) -> int:
    """0 for a value, 2 when the fault was ours, 1 for everything that the code or its caller did."""
    if outcome.ok:
        return _FINE
    return _OURS if outcome.status is Status.INFRA else _FAILED


def outcome_document(outcome: Outcome) -> dict[str, object]:
    """An outcome as one JSON object; the value is in the forms of docs/command-line.md."""
    return {
        "id": outcome.execution_id or None,
        "status": str(outcome.status),
        "cause": outcome.cause,
        "value": to_json(outcome.value),
        "error": _fields(outcome.error),
        "blame": None if outcome.blame is None else str(outcome.blame),
        "evidence": _fields(outcome.evidence),
        "limits_hit": list(outcome.limits_hit),
        "usage": _fields(outcome.usage),
        "findings": [_fields(finding) for finding in outcome.findings],
        "stdout": outcome.stdout,
        "stderr": outcome.stderr,
        "stdout_truncated": outcome.stdout_truncated,
        "stderr_truncated": outcome.stderr_truncated,
        "exit_code": outcome.exit_code,
        "signal": outcome.signal,
        "sandbox": outcome.sandbox or None,
        "leftovers": outcome.leftovers,
        "files": to_json(outcome.files),
        "files_skipped": to_json(outcome.files_skipped),
    }


def scan_document(files: Sequence[ScannedFile], expired: Sequence[Waiver] = ()) -> dict[str, object]:
    """A scan as one JSON object, with the waivers of the policy whose day is over."""
    return {
        "rejected": sum(file.cause is not None for file in files),
        "expired_waivers": [waiver.plain() for waiver in expired],
        "files": [
            {
                "path": file.path,
                "digest": file.digest,
                "mode": file.mode,
                "cause": file.cause,
                "findings": [_fields(finding) for finding in file.findings],
            }
            for file in files
        ],
    }


def sarif_document(files: Sequence[ScannedFile]) -> dict[str, object]:
    """A scan as code hosts and editors read it."""
    return sarif(((file.path, file.findings) for file in files), version=importlib.metadata.version("poet-engine"))


def diagnosis_document(found: Diagnosis) -> dict[str, object]:
    """What the doctor found, as one JSON object."""
    return {
        "sandbox": found.sandbox,
        "grade": str(found.grade),
        "all_held": all(wall.held for wall in found.walls),
        "walls": [dataclasses.asdict(wall) for wall in found.walls],
        "means": None if found.means is None else dataclasses.asdict(found.means),
        "remedies": list(found.remedies),
        "remarks": list(found.remarks),
    }


def print_outcome(screen: Screen, outcome: Outcome) -> None:
    """Print what came of a run: the value or what went wrong, then output, then usage."""
    screen.document(outcome_document(outcome))
    print_result(screen, outcome)
    screen.line()
    sandbox = [f"sandbox {outcome.sandbox}"] if outcome.sandbox else []
    screen.line(", ".join([verdict(outcome), *usage_phrases(outcome.usage), *sandbox]), style="dim")


def print_result(screen: Screen, outcome: Outcome) -> None:
    """Print the value or what went wrong, findings, and output."""
    if outcome.ok:
        screen.line(value_text(outcome.value))
    else:
        _print_failure(screen, outcome)
    _print_findings(screen, outcome.findings)
    _print_stream(screen, "stdout", outcome.stdout, cut=outcome.stdout_truncated)
    _print_stream(screen, "stderr", outcome.stderr, cut=outcome.stderr_truncated)


def verdict(outcome: Outcome) -> str:
    """Status and cause."""
    return str(outcome.status) if outcome.cause is None else f"{outcome.status}/{outcome.cause}"


def print_scan(
    screen: Screen, files: Sequence[ScannedFile], expired: Sequence[Waiver] = (), *, as_sarif: bool = False
) -> None:
    """Print findings as `path:line:column: rule severity: message` and their line, then one line for each file."""
    screen.document(sarif_document(files) if as_sarif else scan_document(files, expired))
    for file in files:
        for finding in file.findings:
            where = f"{file.path}:{finding.line}:{finding.column + 1}"
            screen.line(f"{where}: {finding.rule} {finding.severity}: {finding.message}{_effect(finding)}")
            if finding.snippet:
                screen.line(f"    {finding.snippet}", style="dim")
        screen.line(f"{file.path}: {'clean' if file.cause is None else f'rejected ({file.cause})'}", style="bold")
    for waiver in expired:
        screen.line(
            f"the waiver of {waiver.owner} for {waiver.rule} in {waiver.scope} expired on {waiver.expires}; "
            "mend what it covers and remove it, or have it renewed"
        )


def print_diagnosis(screen: Screen, found: Diagnosis) -> None:
    """Print which walls held, what was tried at each, what to change where one did not, and the grade."""
    screen.document(diagnosis_document(found))
    screen.line(f"sandbox: {found.sandbox}, grade: {found.grade}", style="bold")
    walls = found.walls
    columns = ("wall", "held", "tried", "stopped by")
    screen.table(columns, [(wall.wall, "yes" if wall.held else "NO", wall.tried, wall.stopped_by) for wall in walls])
    if found.means is not None:
        screen.line(_means_text(found.means))
    for sentence in (*found.remedies, *found.remarks):
        screen.line(sentence)


def _means_text(means: Means) -> str:
    uid = "the code runs as a user of its own" if means.own_uid else "the code runs as the user who called"
    landlock = f"Landlock ABI {means.landlock}" if means.landlock else "no Landlock"
    built = "inside user namespaces" if means.user_namespace else "by root"
    return f"memory and tasks are bounded by {means.counted_by}; {uid}; {landlock}; walls built {built}"


def usage_phrases(usage: Usage) -> list[str]:
    """What a run used, as people read it; what nothing counted is left out."""
    phrases = [f"{usage.wall_ms:.1f} ms wall", f"{usage.cpu_ms:.1f} ms cpu"]
    if usage.memory_peak_bytes is not None:
        phrases.append(f"{usage.memory_peak_bytes / 2**20:.1f} MiB peak")
    if usage.tasks_peak is not None:
        phrases.append(f"{usage.tasks_peak} tasks")
    return phrases


def value_text(value: object) -> str:
    """A value on one line where it fits, else one line for each of its parts."""
    form = to_json(value)
    text = json.dumps(form, ensure_ascii=False)
    return text if len(text) <= _WIDEST else json.dumps(form, indent=2, ensure_ascii=False)


def _print_failure(screen: Screen, outcome: Outcome) -> None:
    screen.line(outcome.describe(), style="red")
    if outcome.blame is not None:
        screen.line(f"blame: {outcome.blame}")
    if outcome.evidence is not None:
        screen.line(f"evidence: {outcome.evidence}, from the {outcome.evidence.source}")
    if outcome.limits_hit:
        screen.line(f"limits hit: {', '.join(outcome.limits_hit)}")
    if outcome.error is not None and outcome.error.traceback:
        screen.line(outcome.error.traceback.rstrip("\n"))


def _print_findings(screen: Screen, findings: Sequence[Finding]) -> None:
    for finding in findings:
        where = f"line {finding.line}: " if finding.line else ""
        screen.line(f"{where}{finding.rule} {finding.severity}: {finding.message}{_effect(finding)}")


def _effect(finding: Finding) -> str:
    """What becomes of a finding that does not reject, and why; nothing where it does and there is nothing to add."""
    said = [str(finding.effect)] if finding.effect is not Effect.ENFORCE else []
    said += [finding.note] if finding.note else []
    return f" [{': '.join(said)}]" if said else ""


def _print_stream(screen: Screen, name: str, text: str, *, cut: bool) -> None:
    if text or cut:
        screen.heading(f"{name}{' (cut)' if cut else ''}:")
        screen.line(text.rstrip("\n"))


def _fields(value: Finding | ErrorInfo | Evidence | Usage | None) -> object:
    # Not `asdict`, which copies: of these, every field is text or a number, and bulk runs write one for each job.
    return None if value is None else to_json({name: getattr(value, name) for name in value.__dataclass_fields__})
