"""Writes the events of calls, breakers, feedback and recordings; the event of a call from its report."""

from collections.abc import Callable

from poet_engine.events import (
    BreakerPayload,
    DeniedNote,
    Event,
    EventFactory,
    ExecutionError,
    ExecutionEvent,
    ExecutionMetrics,
    ExecutionPayload,
    FeedbackEvent,
    FeedbackPayload,
    FindingNote,
    RecordingPayload,
    Resources,
)
from poet_engine.journal.journal import Journal, OfModule
from poet_engine.outcome import Outcome, Status
from poet_engine.policy.model import Limits
from poet_engine.resilience.call_report import CallReport

_MEGABYTE = 10**6
# Texts that code can choose are cut, so that a call cannot keep itself out of the journal by a text that makes its
# event larger than an event may be. A character takes at most 6 bytes of JSON.
_MOST_FINDINGS = _MOST_TRIES = 50
MOST_NAME, MOST_TEXT, _MOST_TRACE = 1_000, 8_000, 64_000


class Recorder:
    """Writes one execution event for each call.

    Args:
        journal: Where it is kept.
        factory: Makes events with ids and times.
        tell: Hears of each event; must not wait.
    """

    def __init__(
        self, journal: Journal, factory: EventFactory, tell: Callable[[Event], None] = lambda _event: None
    ) -> None:
        self._journal, self._factory, self._tell = journal, factory, tell

    def __repr__(self) -> str:
        return f"<Recorder {self._journal!r}>"

    def record(self, report: CallReport) -> str:
        """Keep the event of a call and return its id; a violation waits until it is on the disk.

        Raises:
            ClosedError: The journal was closed.
        """
        event = self._factory.execution(payload(report), correlation_id=report.execution_id)
        self._tell(event)
        outcome = report.outcome
        return self._journal.record(event, durable=outcome is not None and outcome.status is Status.VIOLATION)

    def execution(self, execution_id: str) -> ExecutionEvent | None:
        """Return the event of one call, or None; what was recorded before is waited for."""
        for event in self._journal.find(type="function.execution", execution_id=execution_id, limit=1):
            if isinstance(event, ExecutionEvent):
                return event
        return None

    def opinion(self, payload: FeedbackPayload, *, about: ExecutionEvent) -> FeedbackEvent:
        """Keep feedback on a call, and return its event when it is on the disk.

        Raises:
            ClosedError: The journal was closed.
        """
        event = self._factory.feedback(payload, correlation_id=payload.execution_id, causation_id=about.id)
        self._journal.record(event)
        return event

    def transition(self, payload: BreakerPayload) -> str:
        """Keep the event of a breaker and return its id; it is not waited for.

        Raises:
            ClosedError: The journal was closed.
        """
        event = self._factory.breaker(payload)
        self._tell(event)
        return self._journal.record(event)

    def recording(self, payload: RecordingPayload, *, about: str) -> str:
        """Keep a call's arguments and answer, and return the event's id. No exporter hears of it; it is not waited for.

        Args:
            payload: What to keep.
            about: The id of the call's own event.

        Raises:
            ClosedError: The journal was closed.
        """
        return self._journal.record(self._factory.recording(payload, causation_id=about))

    def get(self, event_id: str) -> Event | None:
        """Return one event, or None where there is none of that id."""
        return self._journal.get(event_id)

    def calls(self, function: str, *, limit: int, of: OfModule | None = None) -> list[ExecutionPayload]:
        """Return the last calls of a function, the newest first.

        Args:
            function: Its name.
            limit: At most so many.
            of: Which of the functions of that name.

        Raises:
            UsageError: The limit is not 1 to 10,000.
            JournalError: The journal cannot be read.
        """
        found = self._journal.find(type="function.execution", function=function, of=of, limit=limit)
        return [event.payload for event in found if isinstance(event, ExecutionEvent)]

    def flush(self) -> None:
        """Wait until everything recorded so far is on the disk."""
        self._journal.flush()

    def close(self) -> None:
        """Flush and close the journal."""
        self._journal.close()


