"""One call of a decorated function, as it is told and recorded; nothing here performs anything."""

import dataclasses

from poet_engine._equality import same
from poet_engine.contracts import Refusal
from poet_engine.errors import InputRefused, NotServedError, ZeroRefused
from poet_engine.events import AttemptNote, RefusalNote
from poet_engine.journal.recorder import ExecutedCall
from poet_engine.journal.recordings import Kept
from poet_engine.outcome import Blame, ErrorInfo, Evidence, Outcome, Status, Usage
from poet_engine.policy import Policy
from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.gates import NotAdmitted
from poet_engine.resilience.pipeline import ServedBy

ORIGINAL, NOBODY = "original", "none"
HOST = "host"  # the sandbox of an original, as breakers and outcomes name it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One call of a decorated function.

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


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedArguments:
    """What a call that is recorded was given.

    Attributes:
        folder: What the folder of the function's versions is called.
        arguments: As they were before the call.
    """

    folder: str
    arguments: Kept


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallStart:
    """What is known of a call when it begins.

    Attributes:
        function: The function's qualified name.
        execution_id: What ties events and feedback to this call.
        start: Seconds since the epoch.
        version: The version that is asked first; None where the original is.
        policy: The policy that it runs under, if it has one.
        hosted: Why the original is asked first; None where a version is.
        deadline: Seconds that the whole call has.
        given: What it was given, where that is recorded.
    """

    function: str
    execution_id: str
    start: float
    version: str | None = None
    policy: Policy | None = None
    hosted: str | None = None
    deadline: float | None = None
    given: RecordedArguments | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """What came of a call, before it is recorded.

    Attributes:
        version: The version that was tried; `original` when none was.
        outcome: What came of its last attempt; None when none was tried.
        served_by: Who answered.
        attempts: How many attempts there were.
        reason: Why somebody else answered.
        value: What the caller gets.
        error: What the caller gets raised.
        by_original: Whether the original raised it.
        fails: The outcome whose error the caller gets, or that stands for an interrupt; None where there is a value, or
            `error`.
        queue_wait: Seconds spent waiting for a place.
        late: Whether it ended after its deadline.
        tries: Every attempt, in time order.
        refusals: What turned the call away, in time order.
    """

    version: str = ORIGINAL
    outcome: Outcome | None = None
    served_by: str = NOBODY
    attempts: int = 0
    reason: str | None = None
    value: object = None
    error: BaseException | None = None
    by_original: bool = False
    fails: Outcome | None = None
    queue_wait: float | None = None
    late: bool = False
    tries: tuple[AttemptNote, ...] = ()
    refusals: tuple[RefusalNote, ...] = ()


def story_of(begun: CallStart, served: ServedBy) -> CallReport:
    """What the pipeline's end means: the outcome judges the version if one was tried, and else the original."""
    first = served.first
    untried = first is not None and first.untried is not None
    outcome = None if first is None else first.outcome
    error: BaseException | None = None if served.answer is None else served.answer.error
    if served.by is None and served.turned_away is not None:
        error = _not_served(begun.function, served.turned_away)
    good = served.answer is not None and served.answer.ok
    return CallReport(
        version=begun.version if begun.version is not None and outcome is not None else ORIGINAL,
        outcome=outcome,
        served_by=str(served.by) if good else NOBODY,
        attempts=0 if untried and outcome is None else served.attempts,
        reason=_reason(begun, served),
        value=None if served.answer is None else served.answer.value,
        error=error,
        by_original=served.by is not None and error is not None,
        fails=None if error is not None else _fails(served),
        queue_wait=served.queue_wait if begun.version is not None else None,
        late=served.late,
        tries=tuple(
            AttemptNote(by=t.rung, result=t.result, after_ms=t.after * 1e3, took_ms=t.took * 1e3) for t in served.tries
        ),
        refusals=tuple(RefusalNote(by=r.by, reason=r.reason, retry_after=r.retry_after) for r in served.refusals),
    )


def _fails(served: ServedBy) -> Outcome | None:
    """The outcome that its caller gets as an error, because nobody else may answer."""
    decisive = served.first if served.by is None else served.answer
    if decisive is None or decisive.outcome is None or decisive.ok:
        return None
    return decisive.outcome


