"""From the report of a call to what its caller gets and what is recorded; nothing here performs anything."""

import dataclasses

from poet_engine import _repr
from poet_engine._equality import same
from poet_engine.contracts import Refusal
from poet_engine.errors import InputRefused, NotServedError, ZeroRefused
from poet_engine.outcome import Blame, ErrorInfo, Evidence, Outcome, Status, Usage
from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.call_report import ORIGINAL, CallReport
from poet_engine.resilience.gates import NotAdmitted

HOST = "host"  # the sandbox of an original, as breakers and outcomes name it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """The result of one call of a decorated function.

    Attributes:
        value: What the caller gets.
        served_by: `generated`, `previous_version` or `original`.
        version: The version that was tried, such as `v1`; `original` when none was.
        outcome: What came of its last attempt. Where none was tried it is that of the original: `ok`, in the sandbox
            `host`, of whose usage only the wall time is known.
        execution_id: What ties events and feedback to this call.
        event_id: The id of its event; empty where nothing records.
        attempts: How many attempts there were of whoever was asked first: the version, or the original of a function
            that runs in the host.
        fallback_reason: Why somebody else answered; None when nobody else did.
        queue_wait: Seconds that the call waited for a place in the sandbox's bulkhead; None where it needed none.
    """

    value: object
    served_by: str
    version: str
    outcome: Outcome
    execution_id: str
    event_id: str
    attempts: int
    fallback_reason: str | None = None
    queue_wait: float | None = None

    def __repr__(self) -> str:
        return _repr.of_fields(self)


def conclude(report: CallReport) -> None:
    """Set the verdict of a call at the pipeline's end: on the version if one was tried, and else on the original."""
    first, answer = report.first, report.answer
    report.outcome = None if first is None else first.outcome
    if first is not None and first.untried is not None and first.outcome is None:
        report.attempts = 0
    if report.asked is not None and report.outcome is not None:
        report.version = report.asked
    if report.asked is None:
        report.queue_wait = None
    if answer is not None and answer.ok:
        report.served_by = str(report.by)
    if report.by is None and report.turned_away is not None:
        report.error = _not_served(report.function_name, report.turned_away)
    elif answer is not None:
        report.error = answer.error
    if report.error is None:
        report.fails = _fails(report)
    report.fallback_reason = _reason(report)


def _fails(report: CallReport) -> Outcome | None:
    """Return the outcome that the caller gets as an error, because nobody else may answer."""
    decisive = report.first if report.by is None else report.answer
    if decisive is None or decisive.outcome is None or decisive.ok:
        return None
    return decisive.outcome


def outcome_of_original(report: CallReport) -> Outcome:
    """Return the outcome of a call that the original has answered and that no version was tried for."""
    usage = Usage(wall_ms=report.tries[-1].took_ms if report.tries else 0.0)
    return Outcome(status=Status.OK, value=report.value, usage=usage, sandbox=HOST, execution_id=report.execution_id)


def cancel(report: CallReport) -> None:
    """Conclude a call whose caller has gone away before anybody answered. What it waited for and tried is left out."""
    outcome = Outcome(status=Status.CANCELLED, cause="caller", blame=Blame.CALLER, execution_id=report.execution_id)
    report.version = report.asked if report.asked is not None and report.attempts else ORIGINAL
    report.outcome = report.fails = outcome
    report.fallback_reason = "the caller cancelled the call"
    report.queue_wait, report.tries, report.refusals = None, (), ()


def refuse(report: CallReport, refusal: Refusal) -> InputRefused:
    """Conclude a call whose argument breaks a rule, so that nobody is asked, and return the caller's error."""
    outcome = Outcome(
        status=Status.REFUSED,
        cause="input",
        blame=Blame.CALLER,
        error=ErrorInfo("InputRefused", f"{refusal.argument}: {refusal.rule}"),
        evidence=Evidence(refusal.argument, refusal.given, source="host"),
        execution_id=report.execution_id,
    )
    error = (ZeroRefused if refusal.divides else InputRefused)(outcome.describe(), outcome)
    report.outcome, report.error = outcome, error
    return error


def _reason(report: CallReport) -> str | None:
    """Return why it was not whoever was asked first that answered, with all that stood in the way."""
    first, away = report.first, report.turned_away
    reasons = [report.hosted] if report.hosted is not None else []
    if first is not None and first.untried is not None:
        reasons.append(first.untried + _agreement(first, report.answer))
    elif first is not None and first.outcome is not None and not (first.ok or first.refused):
        reasons.append(first.outcome.describe())
        if report.attempts > 1 and report.stopped is not None:
            reasons.append(report.stopped)
    if away is not None:
        reasons.append(away.reason)
    return "; ".join(reasons) or None


def _agreement(first: AttemptResult, answer: AttemptResult | None) -> str:
    """Return a phrase on whether a version that ran in the shadow of the original agreed with it."""
    if first.outcome is None or not first.outcome.ok or answer is None or not answer.ok:
        return ""
    agreed = {True: "returned the same", False: "returned another value", None: "returned what cannot be compared"}
    return f", and {agreed[same(first.value, answer.value)]}"


def _not_served(function: str, away: NotAdmitted) -> NotServedError:
    """Return the error for a caller whom the pipeline turned away, and whom nobody else may answer."""
    mend = "call it later" if away.retry_after is None else f"call it again in {away.retry_after:.3g} s"
    message = f"nobody may answer this call of {function}: {away.reason}; {mend}"
    return NotServedError(message, by=away.by, retry_after=away.retry_after)


def complete(report: CallReport, *, end: float, module: str | None = None) -> None:
    """Add what its event needs: when the call ended, and what an original raised.

    Args:
        report: The call's, concluded.
        end: Seconds since the epoch.
        module: What tells the function from others of its name in its folder.
    """
    report.end, report.module = end, module
    if report.error is None:
        return
    if report.outcome is None:
        info = error_info(report.error)
        report.outcome = Outcome(status=Status.ERROR, cause="exception", blame=Blame.CALLER, error=info)
    elif report.by is not None:
        info = error_info(report.error)
        report.fallback_reason = f"{report.fallback_reason}; then the original raised {info.type}: {info.message}"


def error_info(error: BaseException) -> ErrorInfo:
    """Return an exception of this process as text."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the user's own class may fail to describe itself; its exception still counts
        message = "this exception cannot be shown as text"
    return ErrorInfo(type(error).__name__, message)
