"""Calls of a decorated `async def`."""

import asyncio
import gc
import inspect
import threading
from typing import TYPE_CHECKING

import pytest

from poet_engine import InputRefused
from poet_engine.errors import SandboxUnavailableError, UsageError
from poet_engine.events import ExecutionEvent
from poet_engine.job import Job
from poet_engine.outcome import ErrorInfo, Outcome, Status
from poet_engine.sandbox.fake import failed, ok

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

NAIVE = {"drift_detected": False, "score": 0.0}

ASYNC = '''\
from poet_engine.decorator import poet


@poet(domain="ml_monitoring")
async def detect_drift(current, reference):
    """Tell whether the data has drifted."""
    return {"drift_detected": False, "score": 0.0}
'''


def only_event(workshop: "Workshop") -> ExecutionEvent:
    [event] = workshop.events()
    return event


async def acall(detect: "Detector") -> object:
    """What an `async def` gives to those who await it."""
    answer = detect([1.0], [2.0])
    assert inspect.isawaitable(answer)
    value: object = await answer
    return value


class TestAsync:
    def test_it_is_still_a_coroutine_function(self, workshop: "Workshop") -> None:
        detect = workshop.load(ASYNC)
        assert [inspect.iscoroutinefunction(function) for function in (detect, detect.original)] == [True, True]

    def test_the_version_answers(self, workshop: "Workshop") -> None:
        assert asyncio.run(acall(workshop.load(ASYNC))) == {"drift_detected": True}
        payload = only_event(workshop).payload
        assert (payload.served_by, payload.version) == ("generated", "v1")

    def test_the_original_answers_for_a_version_that_failed(self, workshop: "Workshop") -> None:
        workshop.answer = failed(Status.LIMIT, "memory")
        assert asyncio.run(acall(workshop.load(ASYNC))) == NAIVE
        assert only_event(workshop).payload.served_by == "original"

    def test_hosted_ones_answer_without_a_thread(self, workshop: "Workshop") -> None:
        """Once it is known that there is nothing to wait for, no thread is asked."""
        workshop.refuses = SandboxUnavailableError("no sandbox stands here; use another machine")
        detect = workshop.load(ASYNC)

        async def twice() -> list[object]:
            first = await acall(detect)
            before = threading.active_count()
            second = await acall(detect)
            assert threading.active_count() == before
            return [first, second]

        assert asyncio.run(twice()) == [NAIVE, NAIVE]
        assert [event.payload.served_by for event in workshop.events()] == ["original"] * 2

    def test_a_call_that_is_cancelled_while_the_version_runs_leaves_one_event(self, workshop: "Workshop") -> None:
        """The attempt is ended first, and the event says that the caller has gone."""
        reached, go_on = threading.Event(), threading.Event()

        def wait(_job: Job) -> Outcome:
            reached.set()
            assert go_on.wait(10)
            return ok(1)

        workshop.answer = wait
        detect = workshop.load(ASYNC)

        async def cancelled() -> None:
            task = asyncio.ensure_future(acall(detect))
            assert await asyncio.to_thread(reached.wait, 10)
            task.cancel()
            await asyncio.sleep(0)  # the cancellation arrives; the attempt still runs, so the task is not done
            assert not task.done()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        payload = only_event(workshop).payload
        assert (payload.served_by, payload.version, payload.outcome) == ("none", "v1", "cancelled")
        assert payload.fallback_reason == "the caller cancelled the call"
        assert workshop.engines[0].admission.bulkhead.statistics().running == 0

    def test_call_says_that_acall_is_meant(self, workshop: "Workshop") -> None:
        """A coroutine that nobody awaits is not an answer."""
        with pytest.raises(UsageError, match="acall"):
            workshop.load(ASYNC).poet.call([1.0], [2.0])
        gc.collect()  # a coroutine that was made and not awaited would warn here, and warnings are errors
        assert workshop.events() == []

    def test_a_refusal_in_async_code(self, workshop: "Workshop") -> None:
        info = ErrorInfo("InputRefused", "argument 'current': must not be empty")
        workshop.answer = Outcome(status=Status.REFUSED, cause="input", error=info)
        with pytest.raises(InputRefused, match="must not be empty"):
            asyncio.run(acall(workshop.load(ASYNC)))
        assert only_event(workshop).payload.served_by == "none"
