"""Recorded calls: what is kept of them, where, and that it costs no call its answer."""

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from poet_engine import InputRefused
from poet_engine.decorator import poet
from poet_engine.errors import ClosedError, OutcomeError, UsageError
from poet_engine.events import MAX_BYTES, RecordingPayload
from poet_engine.journal.recorder import Recorder
from poet_engine.journal.recordings import MOST_BYTES
from poet_engine.outcome import Blame, Status
from poet_engine.sandbox.fake import failed, ok

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Workshop

RECORDED = """\
from poet_engine.decorator import poet


@poet(domain="ml_monitoring", record={record}{options})
{define} detect_drift(current, reference):
    if current is None:
        raise ValueError("so the original says")
    if isinstance(current, list) and current == ["changed"]:
        current.append("by the original")
    found = {{"drift_detected": False}}
    if isinstance(current, str):
        found["drift_detected"] = iter([])
    return found
"""
FAILED = failed(Status.ERROR, "exception", Blame.CODE)


def text(record: object = True, options: str = "", define: str = "def") -> str:  # noqa: FBT002 - as in the text
    return RECORDED.format(record=record, options=options, define=define)


def only(workshop: "Workshop") -> RecordingPayload:
    [event] = workshop.recordings()
    return event.payload


def arguments(found: RecordingPayload) -> object:
    assert found.arguments is not None
    return json.loads(found.arguments)


class TestWhatIsKept:
    def test_arguments_answer_and_what_they_belong_to(self, workshop: "Workshop") -> None:
        execution = workshop.load(text()).poet.call([1.0], [2.0])
        [event] = workshop.recordings()
        found = event.payload
        assert (event.causation_id, event.correlation_id) == (execution.event_id, execution.execution_id)
        assert (found.execution_id, found.function_name, found.folder) == (
            execution.execution_id, "detect_drift", "detect_drift",
        )  # fmt: skip
        assert (found.version, found.served_by, found.policy) == ("v1", "generated", "data")
        assert found.policy_digest == workshop.engines[0].policy.digest
        assert arguments(found) == {"args": [[1.0], [2.0]], "kwargs": {}}
        assert found.answer == '{"drift_detected":true}'
        assert (found.error, found.left_out) == (None, None)

    def test_what_the_original_does_to_its_arguments_comes_too_late(self, workshop: "Workshop") -> None:
        """The answer is the one that the caller got, the original's."""
        workshop.answer, given = FAILED, ["changed"]
        workshop.load(text())(given, [2.0])
        found = only(workshop)
        assert given == ["changed", "by the original"]
        assert arguments(found) == {"args": [["changed"], [2.0]], "kwargs": {}}
        assert (found.answer, found.served_by) == ('{"drift_detected":false}', "original")

    def test_an_exception_of_the_original(self, workshop: "Workshop") -> None:
        workshop.answer = FAILED
        with pytest.raises(ValueError, match="so the original says"):
            workshop.load(text())(None, reference=[2.0])
        found = only(workshop)
        assert found.error is not None
        assert (found.error.type, found.error.message) == ("ValueError", "so the original says")
        assert (found.answer, found.served_by) == (None, "none")
        assert arguments(found) == {"args": [None], "kwargs": {"reference": [2.0]}}

    def test_an_outcome_that_the_caller_gets_as_an_error(self, workshop: "Workshop") -> None:
        workshop.answer = failed(Status.LIMIT, "cpu", Blame.CODE)
        detect = workshop.load(text(options=", idempotent=False"))
        with pytest.raises(OutcomeError):
            detect([1.0], [2.0])
        found = only(workshop)
        assert found.error is not None
        assert (found.error.type, found.answer) == ("limit/cpu", None)

    def test_an_async_def(self, workshop: "Workshop") -> None:
        detect = workshop.load(text(define="async def"))
        assert asyncio.run(detect.poet.acall([1.0], [2.0])).value == {"drift_detected": True}
        found = only(workshop)
        assert (arguments(found), found.answer) == ({"args": [[1.0], [2.0]], "kwargs": {}}, '{"drift_detected":true}')

    def test_an_interrupt(self, workshop: "Workshop") -> None:
        """A call that was given up for taking too long is one to look at again."""

        def interrupt(_job: object) -> object:
            raise KeyboardInterrupt

        workshop.answer = interrupt  # type: ignore[assignment]  # it never answers
        with pytest.raises(KeyboardInterrupt):
            workshop.load(text())([1.0], [2.0])
        found = only(workshop)
        assert found.error is not None
        assert (found.error.type, found.served_by) == ("cancelled/caller", "none")
        assert found.arguments is not None

    def test_in_shadow_the_answer_is_the_originals(self, workshop: "Workshop") -> None:
        workshop.serves = "shadow"
        workshop.load(text())([1.0], [2.0])
        found = only(workshop)
        assert (found.answer, found.served_by, found.version) == ('{"drift_detected":false}', "original", "v1")


