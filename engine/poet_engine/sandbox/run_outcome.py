"""Build the outcome of a run from its wait status and its verdict, whatever the sandbox."""

import dataclasses
import os
from collections.abc import Callable, Sequence

from poet_engine.guest.collected_files import CollectedFiles
from poet_engine.guest.notebook import MOST_TEXT
from poet_engine.guest.script import as_file
from poet_engine.job import Script
from poet_engine.outcome import DeniedCall, Outcome, Usage
from poet_engine.sandbox.monitor import Output
from poet_engine.sandbox.verdict import Exit, KernelCounts, Verdict, signal_name


def exit_of(status: int | None) -> Exit | None:
    """Return how a process ended, by its wait status; None when that is not known."""
    if status is None:
        return None
    if os.WIFSIGNALED(status):
        return Exit(signal=os.WTERMSIG(status))
    return Exit(code=os.WEXITSTATUS(status))


def outcome(
    verdict: Verdict,
    output: Output,
    counts: KernelCounts,
    wall_ms: float,
    ended: Exit | None,
    *,
    sandbox: str,
    leftovers: int,
    denied: tuple[DeniedCall, ...] = (),
) -> Outcome:
    """Return the outcome that the caller gets.

    Args:
        verdict: The verdict of the run.
        output: The output of the run.
        counts: The kernel's counts of the run.
        wall_ms: Milliseconds since release.
        ended: How the payload ended, as far as it is known.
        sandbox: The sandbox's name.
        leftovers: Processes that the payload left.
        denied: The calls of the kernel that were denied.
    """
    return Outcome(
        status=verdict.status,
        cause=verdict.cause,
        value=verdict.value,
        error=verdict.error,
        stdout=output.text(1),
        stderr=output.text(2),
        stdout_truncated=output.cut(1),
        stderr_truncated=output.cut(2),
        evidence=verdict.evidence,
        blame=verdict.blame,
        limits_hit=verdict.limits_hit,
        usage=Usage(
            wall_ms=wall_ms,
            cpu_ms=counts.cpu_ms,
            host_cpu_ms=counts.host_cpu_ms,
            memory_peak_bytes=counts.memory_peak,
            tasks_peak=counts.tasks_peak,
            bytes_out=output.total,
        ),
        exit_code=ended.code if ended else None,
        signal=signal_name(ended.signal) if ended and ended.signal else None,
        sandbox=sandbox,
        leftovers=leftovers,
        denied=denied,
    )


def with_files(
    outcome: Outcome,
    wanted: Sequence[str],
    harvest: Callable[[], CollectedFiles] | None,
    *,
    ended: bool,
    has_value: bool = False,
) -> Outcome:
    """Return the outcome of a script with the files that it was to leave, whatever its verdict.

    Args:
        outcome: The outcome of the run, without files.
        wanted: Names and patterns of the files.
        harvest: Collects them; None when the script never had a folder to write to.
        ended: Whether nothing that could still write to the folder is left.
        has_value: Whether it is a notebook; a script has no value.
    """
    value, text = _value_and_text(outcome.value) if has_value else (None, "")
    outcome = dataclasses.replace(outcome, value=value, value_text=text)
    if not wanted:
        return outcome
    if harvest is None or not ended:
        why = "the script never began" if harvest is None else "the end of the script was not confirmed"
        return dataclasses.replace(outcome, files_skipped=dict.fromkeys(wanted, why))
    found = harvest()
    return dataclasses.replace(outcome, files=found.files, files_skipped=found.skipped)


def _value_and_text(answer: object) -> tuple[object, str]:
    """Return the value of a notebook, or the text of one that could not travel; neither where it sent anything else."""
    match answer:
        case {"value": value}:
            return value, ""
        case {"text": str() as text}:
            return None, text[:MOST_TEXT]
        case _:
            return None, ""


def without_itself(outcome: Outcome, script: Script) -> Outcome:
    """Return the outcome without the script's own file, which its caller has: unless it was named, or has changed."""
    own = script.filename
    if script.cells or own in script.files_out or own in script.files_in:
        return outcome
    files, skipped = dict(outcome.files), dict(outcome.files_skipped)
    skipped.pop(own, None)
    if files.get(own) == as_file(script.source):
        del files[own]
    return dataclasses.replace(outcome, files=files, files_skipped=skipped)
