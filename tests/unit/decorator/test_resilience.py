"""The pipeline as users of `@poet` meet it: retries, deadline, breakers, fallbacks, for `def` and `async def`."""

import asyncio
import gc
import inspect
import os
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine import InputRefused
from poet_engine.decorator.handle import PoetHandle
from poet_engine.decorator.options import Options
from poet_engine.errors import GuestError, LimitError, NotServedError
from poet_engine.job import Job
from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status
from poet_engine.resilience.breaker import BreakerRegistry, BreakerSettings
from poet_engine.resilience.breaker.stored_state import find
from poet_engine.sandbox.fake import failed, ok
from poet_engine.versions import VersionStore

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

NAIVE = {"drift_detected": False, "score": 0.0}
DETECTOR = """\
from poet_engine.decorator import poet


@poet(domain="ml_monitoring"{})
def detect_drift(current, reference):
    return {{"drift_detected": False, "score": 0.0}}
"""
FLAKY = """\
from poet_engine.decorator import poet

ANSWERS = []


@poet{}
{}def unreliable_api_call():
    answer = ANSWERS.pop(0)
    if isinstance(answer, BaseException):
        raise answer
    return answer
"""
DOWN = Outcome(
    status=Status.ERROR, cause="exception", blame=Blame.CODE, error=ErrorInfo("ConnectionError", "connection refused")
)


def in_turn(answers: Iterable[Outcome]) -> Callable[[Job], Outcome]:
    """The sandbox's answers, one for each attempt."""
    left = list(answers)
    return lambda _job: left.pop(0)


class Flaky:
    """A host function with a script, called as what it is."""

    def __init__(self, workshop: "Workshop", options: str = "(idempotent=True)", kind: str = "") -> None:
        self.function: Detector = workshop.load(FLAKY.format(options, kind), "api", "unreliable_api_call")

    def __call__(self, *answers: object) -> object:
        self.function.original.__globals__["ANSWERS"][:] = answers
        value = self.function()
        return asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value: object) -> object:
    assert inspect.isawaitable(value)
    result: object = await value
    return result


@pytest.mark.parametrize("kind", ["", "async "])
class TestHost:
    """A function whose body stays in the host."""

    def test_it_is_retried_until_it_answers(self, workshop: "Workshop", kind: str) -> None:
        """Two refused connections and a value: the caller sees the value, and the event three attempts."""
        flaky = Flaky(workshop, kind=kind)
        assert flaky(ConnectionError("down"), TimeoutError(), "answer") == "answer"
        [event] = workshop.events()
        assert (event.payload.attempts, event.payload.status, event.payload.served_by) == (3, "success", "original")
        assert workshop.clock.now == pytest.approx(1000 + 0.025 + 0.05)

    def test_with_none_it_is_retried_while_there_is_time(self, workshop: "Workshop", kind: str) -> None:
        """Within 5 s of jittered pauses there is time for a dozen attempts and more."""
        flaky = Flaky(workshop, "(retries=None, idempotent=True)", kind)
        assert flaky(*[ConnectionError()] * 12, "answer") == "answer"
        with pytest.raises(ConnectionError):
            flaky(*[ConnectionError()] * 50)
        assert workshop.clock.now <= 1010

    def test_after_three_retries_the_caller_gets_the_very_exception(self, workshop: "Workshop", kind: str) -> None:
        errors = [ConnectionError(number) for number in range(4)]
        with pytest.raises(ConnectionError) as caught:
            Flaky(workshop, kind=kind)(*errors, "too late")
        assert caught.value is errors[3]
        payload = workshop.events()[0].payload
        assert (payload.attempts, payload.status, payload.served_by) == (4, "failure", "none")

    @pytest.mark.parametrize(
        "options", ["", "(idempotent=False)", "(retries=0)", "(retry_on=())", "(retry_on=KeyError)"]
    )
    def test_it_is_not_retried_where_that_was_ruled_out(self, workshop: "Workshop", kind: str, options: str) -> None:
        with pytest.raises(ConnectionError):
            Flaky(workshop, options, kind)(ConnectionError(), "too late")
        assert workshop.events()[0].payload.attempts == 1

    def test_any_other_exception_is_the_callers_at_once(self, workshop: "Workshop", kind: str) -> None:
        with pytest.raises(ValueError, match="mine"):
            Flaky(workshop, kind=kind)(ValueError("mine"), "too late")
        assert workshop.events()[0].payload.attempts == 1

    def test_a_breaker_opens_when_it_stays_down(self, workshop: "Workshop", kind: str) -> None:
        """Then nobody is called, and the error says when to come again; errors about the input do not open it."""
        workshop.breaker_settings = BreakerSettings(minimum_number_of_calls=2, sliding_window_size=2)
        flaky = Flaky(workshop, "(retries=0)", kind)
        for _ in range(3):
            with pytest.raises(ValueError, match="mine"):
                flaky(ValueError("mine"))
        for _ in range(2):
            with pytest.raises(ConnectionError):
                flaky(ConnectionError())
        with pytest.raises(NotServedError, match="breaker") as caught:
            flaky("not asked")
        assert caught.value.by == "breaker"
        assert caught.value.retry_after == pytest.approx(60.0)
        payload = workshop.events()[-1].payload
        assert (payload.status, payload.served_by, payload.attempts) == ("failure", "none", 0)


