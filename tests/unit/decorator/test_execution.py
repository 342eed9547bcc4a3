"""The pure parts of a call: what the pipeline's end means, and what is recorded of it."""

import dataclasses

import pytest

from poet_engine.decorator.execution import cancel, complete, conclude
from poet_engine.errors import NotServedError
from poet_engine.outcome import Status
from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.call_report import CallReport, Rung
from poet_engine.resilience.gates import NotAdmitted
from poet_engine.sandbox.fake import failed, ok

HOSTED = CallReport(function_name="f", execution_id="one", start=1.0, hosted="no sandbox stands")
BEGUN = CallReport(function_name="f", execution_id="one", start=1.0, asked="v2")
FAILED = AttemptResult(outcome=failed(Status.LIMIT, "cpu"))
OPEN = NotAdmitted("breaker", "the breaker is open", 30.0)


def concluded(
    begun: CallReport, by: Rung | None, answer: AttemptResult | None, first: AttemptResult | None, **more: object
) -> CallReport:
    values: dict[str, object] = {"attempts": 1, "queue_wait": 0.25, **more}
    report = dataclasses.replace(begun, by=by, answer=answer, first=first, **values)  # type: ignore[arg-type]  # the rest, by name
    conclude(report)
    return report


class TestConclude:
    def test_a_version_that_answered(self) -> None:
        good = AttemptResult(outcome=ok(1), value=1)
        story = concluded(BEGUN, Rung.GENERATED, good, good)
        assert story.outcome is good.outcome
        assert (story.version, story.served_by, story.fallback_reason, story.queue_wait) == (
            "v2",
            "generated",
            None,
            0.25,
        )

    def test_an_original_that_answered_for_a_version_does_not_judge_it(self) -> None:
        story = concluded(BEGUN, Rung.ORIGINAL, AttemptResult(value=1), FAILED)
        assert (story.version, story.served_by, story.fallback_reason) == ("v2", "original", "limit/cpu (script=cpu)")

    def test_why_it_was_not_tried_again_is_told_where_it_was(self) -> None:
        once = concluded(BEGUN, Rung.ORIGINAL, AttemptResult(value=1), FAILED, stopped="no time")
        often = concluded(
            BEGUN, Rung.ORIGINAL, AttemptResult(value=1), FAILED, stopped="all 4 attempts failed", attempts=4
        )
        assert once.fallback_reason == "limit/cpu (script=cpu)"
        assert often.fallback_reason == "limit/cpu (script=cpu); all 4 attempts failed"

    def test_a_version_that_could_not_be_tried(self) -> None:
        """It has no attempts, and is not judged."""
        story = concluded(BEGUN, Rung.ORIGINAL, AttemptResult(value=1), AttemptResult(untried="cannot travel"))
        assert (story.version, story.attempts, story.fallback_reason) == ("original", 0, "cannot travel")

    def test_a_version_that_was_not_admitted(self) -> None:
        story = concluded(BEGUN, Rung.ORIGINAL, AttemptResult(value=1), None, turned_away=OPEN, attempts=0)
        assert (story.version, story.served_by, story.fallback_reason) == (
            "original",
            "original",
            "the breaker is open",
        )
        assert story.error is None

    def test_nobody_may_answer(self) -> None:
        """The caller gets an error that says why and when to come again, and the event has it too."""
        story = concluded(HOSTED, None, None, None, turned_away=OPEN, attempts=0)
        assert isinstance(story.error, NotServedError)
        assert (story.error.by, story.error.retry_after, story.served_by) == ("breaker", 30.0, "none")
        assert str(story.error) == "nobody may answer this call of f: the breaker is open; call it again in 30 s"
        complete(story, end=2.0)
        assert story.outcome is not None
        assert story.outcome.error is not None
        assert story.outcome.error.type == "NotServedError"

    def test_a_host_function_waits_in_no_queue(self) -> None:
        good = AttemptResult(value=1)
        story = concluded(HOSTED, Rung.ORIGINAL, good, good, late=True)
        assert (story.queue_wait, story.fallback_reason, story.late) == (None, "no sandbox stands", True)


class TestCancelled:
    @pytest.mark.parametrize(("attempts", "version"), [(0, "original"), (1, "v2")])
    def test_it_names_the_version_where_it_was_tried(self, attempts: int, version: str) -> None:
        gone = dataclasses.replace(BEGUN, attempts=attempts)
        cancel(gone)
        assert gone.outcome is not None
        assert (gone.version, gone.outcome.status, gone.outcome.cause) == (version, Status.CANCELLED, "caller")
        assert (gone.outcome.execution_id, gone.attempts) == ("one", attempts)


class TestComplete:
    def test_an_original_that_answered_has_no_outcome(self) -> None:
        """Nothing was judged, and the reason says why nobody else answered."""
        call = dataclasses.replace(HOSTED, served_by="original", fallback_reason="no sandbox stands")
        complete(call, end=2.0)
        assert (call.outcome, call.version, call.fallback_reason) == (None, "original", "no sandbox stands")
        assert (call.function_name, call.start, call.end, call.attempts) == ("f", 1.0, 2.0, 0)

    def test_a_version_is_not_judged_by_the_originals_error(self) -> None:
        outcome = failed(Status.LIMIT, "cpu")
        call = dataclasses.replace(
            BEGUN, version="v1", outcome=outcome, fallback_reason="x", error=KeyError("k"), by=Rung.ORIGINAL
        )
        complete(call, end=2.0)
        assert call.outcome is outcome
        assert call.fallback_reason == "x; then the original raised KeyError: 'k'"
