"""Outcomes as JSON documents and as text."""

import json
from collections.abc import Sequence

from poet_engine.cli.console import Screen
from poet_engine.cli.to_json import to_json
from poet_engine.outcome import DeniedCall, Effect, ErrorInfo, Evidence, Finding, Outcome, Status, Usage

_FINE, _FAILED, _OURS = 0, 1, 2
_WIDEST = 100  # characters


def exit_code(outcome: Outcome) -> int:
    """Return 0 for a value, 2 when the fault was ours, 1 for everything that the code or its caller did."""
    if outcome.ok:
        return _FINE
    return _OURS if outcome.status is Status.INFRA else _FAILED


def outcome_document(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as one JSON object; the value is in the forms of docs/command-line.md."""
    return {
        "id": outcome.execution_id or None,
        "status": str(outcome.status),
        "cause": outcome.cause,
        "value": to_json(outcome.value),
        "value_text": outcome.value_text or None,
        "error": field_values(outcome.error),
        "blame": None if outcome.blame is None else str(outcome.blame),
        "evidence": field_values(outcome.evidence),
        "limits_hit": list(outcome.limits_hit),
        "denied": [field_values(each) for each in outcome.denied],
        "usage": field_values(outcome.usage),
        "findings": [field_values(finding) for finding in outcome.findings],
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


def print_outcome(
    screen: Screen, outcome: Outcome, event_id: str = "", *, whole_file: bool = False, shown: bool = False
) -> None:
    """Print what came of a run: the value or what went wrong, then output, then usage and where it was recorded.

    Args:
        screen: Where to print it.
        outcome: What came of it.
        event_id: The id of its event; empty where none was recorded.
        whole_file: Whether it was a script or a notebook, which need not have a value.
        shown: Whether its output was printed while it ran.
    """
    screen.document(outcome_document(outcome))
    print_result(screen, outcome, whole_file=whole_file, shown=shown)
    screen.line()
    sandbox = [f"sandbox {outcome.sandbox}"] if outcome.sandbox else []
    event = [f"event {event_id}"] if event_id else []
    screen.line(", ".join([verdict(outcome), *usage_phrases(outcome.usage), *sandbox, *event]), style="dim")


def print_result(screen: Screen, outcome: Outcome, *, whole_file: bool = False, shown: bool = False) -> None:
    """Print the value or what went wrong, findings, and output."""
    if outcome.ok and outcome.value_text:
        screen.line(outcome.value_text)
    elif outcome.ok and (outcome.value is not None or not whole_file):
        screen.line(value_text(outcome.value))
    elif not outcome.ok:
        _print_failure(screen, outcome)
    _print_findings(screen, outcome.findings)
    _print_stream(screen, "stdout", "" if shown else outcome.stdout, cut=outcome.stdout_truncated)
    _print_stream(screen, "stderr", "" if shown else outcome.stderr, cut=outcome.stderr_truncated)


def verdict(outcome: Outcome) -> str:
    """Return status and cause as one word, such as `limit/cpu`."""
    return str(outcome.status) if outcome.cause is None else f"{outcome.status}/{outcome.cause}"


def usage_phrases(usage: Usage) -> list[str]:
    """Return the amounts that a run used, as people read them, without those that nothing counted."""
    phrases = [f"{usage.wall_ms:.1f} ms wall", f"{usage.cpu_ms:.1f} ms cpu"]
    if usage.memory_peak_bytes is not None:
        phrases.append(f"{usage.memory_peak_bytes / 2**20:.1f} MiB peak")
    if usage.tasks_peak is not None:
        phrases.append(f"{usage.tasks_peak} tasks")
    return phrases


def value_text(value: object) -> str:
    """Return a value on one line where it fits, else on one line for each of its parts."""
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
    if outcome.denied:
        screen.line(f"denied: {', '.join(f'{each.call} ({each.count})' for each in outcome.denied)}")
    if outcome.error is not None and outcome.error.traceback:
        screen.line(outcome.error.traceback.rstrip("\n"))


def _print_findings(screen: Screen, findings: Sequence[Finding]) -> None:
    for finding in findings:
        where = f"line {finding.line}: " if finding.line else ""
        screen.line(f"{where}{finding.rule} {finding.severity}: {finding.message}{effect_text(finding)}")


def effect_text(finding: Finding) -> str:
    """Say in brackets what becomes of a finding that does not reject, and why; empty where there is nothing to add."""
    said = [str(finding.effect)] if finding.effect is not Effect.ENFORCE else []
    said += [finding.note] if finding.note else []
    return f" [{': '.join(said)}]" if said else ""


def _print_stream(screen: Screen, name: str, text: str, *, cut: bool) -> None:
    if text or cut:
        screen.heading(f"{name}{' (cut)' if cut else ''}:")
        if text:
            screen.line(text.rstrip("\n"))


def field_values(value: Finding | ErrorInfo | Evidence | Usage | DeniedCall | None) -> object:
    """Return the fields of a part of an outcome as one JSON object; None where there is none."""
    # Not `asdict`, which copies: of these, every field is text or a number, and bulk runs write one for each job.
    return None if value is None else to_json({name: getattr(value, name) for name in value.__dataclass_fields__})
