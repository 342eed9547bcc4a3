"""Explain one call from the events that the journal has of it."""

import dataclasses
import shlex
from collections.abc import Iterable, Mapping

from poet_engine.events import (
    BreakerEvent,
    BreakerPayload,
    Event,
    ExecutionEvent,
    ExecutionPayload,
    FeedbackEvent,
    RecordingEvent,
)
from poet_engine.journal.journal import Journal

_MOST = 1_000  # events of one kind that are read
_TRANSITION = "breaker.transition"
_OPEN = ("open", "forced_open")

# The cause of an outcome `limit` → the key of the policy that bounds it, where the two have different names.
_KEYS: Mapping[str, str] = {"file_size": "disk", "fds": "open_files", "tasks": "threads", "result_size": "result"}
_BOUNDED_BY_POLICY = frozenset(
    ("wall", "cpu", "memory", "tasks", "output", "file_size", "disk", "inodes", "fds", "result_size")
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The events of one call, with hints.

    Attributes:
        event: The event of the call.
        breakers: Transitions during the call and, where a breaker refused it, the one that opened it; in time order.
        feedback: The feedback about the call, in time order.
        look_next: Hints for the user, one sentence each.
    """

    event: ExecutionEvent
    breakers: tuple[BreakerEvent, ...]
    feedback: tuple[FeedbackEvent, ...]
    look_next: tuple[str, ...]


def explain(journal: Journal, execution: str) -> Explanation | None:
    """Return the explanation of one call; None where the journal has no event of it.

    Args:
        journal: The journal to search.
        execution: The id of the call, or of its event.

    Raises:
        JournalError: The journal cannot be read.
    """
    related: list[Event] = journal.find(execution_id=execution, limit=_MOST)
    event = next((one for one in related if isinstance(one, ExecutionEvent)), None)
    if event is None:
        found = journal.get(execution)
        if not isinstance(found, ExecutionEvent):
            return None
        event = found
        related = journal.find(execution_id=event.payload.execution_id, limit=_MOST)
    return Explanation(
        event=event,
        breakers=_breakers(journal, event.payload),
        feedback=tuple(one for one in reversed(related) if isinstance(one, FeedbackEvent)),
        look_next=look_next(event.payload) + _about_recording(related),
    )


def _breakers(journal: Journal, call: ExecutionPayload) -> tuple[BreakerEvent, ...]:
    during = journal.find(type=_TRANSITION, since=call.start_time, until=call.end_time, limit=_MOST)
    found = list(_of(call, during))
    if any(refusal.by == "breaker" for refusal in call.refusals or ()):
        before = _of(call, journal.find(type=_TRANSITION, until=call.start_time, limit=_MOST))
        opened = next((one for one in before if one.payload.new_state in _OPEN), None)
        found += [] if opened is None or opened in found else [opened]
    return tuple(reversed(found))


def _of(call: ExecutionPayload, found: Iterable[Event]) -> Iterable[BreakerEvent]:
    """Return the events of the call's function, or of the backend that it ran on."""
    return (event for event in found if isinstance(event, BreakerEvent) and _concerns(event.payload, call))


def _concerns(breaker: BreakerPayload, call: ExecutionPayload) -> bool:
    whose, name = breaker.function_name, call.function_name
    if breaker.module is not None:
        return whose == name and call.module in (None, breaker.module)
    # Before schema 3 a breaker had the name of its function's folder, and that of an original its package's too.
    return whose in (name, f"backend {call.sandbox}") or whose.endswith(f".{name}")


def look_next(call: ExecutionPayload) -> tuple[str, ...]:
    """Return hints for the user after a call, one sentence each; none after a success."""
    code = f".poet/{call.function_name}/{call.version}/code.py"
    said = [*_about_outcome(call, code), *_about_refusals(call)]
    if call.late:
        said.append("it ended after its deadline: the attempts say who took the time; @poet(timeout=…) can give more")
    if call.outcome is None and call.served_by == "original" and call.fallback_reason and not call.refusals:
        said.append("the original answered because of what `answered` says; mend that to have a version serve")
    return tuple(said)


def _about_recording(related: Iterable[Event]) -> tuple[str, ...]:
    for event in related:
        if isinstance(event, RecordingEvent) and event.payload.arguments is not None:
            call = event.payload.execution_id
            return (
                f"`poet replay {shlex.quote(call)}` runs it again with the same arguments, and compares the answers",
            )
    return ()


def _about_outcome(call: ExecutionPayload, code: str) -> list[str]:
    match call.outcome:
        case "rejected":
            rules = sorted({finding.rule for finding in call.findings or () if finding.effect == "enforce"})
            pages = ", ".join(f"docs/rules/{rule}.md" for rule in rules if rule.startswith("POET"))
            return [f"why the gate says so is in {pages}" if pages else "run `poet scan` on the source"]
        case "limit" if call.cause in _BOUNDED_BY_POLICY:
            key = f"limits.{_KEYS.get(call.cause, call.cause)}"
            return [f"`poet policy explain {key}` says who set the budget; read what the code does in {code}"]
        case "violation":
            return [f"read {code}: it is pinned open until `poet breaker reset FILE.py:{call.function_name}`"]
        case "infra":
            return ["`poet doctor` tries the sandbox and says what to mend on this machine"]
        case "refused":
            return ["the argument that the evidence names; the rule is in the error"]
        case "error" | "crash" | "no_result" | "limit" if call.version != "original":
            return [f"read {code}; a traceback names its lines"]
        case _:
            return []


def _about_refusals(call: ExecutionPayload) -> list[str]:
    parts = dict.fromkeys(refusal.by for refusal in call.refusals or ())
    where = {
        "breaker": f"`poet breaker show FILE.py:{call.function_name}` shows where its breakers stand now",
        "bulkhead": "POET_EXECUTIONS_AT_ONCE bounds how many calls run at once",
        "rate_limit": "POET_EXECUTIONS_PER_MINUTE bounds how many calls begin in a minute",
        "deadline": "the deadline was over before an attempt could begin: see the queue's wait, and @poet(timeout=…)",
    }
    return [where[part] for part in parts if part in where]
