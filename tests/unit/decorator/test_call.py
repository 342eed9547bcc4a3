"""A decorated call: who answers, what the caller gets, and what is recorded of it."""

import dataclasses
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.decorator.conftest import REPLACED

from poet_engine import InputRefused
from poet_engine.errors import ClosedError
from poet_engine.events import ExecutionEvent
from poet_engine.job import Job
from poet_engine.journal import JournalError
from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status, Usage
from poet_engine.sandbox.fake import failed, ok

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

NAIVE = {"drift_detected": False, "score": 0.0}

DECORATED = """\
from poet_engine.decorator import poet


@poet(domain="ml_monitoring"{})
def detect_drift({}):
    return {{"drift_detected": False}}
"""

RAISING = """\
from poet_engine.decorator import poet


FAULTS = {}


@poet(domain="ml_monitoring")
def detect_drift(current, reference):
    raise FAULTS[current]
"""
STORED = "def detect_drift(current, reference):\n    return None\n"


class UnshowableError(Exception):
    """The user's own class, with a slip in it."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def with_fault(detect: "Detector", error: BaseException) -> "Detector":
    """Let the original raise that very object when it is called with `"it"`."""
    detect.original.__globals__["FAULTS"]["it"] = error
    return detect


def only_event(workshop: "Workshop") -> ExecutionEvent:
    [event] = workshop.events()
    return event


class TestGenerated:
    def test_the_version_answers(self, workshop: "Workshop") -> None:
        """Its value is the caller's, and the execution says where it came from."""
        detect = workshop.load()
        assert detect([1.0], [2.0]) == {"drift_detected": True}
        execution = detect.poet.call([1.0], [2.0])
        assert (execution.served_by, execution.version, execution.attempts) == ("generated", "v1", 1)
        assert execution.fallback_reason is None
        assert execution.outcome is not None
        assert execution.outcome.execution_id == execution.execution_id == "execution-2"

    def test_the_event_has_the_users_schema(self, workshop: "Workshop") -> None:
        """Exactly these fields, with the clock, the ids and the usage that the parts reported."""
        usage = Usage(wall_ms=200.0, cpu_ms=50.0, memory_peak_bytes=3_000_000)
        workshop.answer = dataclasses.replace(ok(1), usage=usage)
        execution = workshop.load().poet.call([1.0], [2.0])
        event = only_event(workshop)
        assert event.id == execution.event_id
        assert (event.type, event.correlation_id) == ("function.execution", execution.execution_id)
        policy = workshop.engines[0].policy.digest
        payload = dataclasses.asdict(event.payload)
        took = (payload["end_time"] - payload["start_time"]) * 1000
        assert payload["start_time"] > 1_000_000
        assert took >= 1000
        assert payload["usage"]["memory_bytes"] == 3_000_000
        assert payload["budgets"]["cpu_ms"] == 4000.0
        assert payload == {
            "function_name": "detect_drift",
            "version": "v1",
            "execution_id": execution.execution_id,
            "start_time": payload["start_time"],
            "end_time": payload["end_time"],
            "status": "success",
            "metrics": {"duration_ms": took, "memory_mb": 3.0, "cpu_percent": 25.0},
            "error": None,
            "outcome": "ok",
            "cause": None,
            "served_by": "generated",
            "attempts": 1,
            "queue_wait_ms": 0.0,
            "policy_digest": policy,
            "fallback_reason": None,
            "evidence": None,
            "limits_hit": (),
            "findings": None,
            "late": None,
            "asked": None,
            "blame": None,
            "sandbox": "scripted",
            "policy": "data",
            "deadline_ms": 5000.0,
            "budgets": payload["budgets"],
            "usage": payload["usage"],
            "tries": None,
            "refusals": None,
            "denied": None,
            "module": "monitoring",
        }

    def test_arguments_arrive_as_they_were_given(self, workshop: "Workshop") -> None:
        """Positional ones as such, keywords as such, and defaults are left to the version."""
        detect = workshop.load(DECORATED.format("", "current, reference, *, alpha=0.05"))
        detect([1.0], reference=[2.0])
        detect([1.0], [2.0], alpha=0.2)
        given = [(list(job.args), dict(job.kwargs)) for job in workshop.jobs]
        assert given == [([[1.0]], {"reference": [2.0]}), ([[1.0], [2.0]], {"alpha": 0.2})]

    def test_a_traceback_names_the_version_and_not_the_machine(self, workshop: "Workshop") -> None:
        """The guest is not told in which folder of the host its code lies."""
        workshop.load()([1.0], [2.0])
        assert [job.filename for job in workshop.jobs] == ["detect_drift/v1/code.py"]

    def test_the_timeout_becomes_the_deadline_of_each_call(self, workshop: "Workshop") -> None:
        detect = workshop.load(DECORATED.format(", timeout='250ms'", "current, reference"))
        detect.poet.prepare()  # within the deadline of the first call there may be no time for it
        detect([1.0], [2.0])
        assert [job.wall for job in workshop.jobs] == [0.25]

    def test_what_the_version_prints_goes_to_the_log_and_cannot_act_there(
        self, workshop: "Workshop", caplog: pytest.LogCaptureFixture
    ) -> None:
        """No escape sequence reaches a terminal, and no line of it can pass for a record of the log's own."""
        stdout = "one\nERROR forged\x1b[31m\u202e"
        workshop.answer = dataclasses.replace(ok(1), stdout=stdout, stderr="x" * 100_000)
        with caplog.at_level(logging.INFO, logger="poet_engine.guest"):
            workshop.load()([1.0], [2.0])
        told = [(record.levelname, record.getMessage()) for record in caplog.records]
        assert told == [
            ("WARNING", REPLACED),
            ("INFO", "detect_drift: one"),
            ("INFO", "detect_drift: ERROR forged\\x1b[31m\\u202e"),
            ("WARNING", f"detect_drift: {'x' * 8000}"),
            ("WARNING", "detect_drift: … 92,000 more characters"),
        ]