def payload(report: CallReport) -> ExecutionPayload:
    """Return the payload of a call's event from its report. `status` judges the named version, not the answer."""
    outcome = report.outcome
    ended_well = outcome is None or outcome.status is Status.OK
    return ExecutionPayload(
        function_name=report.function_name[:MOST_NAME],
        version=report.version,
        execution_id=report.execution_id,
        start_time=report.start,
        end_time=report.end,
        status="success" if ended_well else "failure",
        metrics=_metrics(report, outcome),
        error=None if outcome is None or ended_well else _error(outcome),
        outcome=None if outcome is None else str(outcome.status),
        cause=None if outcome is None else outcome.cause,
        served_by=report.served_by,
        attempts=report.attempts,
        queue_wait_ms=None if report.queue_wait is None else report.queue_wait * 1e3,
        policy_digest=None if report.policy is None else report.policy.digest,
        fallback_reason=None if report.fallback_reason is None else cut(report.fallback_reason, MOST_TEXT),
        evidence=None if outcome is None or outcome.evidence is None else cut(str(outcome.evidence), MOST_TEXT),
        limits_hit=None if outcome is None else outcome.limits_hit,
        findings=None if outcome is None else _findings(outcome),
        late=report.late or None,
        asked=None if report.asked == report.version else report.asked,
        blame=None if outcome is None or outcome.blame is None else str(outcome.blame),
        sandbox=None if outcome is None else outcome.sandbox or None,
        policy=None if report.policy is None else report.policy.name,
        deadline_ms=None if report.deadline is None else report.deadline * 1e3,
        budgets=None if report.policy is None else _budgets(report.policy.limits),
        usage=None if outcome is None else _usage(outcome),
        tries=report.tries[:_MOST_TRIES] if len(report.tries) > 1 else None,
        denied=None if outcome is None else _denied(outcome),
        refusals=report.refusals or None,
        module=None if report.module is None else report.module[:MOST_NAME],
    )


def _denied(outcome: Outcome) -> tuple[DeniedNote, ...] | None:
    return tuple(DeniedNote(call=each.call, count=each.count) for each in outcome.denied) or None


def _budgets(limits: Limits) -> Resources:
    return Resources(
        wall_ms=limits.wall * 1e3,
        cpu_ms=limits.cpu * 1e3,
        memory_bytes=limits.memory,
        tasks=1 + limits.processes + limits.threads,
        output_bytes=limits.output,
    )


def _usage(outcome: Outcome) -> Resources | None:
    """Return the resources that the last attempt used; None where nothing ran."""
    usage = outcome.usage
    if not usage.wall_ms:
        return None
    return Resources(
        wall_ms=usage.wall_ms,
        cpu_ms=usage.cpu_ms,
        memory_bytes=usage.memory_peak_bytes,
        tasks=usage.tasks_peak,
        output_bytes=usage.bytes_out,
        network_requests=usage.network_requests or None,
    )


def _findings(outcome: Outcome) -> tuple[FindingNote, ...] | None:
    found = (*outcome.audited, *outcome.findings)  # the audited ones first: nobody else hears of them
    notes = tuple(
        FindingNote(rule=finding.rule, effect=str(finding.effect), line=finding.line, note=cut(finding.note, MOST_NAME))
        for finding in found[:_MOST_FINDINGS]
    )
    return notes or None


def _metrics(report: CallReport, outcome: Outcome | None) -> ExecutionMetrics:
    duration_ms = max(0.0, (report.end - report.start) * 1e3)
    if outcome is None:
        return ExecutionMetrics(duration_ms=duration_ms, memory_mb=0.0, cpu_percent=0.0)
    usage = outcome.usage
    return ExecutionMetrics(
        duration_ms=duration_ms,
        memory_mb=(usage.memory_peak_bytes or 0) / _MEGABYTE,
        cpu_percent=100.0 * usage.cpu_ms / usage.wall_ms if usage.wall_ms else 0.0,
    )


def _error(outcome: Outcome) -> ExecutionError:
    if outcome.error is not None:
        return ExecutionError(
            type=cut(outcome.error.type, MOST_NAME) or "unknown",
            message=cut(outcome.error.message, MOST_TEXT),
            stack_trace=cut(outcome.error.traceback, _MOST_TRACE) or None,
        )
    return ExecutionError(type=f"{outcome.status}/{outcome.cause}", message=cut(outcome.describe(), MOST_TEXT))


def cut(text: str, most: int) -> str:
    """Cut a text to about so many characters: its start and its end say most."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} … {len(text) - most} characters are left out … {text[-(most // 2) :]}"
