"""From a call to its event."""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from poet_engine.errors import ClosedError
from poet_engine.events import DeniedNote, Event, EventFactory, ExecutionEvent, RecordingEvent, RecordingPayload
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder, payload
from poet_engine.outcome import DeniedCall, ErrorInfo, Evidence, Outcome, Status, Usage
from poet_engine.policy import Policy
from poet_engine.resilience.call_report import CallReport

POLICY = Policy.load("restricted")
CALL = CallReport(
    function_name="detect_drift",
    version="v3",
    execution_id="the-call",
    start=100.0,
    end=100.5,
    outcome=Outcome(status=Status.OK, value=1, usage=Usage(wall_ms=400, cpu_ms=100, memory_peak_bytes=2_500_000)),
    served_by="generated",
    attempts=1,
    policy=POLICY,
)
LIMIT = Outcome(
    status=Status.LIMIT,
    cause="cpu",
    evidence=Evidence("cpu_ms", 1003.3, 1000),
    limits_hit=("cpu",),
    usage=Usage(wall_ms=1009.0, cpu_ms=1003.3),
)

RECORDING = RecordingPayload(
    function_name="detect_drift", version="v3", execution_id="the-call", folder="detect_drift", policy="restricted",
    policy_digest=POLICY.digest, served_by="generated", arguments='{"args":[1],"kwargs":{}}', answer="1",
)  # fmt: skip


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """One whose clock stands still and whose ids are counted."""
    count = itertools.count(1)
    factory = EventFactory(lambda: 1_700_000_000.0, lambda size: next(count).to_bytes(size), "testing", "tests", "1.2")
    with Journal.open(tmp_path / "journal.db") as journal:
        yield Recorder(journal, factory)


def stored(recorder: Recorder, call: CallReport) -> ExecutionEvent:
    """The event as it comes back from the disk."""
    event = recorder.get(recorder.record(call))
    assert isinstance(event, ExecutionEvent)
    return event


class TestPayload:
    def test_a_version_that_answered(self) -> None:
        found = payload(CALL)
        assert (found.status, found.outcome, found.error, found.evidence) == ("success", "ok", None, None)
        assert dataclasses.astuple(found.metrics) == (500.0, 2.5, 25.0)

    def test_a_version_that_failed_is_judged_although_the_original_answered(self) -> None:
        call = dataclasses.replace(CALL, outcome=LIMIT, served_by="original", fallback_reason="limit/cpu")
        found = payload(call)
        assert (found.status, found.served_by, found.version) == ("failure", "original", "v3")
        assert (found.evidence, found.limits_hit) == ("cpu_ms=1003.3 limit=1000", ("cpu",))
        assert found.error is not None
        assert (found.error.type, found.error.stack_trace) == ("limit/cpu", None)

    def test_nothing_was_tried(self) -> None:
        """The original answered as it always had: that is no failure, and nothing measured it but the clock."""
        found = payload(dataclasses.replace(CALL, version="original", outcome=None, attempts=0))
        assert (found.status, found.outcome, found.limits_hit) == ("success", None, None)
        assert dataclasses.astuple(found.metrics) == (500.0, 0.0, 0.0)

    def test_an_exception_keeps_its_class_message_and_traceback(self) -> None:
        info = ErrorInfo("ValueError", "no data", "Traceback …")
        found = payload(dataclasses.replace(CALL, outcome=Outcome(status=Status.ERROR, cause="exception", error=info)))
        assert found.error is not None
        assert dataclasses.astuple(found.error) == ("ValueError", "no data", "Traceback …")

    def test_an_exception_without_a_class_has_one_in_the_event(self) -> None:
        """The name came from the guest, which may have sent anything."""
        outcome = Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("", ""))
        found = payload(dataclasses.replace(CALL, outcome=outcome))
        assert found.error is not None
        assert (found.error.type, found.error.stack_trace) == ("unknown", None)

    def test_denied_calls_are_told_whatever_the_status(self) -> None:
        outcome = Outcome(status=Status.OK, denied=(DeniedCall("socket", 2), DeniedCall("listxattr", 1)))
        found = payload(dataclasses.replace(CALL, outcome=outcome))
        assert found.denied == (DeniedNote(call="socket", count=2), DeniedNote(call="listxattr", count=1))
        assert payload(CALL).denied is None

    def test_a_clock_that_was_set_back_makes_no_negative_duration(self) -> None:
        assert payload(dataclasses.replace(CALL, end=90.0)).metrics.duration_ms == 0.0