FAILURES = [
    failed(Status.REJECTED, "scan_ast"),
    failed(Status.ERROR, "exception"),
    failed(Status.LIMIT, "cpu"),
    failed(Status.CRASH, "signal:SIGSEGV"),
    failed(Status.VIOLATION, "network"),
    failed(Status.NO_RESULT, "early_exit"),
    failed(Status.CANCELLED, "shutdown"),
    failed(Status.INFRA, "setup", Blame.ENGINE),
]


class TestFallback:
    def test_every_status_is_either_an_answer_a_refusal_or_here(self) -> None:
        assert {outcome.status for outcome in FAILURES} | {Status.OK, Status.REFUSED} == set(Status)

    @pytest.mark.parametrize("outcome", FAILURES, ids=lambda outcome: str(outcome.status))
    def test_the_original_answers_for_a_version_that_failed(self, workshop: "Workshop", outcome: Outcome) -> None:
        """The event judges the version by what came of it, and says who answered and why."""
        workshop.answer = outcome
        execution = workshop.load().poet.call([1.0], [2.0])
        assert (execution.value, execution.served_by, execution.version) == (NAIVE, "original", "v1")
        attempts = 4 if outcome.status is Status.INFRA else 1
        reason = outcome.describe() + ("; all 4 attempts failed" if attempts > 1 else "")
        assert execution.fallback_reason == reason
        payload = only_event(workshop).payload
        assert (payload.status, payload.outcome, payload.cause) == ("failure", str(outcome.status), outcome.cause)
        assert (payload.served_by, payload.version, payload.attempts) == ("original", "v1", attempts)
        assert payload.fallback_reason == reason
        assert payload.error is not None

    def test_a_kind_of_failure_is_told_once(self, workshop: "Workshop", caplog: pytest.LogCaptureFixture) -> None:
        """The second failure of the same kind is silent; another kind is told."""
        detect = workshop.load()
        for cause in ("cpu", "cpu", "wall"):
            workshop.answer = failed(Status.LIMIT, cause)
            detect([1.0], [2.0])
        told = [record.getMessage() for record in caplog.records if record.getMessage() != REPLACED]
        assert [("limit/cpu" in text, "limit/wall" in text) for text in told] == [(True, False), (False, True)]

    def test_arguments_that_cannot_travel(self, workshop: "Workshop", caplog: pytest.LogCaptureFixture) -> None:
        """The original answers, no version is judged for it, and it is told once."""
        detect = workshop.load()
        detect.poet.prepare()
        execution = detect.poet.call(object(), [2.0])
        detect.poet.call(object(), [2.0])
        assert (execution.value, execution.served_by) == (NAIVE, "original")
        assert (execution.version, execution.outcome.sandbox, execution.attempts) == ("original", "host", 0)
        assert "argument 1" in str(execution.fallback_reason)
        assert [record.getMessage() == REPLACED for record in caplog.records] == [True, False]
        assert "argument 1" in caplog.text
        payload = workshop.events()[0].payload
        assert (payload.version, payload.status, payload.attempts) == ("original", "success", 0)
        assert workshop.jobs == []

    def test_an_argument_that_misbehaves_when_it_is_read(
        self, workshop: "Workshop", caplog: pytest.LogCaptureFixture
    ) -> None:
        """What nobody foresaw costs the caller no answer either, and the log has its traceback."""

        def misbehave(_job: Job) -> Outcome:
            raise RuntimeError("dictionary changed size during iteration")

        workshop.answer = misbehave
        execution = workshop.load().poet.call([1.0], [2.0])
        assert (execution.value, execution.version) == (NAIVE, "original")
        assert caplog.records[-1].exc_info is not None
        assert len(workshop.events()) == 1

    def test_the_originals_own_error_is_the_callers(self, workshop: "Workshop") -> None:
        """The very same exception object, where no version was tried; the event judges the original."""
        error = ConnectionError("mine")
        with pytest.raises(ConnectionError) as caught:
            with_fault(workshop.load(RAISING), error)("it", [2.0])
        assert caught.value is error
        payload = only_event(workshop).payload
        assert (payload.version, payload.status, payload.served_by) == ("original", "failure", "none")
        assert payload.error is not None
        assert (payload.error.type, payload.error.message) == ("ConnectionError", "mine")

    def test_the_originals_own_error_after_a_version_failed(self, workshop: "Workshop") -> None:
        """The same exception object; the event judges the version, and tells of the original as well."""
        workshop.answer = failed(Status.LIMIT, "cpu")
        error = ConnectionError("mine")
        detect = with_fault(workshop.load(RAISING), error)
        detect.poet.adopt(STORED)
        with pytest.raises(ConnectionError) as caught:
            detect("it", [2.0])
        assert caught.value is error
        payload = only_event(workshop).payload
        assert (payload.version, payload.outcome, payload.served_by) == ("v1", "limit", "none")
        assert str(payload.fallback_reason).endswith("; then the original raised ConnectionError: mine")

    def test_an_error_that_cannot_be_shown_is_still_the_callers(self, workshop: "Workshop") -> None:
        """A class whose text fails does not replace the exception by another one."""
        error = UnshowableError()
        with pytest.raises(UnshowableError) as caught:
            with_fault(workshop.load(RAISING), error)("it", [2.0])
        assert caught.value is error
        assert only_event(workshop).payload.error is not None

    def test_ctrl_c_during_the_version_leaves_an_event(self, workshop: "Workshop") -> None:
        """The interrupt goes to the caller; neither the version nor the original answered."""

        def interrupt(_job: Job) -> Outcome:
            raise KeyboardInterrupt

        workshop.answer = interrupt
        with pytest.raises(KeyboardInterrupt):
            workshop.load()([1.0], [2.0])
        payload = only_event(workshop).payload
        assert (payload.served_by, payload.outcome, payload.cause) == ("none", "cancelled", "caller")


