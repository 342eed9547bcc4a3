"""The end of a run, whatever the sandbox: from a wait status and a verdict to the outcome."""

import os

from poet_engine.outcome import Outcome, Usage
from poet_engine.sandbox.verdict import Counts, Exit, Verdict, signal_name
from poet_engine.sandbox.watch import Output


def exit_of(status: int | None) -> Exit | None:
    """How a process ended, by its wait status; None when that is not known."""
    if status is None:
        return None
    if os.WIFSIGNALED(status):
        return Exit(signal=os.WTERMSIG(status))
    return Exit(code=os.WEXITSTATUS(status))


def outcome(
    verdict: Verdict,
    output: Output,
    counts: Counts,
    wall_ms: float,
    ended: Exit | None,
    *,
    sandbox: str,
    leftovers: int,
) -> Outcome:
    """What the caller gets.

    Args:
        verdict: What was decided.
        output: What was printed.
        counts: What was used.
        wall_ms: Milliseconds since release.
        ended: How the payload ended, as far as it is known.
        sandbox: Its name.
        leftovers: Processes that the payload left.
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
            memory_peak_bytes=counts.memory_peak,
            bytes_out=output.total,
        ),
        exit_code=ended.code if ended else None,
        signal=signal_name(ended.signal) if ended and ended.signal else None,
        sandbox=sandbox,
        leftovers=leftovers,
    )
