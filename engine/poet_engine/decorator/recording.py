"""The recording of arguments and answers, where it was asked for. It costs no call its answer."""

import dataclasses
from collections.abc import Mapping

from poet_engine.decorator.execution import error_info
from poet_engine.decorator.folders import recorder_for
from poet_engine.decorator.once_logger import OnceLogger
from poet_engine.decorator.states import OriginalOnly, Serving
from poet_engine.errors import PoetError
from poet_engine.events import ExecutionError, RecordingPayload
from poet_engine.journal import JournalError
from poet_engine.journal.recorder import MOST_NAME, MOST_TEXT, Recorder, cut
from poet_engine.journal.recordings import Kept, kept, kept_arguments
from poet_engine.outcome import ErrorInfo
from poet_engine.resilience.call_report import CallReport


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedArguments:
    """The arguments of a call that is recorded.

    Attributes:
        folder: What the folder of the function's versions is called.
        arguments: As they were before the call.
    """

    folder: str
    arguments: Kept


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedJournal:
    """The result of opening a function's journal.

    Attributes:
        recorder: Keeps its events; None where it could not be opened.
        problem: Why not, and how to mend it.
        passing: Whether the fault may pass.
    """

    recorder: Recorder | None = None
    problem: str | None = None
    passing: bool = False


def open_journal(function: object) -> OpenedJournal:
    """Open the journal of a function; never raises."""
    try:
        return OpenedJournal(recorder_for(function))
    except (JournalError, OSError, MemoryError) as error:
        return OpenedJournal(problem=str(error), passing=True)
    except PoetError as error:
        return OpenedJournal(problem=str(error))
    except Exception as error:  # noqa: BLE001 - a bug of ours must not cost the callers the original's answer
        return OpenedJournal(problem=f"this is a bug in poet, please report it: {error!r}")


def given(
    state: Serving | OriginalOnly, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> RecordedArguments | None:
    """Return a call's arguments, before its body may change them; None where they are not recorded."""
    if isinstance(state, OriginalOnly) or not state.context.record:
        return None
    return RecordedArguments(state.context.versions.name, kept_arguments(args, kwargs))


def keep(recorder: Recorder, report: CallReport, given: RecordedArguments, tell: OnceLogger, *, about: str) -> None:
    """Record a call that is over; what is left out, or fails, is said once.

    Args:
        recorder: Where.
        report: The call's.
        given: What it was given.
        tell: Says it.
        about: The id of the call's event.
    """
    if report.policy is None or report.asked is None:
        return  # both are there wherever arguments are recorded
    try:
        error = _error(report)
        answer = Kept() if error is not None else kept(report.value, "the answer")
        reasons = [reason for reason in (given.arguments.left_out, answer.left_out) if reason is not None]
        payload = RecordingPayload(
            function_name=report.function_name[:MOST_NAME],
            version=report.asked,
            execution_id=report.execution_id,
            folder=given.folder,
            policy=report.policy.name,
            policy_digest=report.policy.digest,
            served_by=report.served_by,
            arguments=given.arguments.text,
            answer=answer.text,
            error=error,
            left_out="; ".join(cut(reason, MOST_NAME) for reason in reasons) or None,
        )
        recorder.recording(payload, about=about)
    except Exception as failure:  # noqa: BLE001 - the journal was closed, or a bug of ours: the caller has an answer to get
        tell.once("recording", f"leaves no recordings: {failure!r}")
    else:
        if payload.left_out is not None:
            tell.once("left out", f"is recorded in part: {payload.left_out}")


def _error(report: CallReport) -> ExecutionError | None:
    """Return the error that the caller gets; None where there is a value."""
    if report.error is not None:
        info = error_info(report.error)
    elif report.fails is not None:
        info = ErrorInfo(f"{report.fails.status}/{report.fails.cause}", report.fails.describe())
    else:
        return None
    return ExecutionError(type=cut(info.type, MOST_NAME), message=cut(info.message, MOST_TEXT))