class TestRefusal:
    REFUSED = Outcome(
        status=Status.REFUSED, cause="input", error=ErrorInfo("InputRefused", "argument 'current': must not be empty")
    )

    def test_a_refusal_is_the_callers_and_never_the_fallbacks(self, workshop: "Workshop") -> None:
        """The caller gets InputRefused with the rule, although the original would have answered."""
        workshop.answer = self.REFUSED
        detect = workshop.load()
        with pytest.raises(InputRefused, match="must not be empty") as caught:
            detect([], [2.0])
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value.outcome, Outcome)
        assert caught.value.outcome.execution_id == "execution-1"
        payload = only_event(workshop).payload
        assert (payload.status, payload.outcome, payload.served_by) == ("failure", "refused", "none")
        assert payload.fallback_reason is None


class TestJournal:
    def test_a_journal_that_cannot_be_opened_costs_no_answer(
        self, workshop: "Workshop", caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is told once, and the event's id is empty."""
        workshop.journal_refuses = JournalError("journal.db: not a database; move it away")
        detect = workshop.load()
        executions = [detect.poet.call([1.0], [2.0]) for _ in range(2)]
        assert [execution.value for execution in executions] == [{"drift_detected": True}] * 2
        assert [execution.event_id for execution in executions] == ["", ""]
        assert [record.getMessage() for record in caplog.records] == [
            REPLACED,
            "detect_drift leaves no events: journal.db: not a database; move it away",
        ]
        assert detect.poet.event("any") is None

    def test_a_journal_that_was_closed_costs_no_answer(
        self, workshop: "Workshop", caplog: pytest.LogCaptureFixture
    ) -> None:
        """As at the end of the program, when the last calls come after the journal has gone."""
        detect = workshop.load()
        detect([1.0], [2.0])
        for recorder in workshop.recorders.values():
            recorder.close()
        assert detect([1.0], [2.0]) == {"drift_detected": True}
        assert "leaves no events" in caplog.text

    def test_an_event_is_found_by_its_id(self, workshop: "Workshop") -> None:
        detect = workshop.load()
        execution = detect.poet.call([1.0], [2.0])
        event = detect.poet.event(execution.event_id)
        assert event is not None
        assert event.id == execution.event_id


class TestManyThreads:
    def test_the_first_call_prepares_once(self, workshop: "Workshop") -> None:
        """Eight threads call at once: one version, one trial, eight answers, eight events."""
        detect = workshop.load()
        start, answers = threading.Barrier(8), []

        def call() -> None:
            start.wait(10)
            answers.append(detect([1.0], [2.0]))

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert answers == [{"drift_detected": True}] * 8
        assert [version.name for version in detect.poet.versions()] == ["v1"]
        assert len(workshop.trials) == 3
        assert len({event.payload.execution_id for event in workshop.events()}) == 8


class TestEngineThatIsGone:
    def test_a_closed_engine_is_opened_again(self, workshop: "Workshop") -> None:
        """The stored version serves on, without a new trial."""
        detect = workshop.load()
        detect([1.0], [2.0])
        trials = len(workshop.trials)
        workshop.engines[0].close()
        assert detect.poet.call([1.0], [2.0]).version == "v1"
        assert (len(workshop.engines), len(workshop.trials)) == (2, trials)

    def test_an_engine_that_is_closed_at_the_wrong_moment_costs_no_answer(self, workshop: "Workshop") -> None:
        def closed(_job: Job) -> Outcome:
            raise ClosedError("this sandbox was closed; open another one")

        workshop.answer = closed
        execution = workshop.load().poet.call([1.0], [2.0])
        assert (execution.value, execution.version, execution.attempts) == (NAIVE, "original", 0)

    def test_the_state_folder_is_made_only_where_it_is_needed(self, workshop: "Workshop", tmp_path: Path) -> None:
        """A module whose own folder can be written leaves nothing elsewhere."""
        workshop.load()([1.0], [2.0])
        assert {entry.name for entry in tmp_path.iterdir()} == {"monitoring.py", ".poet"}