class TestWhenItIsKept:
    @pytest.mark.parametrize(
        ("option", "setting", "kept"),
        [(None, False, 0), (None, True, 1), (True, False, 1), (False, True, 0)],
    )
    def test_what_the_function_says_comes_before_the_setting(
        self, workshop: "Workshop", *, option: bool | None, setting: bool, kept: int
    ) -> None:
        """A function with secrets keeps them, whatever the environment says."""
        workshop.recorded = setting
        workshop.load(text(option))([1.0], [2.0])
        assert (len(workshop.recordings()), len(workshop.events())) == (kept, 1)

    def test_no_version_no_recording(self, workshop: "Workshop") -> None:
        workshop.serves = "off"
        workshop.load(text())([1.0], [2.0])
        assert (workshop.recordings(), len(workshop.events())) == ([], 1)

    def test_the_share_of_the_original_is_not_recorded(self, workshop: "Workshop") -> None:
        workshop.serves, workshop.dice = "canary", 0.99
        workshop.load(text())([1.0], [2.0])
        assert (workshop.recordings(), len(workshop.events())) == ([], 1)

    def test_an_argument_that_breaks_a_rule_is_not_recorded(self, workshop: "Workshop") -> None:
        module = text().replace("current, reference", "current, reference: int")
        with pytest.raises(InputRefused):
            workshop.load(module)([1.0], "text")
        assert (workshop.recordings(), len(workshop.events())) == ([], 1)

    @pytest.mark.parametrize("record", [1, "yes", 0])
    def test_the_option_is_a_boolean(self, record: object) -> None:
        with pytest.raises(UsageError, match=r"@poet\(record=…\) is True, False or None"):
            poet(record=record)  # type: ignore[call-overload]  # callers without a type checker get here


class TestWhatIsLeftOut:
    def test_an_argument_that_cannot_travel(self, workshop: "Workshop", caplog: pytest.LogCaptureFixture) -> None:
        """The original answers as ever, its answer is kept, and the reason is there; it is said once."""
        detect = workshop.load(text())
        with caplog.at_level(logging.WARNING, logger="poet_engine"):
            values = [detect([1.0], {"handle": open}) for _ in range(2)]
        assert values == [{"drift_detected": False}] * 2
        found = workshop.recordings()[0].payload
        assert (found.arguments, found.answer) == (None, '{"drift_detected":false}')
        assert "call['args'][1]['handle'] is a builtin_function_or_method" in str(found.left_out)
        assert caplog.text.count("is recorded in part") == 1

    def test_an_answer_that_cannot_travel(self, workshop: "Workshop") -> None:
        workshop.answer = FAILED
        assert workshop.load(text())("odd", [2.0]) is not None
        found = only(workshop)
        assert arguments(found) == {"args": ["odd", [2.0]], "kwargs": {}}
        assert found.answer is None
        assert "the answer['drift_detected'] is a list_iterator" in str(found.left_out)

    @pytest.mark.parametrize(
        "large", ["x" * MOST_BYTES, np.zeros(MOST_BYTES // 8), [1.0] * (MOST_BYTES // 4)], ids=["text", "array", "list"]
    )
    def test_what_is_too_large(self, workshop: "Workshop", large: object) -> None:
        workshop.load(text())(large, [2.0])
        found = only(workshop)
        assert (found.arguments, found.answer) == (None, '{"drift_detected":true}')
        assert f"a recording keeps at most {MOST_BYTES:,}" in str(found.left_out)

    def test_the_largest_that_is_kept_fits_into_an_event(self, workshop: "Workshop") -> None:
        """Of the wire form, an event doubles each quotation mark and backslash."""
        most = '"' * (MOST_BYTES // 2 - 50)
        workshop.answer = ok(most)
        workshop.load(text())(most, [2.0])
        [event] = workshop.recordings()
        assert None not in (event.payload.arguments, event.payload.answer)
        assert MAX_BYTES * 0.95 < len(event.to_json()) < MAX_BYTES

    def test_large_arrays_below_the_bound_are_kept(self, workshop: "Workshop") -> None:
        """From 64 KiB on they would travel beside the wire form; a recording has one piece."""
        workshop.load(text())(np.zeros(10_000), [2.0])
        assert only(workshop).left_out is None


class _BrokenRecorder(Recorder):
    """Its journal takes calls, and was closed when recordings come."""

    def recording(self, payload: RecordingPayload, *, about: str) -> str:
        raise ClosedError(f"the journal is closed, so {payload.execution_id} of {about} is not kept")


def test_a_recording_that_fails_costs_no_answer(workshop: "Workshop", caplog: pytest.LogCaptureFixture) -> None:
    detect = workshop.load(text())
    path = Path(workshop.folder, ".poet", "events", "journal.db")
    real = workshop.recorder(path)
    workshop.recorders[path] = _BrokenRecorder(real._journal, real._factory)
    assert [detect([1.0], [2.0]) for _ in range(2)] == [{"drift_detected": True}] * 2
    assert caplog.text.count("leaves no recordings") == 1
    assert (workshop.recordings(), len(workshop.events())) == ([], 2)
