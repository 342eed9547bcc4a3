"""What breakers learn from calls that went through the pipeline."""

import pytest
from tests.unit.resilience.clocks import Clock

from poet_engine.outcome import Blame, Status
from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.breaker import Breaker, BreakerSettings, State
from poet_engine.resilience.breaker_gates import BreakerGuard, BreakerVerdict, of_backend, of_host, of_version
from poet_engine.resilience.classification import Count
from poet_engine.resilience.gates import FinishedCall, NotAdmitted
from poet_engine.sandbox.fake import failed, ok

GOOD, WALL = AttemptResult(outcome=ok(1)), AttemptResult(outcome=failed(Status.LIMIT, "wall"))
RAISED = AttemptResult(outcome=failed(Status.ERROR, "exception"))
OURS = AttemptResult(outcome=failed(Status.INFRA, "setup", Blame.ENGINE))
STALLED = AttemptResult(outcome=failed(Status.INFRA, "queue_stalled", Blame.ENGINE))
LOAD = [AttemptResult(outcome=failed(Status.INFRA, cause, Blame.ENGINE)) for cause in ("queue_timeout", "queue_full")]


@pytest.mark.parametrize(
    ("went", "version", "backend"),
    [
        (FinishedCall(None), Count.NOTHING, Count.NOTHING),
        (FinishedCall(AttemptResult(untried="cannot travel")), Count.NOTHING, Count.NOTHING),
        (FinishedCall(GOOD), Count.SUCCESS, Count.SUCCESS),
        (FinishedCall(WALL), Count.FAILURE, Count.SUCCESS),
        (FinishedCall(WALL, clipped=True), Count.NOTHING, Count.SUCCESS),
        (FinishedCall(RAISED), Count.FAILURE, Count.SUCCESS),
        (FinishedCall(RAISED, original_raised="KeyError"), Count.NOTHING, Count.SUCCESS),
        (FinishedCall(OURS, transient=True), Count.NOTHING, Count.FAILURE),
        (FinishedCall(STALLED, transient=True), Count.NOTHING, Count.FAILURE),
        *((FinishedCall(one, transient=True), Count.NOTHING, Count.NOTHING) for one in LOAD),
    ],
)
def test_a_version_and_its_backend(went: FinishedCall, version: Count, backend: Count) -> None:
    """A backend is told no duration: how long code takes is the code's doing."""
    assert of_version(went).count is version
    assert of_backend(went).count is backend
    assert not of_backend(went).timed or of_backend(went).count is Count.NOTHING


@pytest.mark.parametrize(
    ("went", "count"),
    [
        (FinishedCall(None), Count.NOTHING),
        (FinishedCall(AttemptResult(value=1)), Count.SUCCESS),
        (FinishedCall(AttemptResult(error=ConnectionError()), transient=True), Count.FAILURE),
        (FinishedCall(AttemptResult(error=ValueError())), Count.NOTHING),
    ],
)
def test_an_original_in_the_host(went: FinishedCall, count: Count) -> None:
    """Only what `retry_on` names says anything of what the function depends on."""
    assert of_host(went) == BreakerVerdict(count)


def guarded(**settings: float) -> tuple[Breaker, BreakerGuard]:
    size = {"minimum_number_of_calls": 2, "sliding_window_size": 2, **settings}
    breaker = Breaker("f v1", BreakerSettings(**size), clock=Clock(), random=lambda: 0.5)  # type: ignore[arg-type]  # numbers, by name
    return breaker, BreakerGuard(breaker, of_version)


def call(guard: BreakerGuard, went: FinishedCall) -> None:
    entry = guard.admit()
    assert not isinstance(entry, NotAdmitted)
    entry.tell(went)


def test_an_open_breaker_turns_calls_away() -> None:
    breaker, guard = guarded()
    call(guard, FinishedCall(WALL))
    call(guard, FinishedCall(WALL))
    entry = guard.admit()
    assert isinstance(entry, NotAdmitted)
    assert (entry.by, entry.retry_after, breaker.state) == ("breaker", 60.0, State.OPEN)
    assert entry.reason.startswith("the breaker of f v1 is open: ")


def test_slow_calls_are_told_as_such() -> None:
    breaker, guard = guarded(slow_call_duration_threshold=1.0)
    call(guard, FinishedCall(GOOD, duration=2.0))
    call(guard, FinishedCall(GOOD, duration=2.0))
    assert breaker.state is State.OPEN


def test_a_violation_pins_it() -> None:
    breaker, guard = guarded()
    call(guard, FinishedCall(AttemptResult(outcome=failed(Status.VIOLATION, "network"))))
    assert (breaker.state, breaker.statistics().pinned) == (State.FORCED_OPEN, True)


def test_a_call_that_was_given_up_leaves_no_trace() -> None:
    breaker, guard = guarded()
    entry = guard.admit()
    assert not isinstance(entry, NotAdmitted)
    entry.give_back()
    assert breaker.statistics().counts.calls == 0


def test_load_opens_no_backends_breaker_and_a_backend_without_lanes_does() -> None:
    """However many callers are turned away."""
    breaker, _guard = guarded()
    backend = BreakerGuard(breaker, of_backend)
    for _ in range(500):
        for answer in LOAD:
            call(backend, FinishedCall(answer, transient=True))
    assert str(breaker.state) == "closed"
    for _ in range(2):
        call(backend, FinishedCall(STALLED, transient=True))
    assert str(breaker.state) == "open"