def test_a_coroutine_ends_at_a_deadline_that_was_asked_for(workshop: "Workshop") -> None:
    """It is cancelled, and the caller gets a TimeoutError that names the option."""
    text = FLAKY.format("(timeout='10ms')", "async ").replace(
        "    answer = ANSWERS.pop(0)", "    import asyncio\n    await asyncio.Event().wait()\n    answer = 1"
    )
    never: Detector = workshop.load(text, "api", "unreliable_api_call")
    with pytest.raises(TimeoutError, match="timeout"):
        asyncio.run(_awaited(never()))


class TestSandboxed:
    def test_our_own_fault_is_tried_again(self, workshop: "Workshop") -> None:
        workshop.answer = in_turn([failed(Status.INFRA, "setup", Blame.ENGINE), DOWN, ok(1)])
        execution = workshop.load(DETECTOR.format("")).poet.call([1.0], [2.0])
        assert (execution.value, execution.served_by, execution.attempts) == (1, "generated", 3)
        assert (execution.queue_wait, execution.fallback_reason) == (0.0, None)

    def test_each_attempt_has_the_rest_of_five_seconds(self, workshop: "Workshop") -> None:
        def slow(_job: Job) -> Outcome:
            workshop.clock.advance(2.0)
            return DOWN

        workshop.answer = slow
        workshop.load(DETECTOR.format(", retries=None"))([1.0], [2.0])
        assert [job.wall for job in workshop.jobs] == [5.0, pytest.approx(2.975), pytest.approx(0.925)]

    def test_the_event_says_that_the_original_was_late(self, workshop: "Workshop") -> None:
        """It began when the deadline had passed: nothing can stop it, so the caller waits, and it is told."""

        def slow(_job: Job) -> Outcome:
            workshop.clock.advance(6.0)
            return failed(Status.LIMIT, "wall")

        workshop.answer = slow
        assert workshop.load(DETECTOR.format(""))([1.0], [2.0]) == NAIVE
        assert workshop.events()[0].payload.late is True

    @pytest.mark.parametrize(
        ("outcome", "error"), [(DOWN, GuestError), (failed(Status.LIMIT, "cpu"), LimitError)], ids=["error", "limit"]
    )
    def test_what_may_have_begun_is_not_run_again(
        self, workshop: "Workshop", outcome: Outcome, error: type[Exception]
    ) -> None:
        """Not by a retry and not by the original; the caller gets the error of the version."""
        workshop.answer = outcome
        with pytest.raises(error):
            workshop.load(DETECTOR.format(", idempotent=False"))([1.0], [2.0])
        payload = workshop.events()[0].payload
        assert (payload.attempts, payload.served_by, payload.version) == (1, "none", "v1")

    def test_what_certainly_never_began_is_answered_by_the_original(self, workshop: "Workshop") -> None:
        workshop.answer = failed(Status.REJECTED, "scan_ast")
        assert workshop.load(DETECTOR.format(", idempotent=False"))([1.0], [2.0]) == NAIVE

    def test_a_bad_version_is_not_asked_any_more(self, workshop: "Workshop") -> None:
        """Its breaker opens; the original answers at once, and the event says why."""
        workshop.breaker_settings = BreakerSettings(minimum_number_of_calls=2, sliding_window_size=2)
        workshop.answer = failed(Status.LIMIT, "cpu")
        detect = workshop.load(DETECTOR.format(""))
        assert [detect([1.0], [2.0]) for _ in range(4)] == [NAIVE] * 4
        assert len(workshop.jobs) == 2
        payload = workshop.events()[-1].payload
        assert (payload.served_by, payload.version, payload.attempts) == ("original", "original", 0)
        assert "breaker" in str(payload.fallback_reason)

    def test_errors_that_the_original_raises_too_count_against_nobody(self, workshop: "Workshop") -> None:
        workshop.breaker_settings = BreakerSettings(minimum_number_of_calls=2, sliding_window_size=2)
        workshop.answer = Outcome(
            status=Status.ERROR, cause="exception", blame=Blame.CODE, error=ErrorInfo("KeyError", "'x'")
        )
        detect = workshop.load(DETECTOR.format("").replace("    return", "    current['x']\n    return"))
        detect.poet.adopt("def detect_drift(current, reference):\n    return None\n")
        for _ in range(5):
            with pytest.raises(TypeError):
                detect([1.0], [2.0])
        assert len(workshop.jobs) == 10  # of both versions, five times

    def test_a_violation_pins_the_breaker(self, workshop: "Workshop") -> None:
        """One is enough, and time does not open it again."""
        workshop.answer = failed(Status.VIOLATION, "network")
        detect = workshop.load(DETECTOR.format(""))
        detect([1.0], [2.0])
        workshop.clock.advance(100_000)
        workshop.answer = ok(1)
        assert detect([1.0], [2.0]) == NAIVE

    @pytest.mark.parametrize("is_async", [False, True])
    def test_the_pin_of_a_violation_is_on_the_disk_when_the_call_returns(
        self, workshop: "Workshop", *, is_async: bool
    ) -> None:
        """Nobody has asked for it but the call itself."""
        workshop.breakers = BreakerRegistry(
            lambda _key: BreakerSettings(),
            clock=workshop.clock,
            wall_clock=lambda: 0.0,
            random=lambda: 0.5,
            stores=lambda key: VersionStore(Path(key.function).parent, clock=lambda: 1000.0).function(
                Path(key.function).name
            ),
        )
        workshop.answer = failed(Status.VIOLATION, "network")
        text = DETECTOR.format("")
        detect = workshop.load(text.replace("def detect", "async def detect") if is_async else text)
        answer = detect([1.0], [2.0])
        assert (asyncio.run(_awaited(answer)) if is_async else answer) == NAIVE
        stored = VersionStore(workshop.folder / ".poet", clock=lambda: 1000.0).function("detect_drift").state("v1")
        assert find(stored or {}, "scripted").record.pinned

    def test_a_previous_version_answers_for_a_bad_one(self, workshop: "Workshop") -> None:
        """The event judges the new one and says who answered."""
        detect = workshop.load(DETECTOR.format(""))
        detect([1.0], [2.0])
        detect.poet.adopt("def detect_drift(current, reference):\n    return None\n")
        workshop.answer = lambda job: ok("older") if "v1" in job.filename else failed(Status.CRASH, "signal:SIGSEGV")
        execution = detect.poet.call([1.0], [2.0])
        assert (execution.value, execution.served_by, execution.version) == ("older", "previous_version", "v2")
        payload = workshop.events()[-1].payload
        assert (payload.served_by, payload.status, payload.version) == ("previous_version", "failure", "v2")

    def test_a_version_that_refuses_is_not_overruled(self, workshop: "Workshop") -> None:
        info = ErrorInfo("InputRefused", "current: must not be empty")
        workshop.answer = Outcome(status=Status.REFUSED, cause="input", error=info, blame=Blame.CALLER)
        with pytest.raises(InputRefused):
            workshop.load(DETECTOR.format(""))([], [2.0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_holds_no_place_of_its_parent(workshop: "Workshop") -> None:
    """Bulkheads start empty there: the threads that would leave are in the parent."""
    detect = workshop.load(DETECTOR.format(""))
    detect([1.0], [2.0])
    bulkhead = workshop.engines[0].admission.bulkhead
    assert bulkhead.enter() is True
    child = os.fork()
    if not child:
        os._exit(bulkhead.statistics().running)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bulkhead.statistics().running == 1


class MineError(Exception):
    """An error that a weak reference can be made to."""


def fail() -> None:
    """Raise it."""
    raise MineError


def test_an_error_of_the_caller_keeps_nothing_alive(workshop: "Workshop") -> None:
    """What the error's traceback holds does not hold the error."""
    handle = PoetHandle(fail, Options())
    gone = list[weakref.ref[MineError]]()
    gc.disable()
    try:
        try:
            handle.call()
        except MineError as error:
            gone.append(weakref.ref(error))
        assert gone[0]() is None
    finally:
        gc.enable()
    assert workshop.clock.now == 1000


async def afail() -> None:
    """Raise it."""
    raise MineError


def test_an_error_of_a_coroutine_keeps_nothing_alive(workshop: "Workshop") -> None:
    """The same where the call was awaited."""
    handle = PoetHandle(afail, Options())
    gone = list[weakref.ref[MineError]]()

    async def call() -> None:
        try:
            await handle.acall()
        except MineError as error:
            gone.append(weakref.ref(error))

    gc.disable()
    try:
        asyncio.run(call())
        assert gone[0]() is None
    finally:
        gc.enable()
    assert workshop.clock.now == 1000


class TestStory:
    """What a call's event tells beside who answered."""

    def test_each_attempt_with_its_time(self, workshop: "Workshop") -> None:
        flaky = Flaky(workshop)
        flaky(ConnectionError("down"), "answer")
        [event] = workshop.events()
        told = [(one.by, one.result, one.after_ms) for one in event.payload.tries or ()]
        assert told == [
            ("original", "raised ConnectionError", 0.0),
            ("original", "ok", pytest.approx(25.0)),
        ]
        assert event.payload.deadline_ms == 5000.0

    def test_one_attempt_is_told_by_the_rest_of_the_event(self, workshop: "Workshop") -> None:
        """It also names what the policy gave and what was used."""
        workshop.load(DETECTOR.format(""))([1.0], [2.0])
        payload = workshop.events()[-1].payload
        assert (payload.tries, payload.refusals, payload.asked) == (None, None, None)
        assert (payload.policy, payload.sandbox) == ("data", "scripted")
        assert payload.budgets is not None
        assert payload.budgets.memory_bytes

    def test_whoever_was_asked_and_what_turned_the_call_away(self, workshop: "Workshop") -> None:
        workshop.breaker_settings = BreakerSettings(minimum_number_of_calls=1, sliding_window_size=1)
        workshop.answer = failed(Status.LIMIT, "cpu")
        detect = workshop.load(DETECTOR.format(""))
        detect([1.0], [2.0])
        detect([1.0], [2.0])
        first, second = (event.payload for event in workshop.events())
        assert [(one.by, one.result) for one in first.tries or ()] == [("generated", "limit/cpu"), ("original", "ok")]
        assert (second.version, second.asked) == ("original", "v1")
        [refusal] = second.refusals or ()
        assert refusal.by == "breaker"
        assert refusal.retry_after == pytest.approx(60.0)

    def test_of_very_many_attempts_the_first_and_the_last_are_kept(self, workshop: "Workshop") -> None:
        flaky = Flaky(workshop, "(retries=None, timeout='100s', idempotent=True)")
        with pytest.raises(ConnectionError):
            flaky(*[ConnectionError()] * 70)
        [event] = workshop.events()
        tries = event.payload.tries or ()
        assert len(tries) == min(50, event.payload.attempts or 0)
        assert tries[-1].after_ms > tries[-2].after_ms


def test_metrics_of_each_version(workshop: "Workshop") -> None:
    """Of what the journal holds: all calls, whichever process made them."""
    detect = workshop.load(DETECTOR.format(""))
    workshop.answer = ok(1)
    detect([1.0], [2.0])
    workshop.answer = failed(Status.LIMIT, "cpu")
    detect([1.0], [2.0])
    [found] = detect.poet.metrics()
    assert (found.function, found.version, found.calls, found.success_rate) == ("detect_drift", "v1", 2, 0.5)
    assert [one.calls for one in detect.poet.metrics(calls=1)] == [1]