class TestRecorder:
    def test_an_event_has_the_documented_form(self, recorder: Recorder) -> None:
        """Exactly these fields, on the disk, in JSON."""
        call = dataclasses.replace(CALL, outcome=LIMIT, served_by="original", fallback_reason="limit/cpu")
        event = json.loads(stored(recorder, call).to_json())
        assert event == {
            "id": event["id"],
            "type": "function.execution",
            "timestamp": 1_700_000_000.0,
            "correlation_id": "the-call",
            "metadata": {"version": "1.2", "environment": "testing", "service": "tests"},
            "payload": {
                "function_name": "detect_drift",
                "version": "v3",
                "execution_id": "the-call",
                "start_time": 100.0,
                "end_time": 100.5,
                "status": "failure",
                "metrics": {
                    "duration_ms": 500.0,
                    "memory_mb": 0.0,
                    "cpu_percent": event["payload"]["metrics"]["cpu_percent"],
                },
                "error": {"type": "limit/cpu", "message": "limit/cpu (cpu_ms=1003.3 limit=1000)"},
                "outcome": "limit",
                "cause": "cpu",
                "served_by": "original",
                "attempts": 1,
                "policy_digest": POLICY.digest,
                "fallback_reason": "limit/cpu",
                "evidence": "cpu_ms=1003.3 limit=1000",
                "limits_hit": ["cpu"],
                "policy": "restricted",
                "budgets": {
                    "wall_ms": 5000.0,
                    "cpu_ms": 4000.0,
                    "memory_bytes": 256 << 20,
                    "tasks": 9,
                    "output_bytes": 1 << 20,
                },
                "usage": {"wall_ms": 1009.0, "cpu_ms": 1003.3, "output_bytes": 0},
            },
        }
        assert event["payload"]["metrics"]["cpu_percent"] == pytest.approx(100 * 1003.3 / 1009)

    def test_code_cannot_keep_its_call_out_of_the_journal(self, recorder: Recorder) -> None:
        """The longest texts that a guest can choose, in the characters that JSON makes longest, still fit an event."""
        huge = "\x00" * 2_000_000
        outcome = Outcome(
            status=Status.ERROR,
            cause="exception",
            error=ErrorInfo(huge, huge, huge),
            evidence=Evidence("exception", huge, source="guest"),
        )
        call = dataclasses.replace(CALL, function_name=huge, outcome=outcome, fallback_reason=huge)
        event = stored(recorder, call)
        assert event.payload.error is not None
        assert "1992000 characters are left out" in event.payload.error.message

    def test_both_ends_of_a_long_traceback_are_kept(self, recorder: Recorder) -> None:
        """The place where it began, and the error that it ends with."""
        trace = "Traceback\n" + "  File x\n" * 50_000 + "RecursionError"
        outcome = Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("RecursionError", "", trace))
        error = stored(recorder, dataclasses.replace(CALL, outcome=outcome)).payload.error
        assert error is not None
        kept = str(error.stack_trace)
        assert (kept[:9], kept[-14:], len(kept) < 65_000) == ("Traceback", "RecursionError", True)

    def test_lone_surrogates_and_other_oddities_are_recorded(self, recorder: Recorder) -> None:
        outcome = Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("E", "\ud800 \u202e", ""))
        error = stored(recorder, dataclasses.replace(CALL, outcome=outcome)).payload.error
        assert error is not None
        assert error.message == "? \u202e"

    def test_a_violation_is_on_the_disk_when_record_returns(self, recorder: Recorder, tmp_path: Path) -> None:
        """Another reader of the file sees it at once, without anybody flushing."""
        outcome = Outcome(status=Status.VIOLATION, cause="network")
        event_id = recorder.record(dataclasses.replace(CALL, outcome=outcome))
        with Journal.open(tmp_path / "journal.db") as other:
            assert other.get(event_id) is not None

    def test_events_have_ids_of_their_own(self, recorder: Recorder) -> None:
        """Two calls are two events, even where somebody gave them one execution id."""
        assert len({recorder.record(CALL) for _ in range(10)}) == 10

    def test_a_closed_journal_says_so(self, recorder: Recorder) -> None:
        recorder.close()
        with pytest.raises(ClosedError):
            recorder.record(CALL)


def test_nobody_but_the_journal_hears_of_recordings(tmp_path: Path) -> None:
    """Exporters leave the machine; arguments do not."""
    told: list[Event] = []
    count = itertools.count(1)
    factory = EventFactory(lambda: 1.0, lambda size: next(count).to_bytes(size), "testing", "tests", "1.2")
    with Journal.open(tmp_path / "own.db") as journal:
        recorder = Recorder(journal, factory, told.append)
        about = recorder.record(CALL)
        kept = recorder.get(recorder.recording(RECORDING, about=about))
        of_call = journal.find(execution_id="the-call")
    assert [event.type for event in told] == ["function.execution"]
    assert isinstance(kept, RecordingEvent)
    assert (kept.payload, kept.causation_id, kept.correlation_id) == (RECORDING, about, "the-call")
    assert [event.type for event in of_call] == ["function.recording", "function.execution"]
