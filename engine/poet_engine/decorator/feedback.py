"""Feedback on one call: an event in the journal, and the same event as a file in the inbox of the function."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal, get_args

from poet_engine.decorator.folders import feedback_folder
from poet_engine.errors import PoetError, UsageError
from poet_engine.events import FeedbackEvent, FeedbackPayload
from poet_engine.journal import OfModule
from poet_engine.journal.recorder import Recorder

FeedbackType = Literal["performance", "error", "user", "system"]

_TYPES = get_args(FeedbackType)
_MOST_TEXT, _MOST_SUGGESTIONS = 8_000, 50


def validate_feedback(
    execution_id: str,
    *,
    rating: float | None,
    comments: str | None,
    kind: FeedbackType,
    suggestions: Sequence[str],
) -> FeedbackPayload:
    """Check feedback on a call; whose function and version it was is not known yet.

    Raises:
        UsageError: A value is none that feedback can have, or there is nothing in it.
    """
    # Callers without a type checker reach these; the annotations say that they cannot be.
    if not isinstance(execution_id, str):
        raise UsageError(f"feedback is about an execution_id, which is a text, not a {type(execution_id).__name__}")
    if kind not in _TYPES:
        raise UsageError(f"feedback(type=…) is one of {', '.join(_TYPES)}, not {kind!r}")
    if rating is not None and not _is_number(rating):
        raise UsageError(f"feedback(rating=…) is a finite number, such as 0.9 or 4, not {rating!r}")
    _check_text("comments", comments)
    for suggestion in suggestions:
        _check_text("suggestions", suggestion)
    if isinstance(suggestions, str) or len(suggestions) > _MOST_SUGGESTIONS:
        raise UsageError(f"feedback(suggestions=…) is a list of at most {_MOST_SUGGESTIONS} texts")
    if rating is None and comments is None and not suggestions:
        raise UsageError("this feedback says nothing: give a rating=, comments= or suggestions=")
    return FeedbackPayload(
        function_name="",
        version="",
        execution_id=execution_id,
        feedback_type=kind,
        rating=None if rating is None else float(rating),
        comments=comments,
        suggestions=tuple(suggestions) or None,
    )


def _is_number(rating: object) -> bool:
    return isinstance(rating, int | float) and not isinstance(rating, bool) and math.isfinite(rating)


def _check_text(name: str, text: object) -> None:
    if text is not None and not (isinstance(text, str) and len(text) <= _MOST_TEXT):
        raise UsageError(f"feedback({name}=…) is text of at most {_MOST_TEXT:,} characters")


def write_inbox_file(function: object, event: FeedbackEvent) -> str | None:
    """Leave the event as a file in `feedback/pending`; why that could not be, if it could not.

    The file is called by the event's id, so whoever takes the inbox in knows that the journal has it already.
    """
    try:
        folder = feedback_folder(function)
        if folder is not None:
            folder.put_feedback(f"{event.id}.json", event.to_json().encode())
    except PoetError as error:
        return str(error)
    return None


def recorded(recorder: Recorder | None, said: FeedbackPayload, name: str, of: OfModule | None) -> FeedbackEvent:
    """Keep it in the journal, with the function and the version of the call that it is about.

    Raises:
        UsageError: No journal is kept, or it has no such call of this function.
    """
    if recorder is None:
        raise UsageError(f"{name} leaves no events, so there is nothing that feedback could be about; the log says why")
    about = recorder.execution(said.execution_id)
    if about is None or about.payload.function_name != name or not (of is None or of.holds(about.payload.module)):
        raise UsageError(
            f"the journal has no call {said.execution_id!r} of {name}: give the execution_id of an Execution, which "
            ".poet.call(…) returns, or of an event"
        )
    payload = dataclasses.replace(said, function_name=name, version=about.payload.version, module=about.payload.module)
    return recorder.opinion(payload, about=about)
