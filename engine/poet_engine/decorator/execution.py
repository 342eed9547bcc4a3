"""One call of a decorated function, from the version's turn to the event; nothing here performs anything."""

import dataclasses
import threading

from poet_engine.journal.recorder import Call
from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status

GENERATED, ORIGINAL, NOBODY = "generated", "original", "none"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One call of a decorated function.

    Attributes:
        value: What the caller gets.
        served_by: `generated` or `original`.
        version: The version that was tried, such as `v1`; `original` when none was.
        outcome: What came of the version; None when none was tried.
        execution_id: What ties events and feedback to this call.
        event_id: The id of its event; empty where nothing records.
        attempts: How often the version was tried.
        fallback_reason: Why the original answered; None when it did not.
    """

    value: object
    served_by: str
    version: str
    outcome: Outcome | None
    execution_id: str
    event_id: str
    attempts: int
    fallback_reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What is known of a call when the version has had its turn.

    Attributes:
        execution_id: What ties events and feedback to this call.
        start: Seconds since the epoch.
        version: The version that was tried; `original` when none was.
        outcome: What came of it; None when none was tried.
        attempts: How often it was tried.
        policy_digest: The policy that it runs under, if it has one.
        fallback_reason: Why the original has to answer; None when the version did.
    """

    execution_id: str
    start: float
    version: str = ORIGINAL
    outcome: Outcome | None = None
    attempts: int = 0
    policy_digest: str | None = None
    fallback_reason: str | None = None

    def cancelled(self) -> "Attempt":
        """The same call, when its caller has gone away before anybody answered."""
        outcome = self.outcome or Outcome(status=Status.CANCELLED, cause="caller", blame=Blame.CALLER)
        return dataclasses.replace(
            self,
            outcome=dataclasses.replace(outcome, execution_id=self.execution_id),
            fallback_reason="the caller cancelled the call",
        )


def call_of(attempt: Attempt, *, function: str, served_by: str, end: float, error: BaseException | None) -> Call:
    """What is recorded: the outcome judges the version if one was tried, and else the original.

    Args:
        attempt: The version's turn.
        function: The function's qualified name.
        served_by: Who answered.
        end: Seconds since the epoch.
        error: What the original raised, if it had to answer and did.
    """
    outcome, reason = attempt.outcome, attempt.fallback_reason
    if error is not None and outcome is None:
        outcome = Outcome(status=Status.ERROR, cause="exception", blame=Blame.CALLER, error=_error_info(error))
    elif error is not None:
        info = _error_info(error)
        reason = f"{reason}; then the original raised {info.type}: {info.message}"
    return Call(
        function_name=function,
        version=attempt.version,
        execution_id=attempt.execution_id,
        start=attempt.start,
        end=end,
        outcome=outcome,
        served_by=served_by,
        attempts=attempt.attempts,
        policy_digest=attempt.policy_digest,
        fallback_reason=reason,
    )


def _error_info(error: BaseException) -> ErrorInfo:
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the user's own class may fail to describe itself; its exception still counts
        message = "this exception cannot be shown as text"
    return ErrorInfo(type(error).__name__, message)


class Handover:
    """Between a coroutine that waits for a version and the thread that tries it: exactly one of them records the call.

    A coroutine can be cancelled at any time, and the thread cannot. Whoever comes last has to record.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._left = False
        self._attempt: Attempt | None = None

    def begin(self) -> bool:
        """Called by the thread: whether anybody still waits. If not, the version is not tried."""
        with self._lock:
            self._begun = not self._left
            return self._begun

    def finish(self, attempt: Attempt) -> bool:
        """Called by the thread at its end: whether anybody still waits. If not, the thread records."""
        with self._lock:
            self._attempt = attempt
            return not self._left

    def leave(self, unbegun: Attempt) -> Attempt | None:
        """Called by the coroutine when it is cancelled: what it has to record; None when the thread will.

        Args:
            unbegun: The call as it stands if the thread has not begun.
        """
        with self._lock:
            self._left = True
            return self._attempt if self._begun else unbegun
