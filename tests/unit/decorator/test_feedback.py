"""Feedback on a call: an event, and a file in the function's inbox."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine import events
from poet_engine.errors import UsageError
from poet_engine.events import FeedbackEvent

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Workshop

METHOD = (
    "from poet_engine.decorator import poet\n\n\nclass Monitor:\n    @poet\n"
    "    def check(self):\n        return 1\n\n\n"
    "check = Monitor.check\n"
)


def inbox(folder: Path) -> list[Path]:
    return sorted((folder / "feedback" / "pending").iterdir())


def test_it_leaves_an_event_and_the_same_event_in_the_inbox(workshop: "Workshop", tmp_path: Path) -> None:
    """Both name the call, its function and its version, so whoever reads the inbox counts nothing twice."""
    detect = workshop.load()
    execution = detect.poet.call([1.0], [2.0])
    event_id = detect.poet.feedback(
        execution.execution_id, rating=0.25, comments="too nervous", suggestions=["a higher threshold"]
    )
    event = detect.poet.event(event_id)
    assert isinstance(event, FeedbackEvent)
    assert (event.correlation_id, event.causation_id) == (execution.execution_id, execution.event_id)
    said = event.payload
    assert (said.function_name, said.version, said.execution_id) == ("detect_drift", "v1", execution.execution_id)
    assert (said.feedback_type, said.rating, said.comments) == ("user", 0.25, "too nervous")
    assert said.suggestions == ("a higher threshold",)
    [file] = inbox(tmp_path / ".poet" / "detect_drift")
    assert file.name == f"{event_id}.json"
    assert events.from_json(file.read_bytes()) == event


def test_it_is_kept_for_functions_without_versions_too(workshop: "Workshop", tmp_path: Path) -> None:
    """A method has an inbox as well; the feedback is about its original."""
    check = workshop.load(METHOD, "methods", "check")
    execution = check.poet.call(object())  # type: ignore[call-arg]  # a method has other parameters than a detector
    event = check.poet.event(check.poet.feedback(execution.execution_id, rating=1, type="system"))
    assert isinstance(event, FeedbackEvent)
    assert (event.payload.version, event.payload.feedback_type) == ("original", "system")
    assert len(inbox(tmp_path / ".poet" / "Monitor.check")) == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "says nothing"),
        ({"rating": float("nan")}, "a finite number"),
        ({"rating": True}, "a finite number"),
        ({"rating": "good"}, "a finite number"),
        ({"comments": "x" * 8001}, "at most 8,000 characters"),
        ({"comments": 5}, "is text"),
        ({"suggestions": "more"}, "is a list"),
        ({"suggestions": [1]}, "is text"),
        ({"rating": 1, "type": "praise"}, "performance, error, user, system"),
        ({"rating": 1, "execution_id": "another"}, "has no call 'another' of detect_drift"),
        ({"rating": 1, "execution_id": 5}, "which is a text"),
    ],
)
def test_what_is_none_is_said_and_not_kept(workshop: "Workshop", given: dict[str, object], reason: str) -> None:
    detect = workshop.load()
    known = {"execution_id": detect.poet.call([1.0], [2.0]).execution_id}
    with pytest.raises(UsageError, match=reason):
        detect.poet.feedback(**(known | given))  # type: ignore[arg-type]  # wrong ones are the point
    assert inbox(workshop.folder / ".poet" / "detect_drift") == []


def test_an_inbox_that_cannot_be_written_costs_no_feedback(
    workshop: "Workshop", tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The journal has it, and the log says that the inbox has not."""
    detect = workshop.load()
    execution = detect.poet.call([1.0], [2.0])
    pending = tmp_path / ".poet" / "detect_drift" / "feedback" / "pending"
    pending.rmdir()
    pending.symlink_to(tmp_path)
    assert detect.poet.event(detect.poet.feedback(execution.execution_id, rating=1)) is not None
    assert "has feedback in its journal alone" in caplog.text
    assert not list(tmp_path.glob("*.json"))


def test_without_a_journal_there_is_nothing_that_it_could_be_about(workshop: "Workshop") -> None:
    detect = workshop.load()
    workshop.journal_refuses = UsageError("the journal is gone")
    execution = detect.poet.call([1.0], [2.0])
    with pytest.raises(UsageError, match="leaves no events"):
        detect.poet.feedback(execution.execution_id, rating=1)
