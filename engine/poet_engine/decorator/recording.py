"""What a call is given and what comes back, kept where recording was asked for. It costs no call its answer."""

import dataclasses
from collections.abc import Mapping

from poet_engine.decorator.call_report import CallReport, CallStart, RecordedArguments, error_info
from poet_engine.decorator.folders import recorder_for
from poet_engine.decorator.once_logger import OnceLogger
from poet_engine.decorator.states import OriginalOnly, Serving
from poet_engine.errors import PoetError
from poet_engine.events import ExecutionError, RecordingPayload
from poet_engine.journal import JournalError
from poet_engine.journal.recorder import MOST_NAME, MOST_TEXT, Recorder, cut
from poet_engine.journal.recordings import Kept, kept, kept_arguments
from poet_engine.outcome import ErrorInfo


@dataclasses.dataclass(frozen=True, slots=True)
class OpenedJournal:
    """What came of opening a function's journal.

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
    """What a call is given, before its body may change it; None where that is not recorded."""
    if isinstance(state, OriginalOnly) or not state.workplace.record:
        return None
    return RecordedArguments(state.workplace.versions.name, kept_arguments(args, kwargs))


def keep(recorder: Recorder, begun: CallStart, story: CallReport, tell: OnceLogger, *, about: str) -> None:
    """Record a call that is over; what is left out, or fails, is said once.

    Args:
        recorder: Where.
        begun: The call's beginning.
        story: What came of it.
        tell: Says it.
        about: The id of the call's event.
    """
    if begun.given is None or begun.policy is None or begun.version is None:
        return  # the last two are there wherever the first is
    try:
        error = _error(story)
        answer = Kept() if error is not None else kept(story.value, "the answer")
        reasons = [reason for reason in (begun.given.arguments.left_out, answer.left_out) if reason is not None]
        payload = RecordingPayload(
            function_name=begun.function[:MOST_NAME],
            version=begun.version,
            execution_id=begun.execution_id,
            folder=begun.given.folder,
            policy=begun.policy.name,
            policy_digest=begun.policy.digest,
            served_by=story.served_by,
            arguments=begun.given.arguments.text,
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


def _error(story: CallReport) -> ExecutionError | None:
    """What the caller got raised; None where there is a value."""
    if story.error is not None:
        info = error_info(story.error)
    elif story.fails is not None:
        info = ErrorInfo(f"{story.fails.status}/{story.fails.cause}", story.fails.describe())
    else:
        return None
    return ExecutionError(type=cut(info.type, MOST_NAME), message=cut(info.message, MOST_TEXT))