def of_original(begun: CallStart, story: CallReport, took: float) -> Outcome:
    """The outcome of a call that the original has answered and that no version was tried for.

    Args:
        begun: The call's beginning.
        story: What came of it.
        took: Seconds that its last attempt took.
    """
    usage = Usage(wall_ms=took * 1e3)
    return Outcome(status=Status.OK, value=story.value, usage=usage, sandbox=HOST, execution_id=begun.execution_id)


def cancelled(begun: CallStart, attempts: int) -> CallReport:
    """The story of a call whose caller has gone away before anybody answered."""
    outcome = Outcome(status=Status.CANCELLED, cause="caller", blame=Blame.CALLER, execution_id=begun.execution_id)
    return CallReport(
        version=begun.version if begun.version is not None and attempts else ORIGINAL,
        outcome=outcome,
        attempts=attempts,
        reason="the caller cancelled the call",
        fails=outcome,
    )


def refused(begun: CallStart, refusal: Refusal) -> CallReport:
    """The story of a call whose argument breaks a rule: nobody was asked."""
    outcome = Outcome(
        status=Status.REFUSED,
        cause="input",
        blame=Blame.CALLER,
        error=ErrorInfo("InputRefused", f"{refusal.argument}: {refusal.rule}"),
        evidence=Evidence(refusal.argument, refusal.given, source="host"),
        execution_id=begun.execution_id,
    )
    error = (ZeroRefused if refusal.divides else InputRefused)(outcome.describe(), outcome)
    return CallReport(outcome=outcome, error=error)


def _reason(begun: CallStart, served: ServedBy) -> str | None:
    """Why it was not whoever was asked first that answered, and all that stood in the way."""
    first, away = served.first, served.turned_away
    reasons = [begun.hosted] if begun.hosted is not None else []
    if first is not None and first.untried is not None:
        reasons.append(first.untried + _agreement(first, served.answer))
    elif first is not None and first.outcome is not None and not (first.ok or first.refused):
        reasons.append(first.outcome.describe())
        if served.attempts > 1 and served.stopped is not None:
            reasons.append(served.stopped)
    if away is not None:
        reasons.append(away.reason)
    return "; ".join(reasons) or None


def _agreement(first: AttemptResult, answer: AttemptResult | None) -> str:
    """What a version that ran in the shadow of the original would have answered."""
    if first.outcome is None or not first.outcome.ok or answer is None or not answer.ok:
        return ""
    agreed = {True: "returned the same", False: "returned another value", None: "returned what cannot be compared"}
    return f", and {agreed[same(first.value, answer.value)]}"


def _not_served(function: str, away: NotAdmitted) -> NotServedError:
    """What callers get whom the pipeline turned away, and whom nobody else may answer."""
    mend = "call it later" if away.retry_after is None else f"call it again in {away.retry_after:.3g} s"
    message = f"nobody may answer this call of {function}: {away.reason}; {mend}"
    return NotServedError(message, by=away.by, retry_after=away.retry_after)


def call_of(begun: CallStart, story: CallReport, *, end: float, module: str | None = None) -> ExecutedCall:
    """What is recorded.

    Args:
        begun: The call's beginning.
        story: What came of it.
        end: Seconds since the epoch.
        module: What tells the function from others of its name in its folder.
    """
    outcome, reason = story.outcome, story.reason
    if story.error is not None and outcome is None:
        info = error_info(story.error)
        outcome = Outcome(status=Status.ERROR, cause="exception", blame=Blame.CALLER, error=info)
    elif story.error is not None and story.by_original:
        info = error_info(story.error)
        reason = f"{reason}; then the original raised {info.type}: {info.message}"
    return ExecutedCall(
        function_name=begun.function,
        version=story.version,
        execution_id=begun.execution_id,
        start=begun.start,
        end=end,
        outcome=outcome,
        served_by=story.served_by,
        attempts=story.attempts,
        policy=begun.policy,
        fallback_reason=reason,
        queue_wait=story.queue_wait,
        late=story.late,
        asked=begun.version,
        deadline=begun.deadline,
        tries=story.tries,
        refusals=story.refusals,
        module=module,
    )


def error_info(error: BaseException) -> ErrorInfo:
    """An exception of this process as text."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the user's own class may fail to describe itself; its exception still counts
        message = "this exception cannot be shown as text"
    return ErrorInfo(type(error).__name__, message)
