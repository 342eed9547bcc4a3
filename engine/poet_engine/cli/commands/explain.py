"""`poet explain`: the whole story of one call, as text or as one document."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from poet_engine._env import Settings
from poet_engine.cli import journals
from poet_engine.cli.console import Screen
from poet_engine.cli.options import JournalOption, JsonOption, examples, new_app
from poet_engine.errors import UsageError
from poet_engine.events import BreakerPayload, Event, ExecutionPayload, Resources
from poet_engine.journal import explain as stories
from poet_engine.journal.explain import Explanation

app = new_app()

_AMOUNTS = (
    ("wall", "wall_ms", " ms"),
    ("cpu", "cpu_ms", " ms"),
    ("memory", "memory_bytes", " bytes"),
    ("tasks", "tasks", ""),
    ("output", "output_bytes", " bytes"),
    ("network", "network_requests", " requests"),
)


@app.command(
    epilog=examples(
        "poet explain 0190a5f0-0000-7000-8000-000000000000",
        "poet explain 0190a5f0-0000-7000-8000-000000000000 --json",
    )
)
def explain(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION", help="The id of a call, or of its event.")],
    *,
    journal: JournalOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show everything that was recorded about one call.

    Gate, budgets, verdict, attempts, breakers, who answered, and where to look next.
    """
    screen, looked = Screen.standard(as_json=as_json), list[str]()
    for path, opened in journals.opened(screen, journals.find(journal, here=Path.cwd(), home=Settings.read().home)):
        found = stories.explain(opened, execution)
        if found is not None:
            screen.document(_document(found, path))
            _print(screen, found)
            return 0
        looked.append(str(path))
    raise UsageError(journals.unknown(execution, looked))


def _document(found: Explanation, path: Path) -> dict[str, object]:
    event: dict[str, object] = json.loads(found.event.to_json())
    return {
        "execution": event.pop("payload"),
        "event": event,
        "journal": str(path),
        "breakers": [_plain(one) for one in found.breakers],
        "feedback": [_plain(one) for one in found.feedback],
        "look_next": list(found.look_next),
    }


def _plain(event: Event) -> dict[str, object]:
    read: dict[str, object] = json.loads(event.to_json())
    return read


def _print(screen: Screen, found: Explanation) -> None:
    call = found.event.payload
    screen.line(f"{call.function_name}, call {call.execution_id}", style="bold")
    for name, text in _facts(call):
        screen.line(f"  {name:<9} {text}")
    if call.error is not None and call.error.stack_trace:
        screen.heading("traceback:")
        screen.line(call.error.stack_trace.rstrip("\n"))
    _print_budgets(screen, call)
    _print_steps(screen, found, call)
    if found.look_next:
        screen.heading("where to look next:")
        for sentence in found.look_next:
            screen.line(f"  {sentence}")


def _facts(call: ExecutionPayload) -> list[tuple[str, str]]:
    """Return the short parts of the story, each with its label, in the order in which people ask for them."""
    facts = [
        ("began", f"{_moment(call.start_time)}, took {call.metrics.duration_ms:.1f} ms{_deadline(call)}"),
        ("answered", _answered(call)),
        ("version", _version(call)),
        ("policy", f"{call.policy or 'not named'}, digest {call.policy_digest}" if call.policy_digest else "none"),
        ("gate", _gate(call)),
        ("verdict", _verdict(call)),
    ]
    if call.evidence is not None:
        facts.append(("evidence", call.evidence))
    if call.error is not None and call.error.type != f"{call.outcome}/{call.cause}":  # else it repeats the verdict
        facts.append(("error", f"{call.error.type}: {call.error.message}"))
    if call.limits_hit:
        facts.append(("limits hit", ", ".join(call.limits_hit)))
    if call.queue_wait_ms is not None:
        facts.append(("queue", f"waited {call.queue_wait_ms:.1f} ms for a place"))
    facts.append(("attempts", str(call.attempts if call.attempts is not None else "not counted")))
    return facts


def _deadline(call: ExecutionPayload) -> str:
    if call.deadline_ms is None:
        return ""
    return f" of {call.deadline_ms:g} ms{', too late' if call.late else ''}"


def _answered(call: ExecutionPayload) -> str:
    who = "nobody" if call.served_by in (None, "none") else f"by {call.served_by}"
    return f"{who}, because {call.fallback_reason}" if call.fallback_reason else who


def _version(call: ExecutionPayload) -> str:
    where = f" in the sandbox {call.sandbox}" if call.sandbox else ""
    return f"{call.version}{where}{f'; {call.asked} was to answer' if call.asked else ''}"


def _gate(call: ExecutionPayload) -> str:
    if call.findings:
        counted = f"{len(call.findings)} findings: "
        verdict = "rejected it" if call.outcome == "rejected" else "let it through"
        return f"{verdict}, {counted}{', '.join(_finding(one.rule, one.line, one.effect) for one in call.findings)}"
    if call.outcome == "rejected":
        return "rejected it"
    return "let it through, no findings" if call.sandbox else "was not asked"


def _finding(rule: str, line: int, effect: str) -> str:
    return f"{rule}{f' on line {line}' if line else ''} [{effect}]"


def _verdict(call: ExecutionPayload) -> str:
    if call.outcome is None:
        return f"{call.status}; no version was tried"
    cause = f"/{call.cause}" if call.cause else ""
    return f"{call.outcome}{cause}{f', blame: {call.blame}' if call.blame else ''}"


def _print_budgets(screen: Screen, call: ExecutionPayload) -> None:
    if call.budgets is None and call.usage is None:
        return
    used, given = call.usage or Resources(), call.budgets or Resources()
    rows = [(name, _amount(used, field, unit), _amount(given, field, unit)) for name, field, unit in _AMOUNTS]
    screen.heading("what the last attempt used, and might use:")
    screen.table(("resource", "used", "budget"), [row for row in rows if row[1:] != ("-", "-")])


def _amount(amounts: Resources, field: str, unit: str) -> str:
    value: float | int | None = getattr(amounts, field)
    return "-" if value is None else f"{round(value, 1):,}{unit}"


def _print_steps(screen: Screen, found: Explanation, call: ExecutionPayload) -> None:
    if call.tries:
        screen.heading("attempts:")
        rows = [(one.by, one.result, f"{one.after_ms:.1f} ms", f"{one.took_ms:.1f} ms") for one in call.tries]
        screen.table(("by", "result", "after", "took"), rows)
    if call.refusals:
        screen.heading("turned away:")
        for one in call.refusals:
            later = "" if one.retry_after is None else f"; worth trying after {one.retry_after:.3g} s"
            screen.line(f"  by the {one.by}: {one.reason}{later}")
    if found.breakers:
        screen.heading("breakers:")
        for event in found.breakers:
            screen.line(f"  {_moment(event.timestamp)} {_transition(event.payload)}")
    if found.feedback:
        screen.heading("feedback:")
        for said in found.feedback:
            rating = "" if said.payload.rating is None else f" {said.payload.rating:g}"
            screen.line(f"  {said.payload.feedback_type}{rating}: {said.payload.comments or '-'}")


def _transition(payload: BreakerPayload) -> str:
    whose = " ".join(part for part in (payload.function_name, payload.version) if part)
    pinned = ", pinned" if payload.pinned else ""
    return f"{whose} ({payload.sandbox}): {payload.old_state} → {payload.new_state}{pinned}: {payload.reason}"


def _moment(seconds: float) -> str:
    """Return a time in UTC, to the millisecond; a payload may hold one that no calendar has."""
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s after 1970"
