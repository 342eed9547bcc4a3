"""The pure parts of a call: what is recorded, and who records when its caller has gone away."""

from poet_engine.decorator.execution import Attempt, Handover, call_of
from poet_engine.outcome import Status
from poet_engine.sandbox.scripted import failed, ok

BEGUN = Attempt(execution_id="one", start=1.0)


class TestHandover:
    """Whoever comes last records, and nobody else does."""

    def test_nobody_leaves(self) -> None:
        handover = Handover()
        assert (handover.begin(), handover.finish(BEGUN)) == (True, True)

    def test_the_caller_leaves_before_the_thread_begins(self) -> None:
        """The caller records; the thread does not even try the version."""
        handover = Handover()
        assert handover.leave(BEGUN) is BEGUN
        assert handover.begin() is False

    def test_the_caller_leaves_while_the_thread_works(self) -> None:
        """The thread records at its end."""
        handover = Handover()
        handover.begin()
        assert handover.leave(BEGUN) is None
        assert handover.finish(BEGUN) is False

    def test_the_caller_leaves_after_the_thread_has_finished(self) -> None:
        """The caller records what the thread had found: the answer was on its way."""
        handover, found = Handover(), Attempt(execution_id="two", start=2.0, version="v1", outcome=ok(1))
        handover.begin()
        assert handover.finish(found) is True
        assert handover.leave(BEGUN) is found


class TestCancelled:
    def test_before_the_version_was_tried(self) -> None:
        gone = BEGUN.cancelled()
        assert gone.outcome is not None
        assert (gone.version, gone.outcome.status, gone.outcome.cause) == ("original", Status.CANCELLED, "caller")
        assert gone.outcome.execution_id == "one"

    def test_after_the_version_was_tried(self) -> None:
        """What came of the version still judges it."""
        outcome = failed(Status.LIMIT, "cpu")
        gone = Attempt(execution_id="one", start=1.0, version="v3", outcome=outcome, attempts=1).cancelled()
        assert gone.outcome is not None
        assert (gone.version, gone.outcome.status, gone.attempts) == ("v3", Status.LIMIT, 1)


class TestCallOf:
    def test_an_original_that_answered_has_no_outcome(self) -> None:
        """Nothing was judged, and the reason says why nobody else answered."""
        attempt = Attempt(execution_id="one", start=1.0, fallback_reason="no sandbox stands")
        call = call_of(attempt, function="f", served_by="original", end=2.0, error=None)
        assert (call.outcome, call.version, call.fallback_reason) == (None, "original", "no sandbox stands")
        assert (call.function_name, call.start, call.end, call.attempts) == ("f", 1.0, 2.0, 0)

    def test_a_version_is_not_judged_by_the_originals_error(self) -> None:
        outcome = failed(Status.LIMIT, "cpu")
        attempt = Attempt(execution_id="one", start=1.0, version="v1", outcome=outcome, attempts=1, fallback_reason="x")
        call = call_of(attempt, function="f", served_by="none", end=2.0, error=KeyError("k"))
        assert call.outcome is outcome
        assert call.fallback_reason == "x; then the original raised KeyError: 'k'"
