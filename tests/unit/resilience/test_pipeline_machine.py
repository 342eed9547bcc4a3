"""Many calls at once in any order of steps, answers, waits and cancellations: what must hold whatever happens."""

import dataclasses

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.unit.resilience.clocks import Clock
from tests.unit.resilience.rig import begun

from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status
from poet_engine.resilience.attempts import AttemptResult, Transient, body_never_started
from poet_engine.resilience.bulkhead import Bulkhead, Capacity
from poet_engine.resilience.call_report import CallReport, Rung
from poet_engine.resilience.gates import FinishedCall, NotAdmitted
from poet_engine.resilience.pipeline import Attempt, CallPlan, Pipeline, Settle, Step, Steps, Wait
from poet_engine.resilience.retry import Pause
from poet_engine.resilience.retry_budget import MOST, RetryBudget
from poet_engine.sandbox.fake import failed, ok

PLACES, SEATS, ORIGINALS, TIMEOUT, RETRIES = 2, 2, 2, 5.0, 3
ANSWERS = (
    AttemptResult(outcome=ok(1)),
    AttemptResult(outcome=failed(Status.LIMIT, "cpu")),
    AttemptResult(outcome=failed(Status.REFUSED, "input", Blame.CALLER)),
    AttemptResult(outcome=failed(Status.INFRA, "setup", Blame.ENGINE)),
    AttemptResult(outcome=failed(Status.INFRA, "lane_lost", Blame.ENGINE)),
    AttemptResult(outcome=Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("TimeoutError", ""))),
    AttemptResult(outcome=failed(Status.VIOLATION, "network")),
    AttemptResult(untried="cannot travel"),
)


class Turnstile:
    """A guard that counts its passes, each of which must come back exactly once."""

    def __init__(self) -> None:
        self.open, self.out = True, 0

    def admit(self) -> "Ticket | NotAdmitted":
        if not self.open:
            return NotAdmitted("breaker", "it is open")
        self.out += 1
        return Ticket(self)


class Ticket:
    """Used once."""

    def __init__(self, turnstile: Turnstile) -> None:
        self._turnstile, self._used = turnstile, False

    def tell(self, _went: FinishedCall) -> None:
        self.give_back()

    def give_back(self) -> None:
        assert not self._used
        self._used = True
        self._turnstile.out -= 1


@dataclasses.dataclass
class Call:
    """One call, and the step that it waits to have done."""

    steps: Steps
    began: float
    idempotent: bool
    retries: int | None
    step: Step | None = None
    seen: list[tuple[Rung, AttemptResult | None]] = dataclasses.field(default_factory=list)
    served: CallReport | None = None

    @property
    def of_version(self) -> int:
        return sum(rung is Rung.GENERATED for rung, _ in self.seen)


class PipelineMachine(RuleBasedStateMachine):
    """Calls of one function; the test does their steps in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.pipeline = Pipeline(clock=self.clock, now=self.clock, random=lambda: 0.5)
        self.guards = (Turnstile(), Turnstile())
        self.older = Turnstile()
        self.bulkhead = Bulkhead(Capacity(PLACES, SEATS))
        self.fallback = Bulkhead(Capacity(ORIGINALS, SEATS))
        self.budget = RetryBudget(self.clock)
        self.calls: list[Call] = []
        self.begun = self.retried = 0

    @rule(idempotent=st.booleans(), previous=st.booleans(), retries=st.none() | st.integers(0, RETRIES))
    def begin(self, *, idempotent: bool, previous: bool, retries: int | None) -> None:
        plan = CallPlan(
            first=Rung.GENERATED,
            timeout=TIMEOUT,
            transient=Transient.of((TimeoutError,)),
            budget=self.budget,
            fallback=self.fallback,
            retries=retries,
            idempotent=idempotent,
            guards=self.guards,
            bulkhead=self.bulkhead,
            previous=(self.older,) if previous else None,
            settle=lambda: None,
        )
        call = Call(self.pipeline.steps(plan, begun()), self.clock.now, idempotent, retries)
        self.calls.append(call)
        self.begun += 1
        self._send(call, None)

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 50), answer=st.sampled_from(ANSWERS), took=st.sampled_from([0.0, 0.01, 1.0, 6.0]))
    def proceed(self, which: int, answer: AttemptResult, took: float) -> None:
        call = self.calls[which % len(self.calls)]
        match call.step:
            case Attempt(rung=rung):
                self.clock.advance(took)
                given = AttemptResult(value=0) if rung is Rung.ORIGINAL else answer
                call.seen[-1] = (rung, given)
                self._send(call, given)
            case Pause(seconds=seconds):
                self.clock.advance(seconds)
                self._send(call, None)
            case Wait(seat=seat, seconds=seconds):
                if not seat.granted:
                    self.clock.advance(seconds)
                self._send(call, None)
            case Settle():
                assert any(given is not None and given.violated for _rung, given in call.seen)
                self._send(call, None)
            case None:
                raise AssertionError("a call that is over is not in the list")

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 50))
    def cancel(self, which: int) -> None:
        self.calls.pop(which % len(self.calls)).steps.close()

    @rule(which=st.integers(0, 1), is_open=st.booleans())
    def turn(self, which: int, *, is_open: bool) -> None:
        self.guards[which].open = is_open

    def _send(self, call: Call, answer: AttemptResult | None) -> None:
        try:
            call.step = call.steps.send(answer)
        except StopIteration as end:
            self.calls.remove(call)
            self._over(call, end.value)
            return
        if isinstance(call.step, Attempt):
            self._attempted(call, call.step)
        if isinstance(call.step, Pause):
            assert self.clock.now + call.step.seconds < call.began + TIMEOUT

    def _attempted(self, call: Call, step: Attempt) -> None:
        left = call.began + TIMEOUT - self.clock.now
        if step.rung is Rung.ORIGINAL:
            assert step.wall is None
            if not call.idempotent:
                assert all(answer is not None and body_never_started(answer) for _, answer in call.seen)
        else:
            assert step.wall is not None
            assert 0 < step.wall <= left + 1e-9
        self.retried += step.rung is Rung.GENERATED and call.of_version > 0
        call.seen.append((step.rung, None))
        assert call.idempotent or call.of_version <= 1
        assert call.retries is None or call.of_version <= call.retries + 1

    def _over(self, call: Call, served: CallReport) -> None:
        """Whoever answered is the last that was asked, and a version that did well or refused is never overruled."""
        assert served.attempts == call.of_version
        if served.by is None:
            assert served.turned_away is not None or not call.idempotent
            return
        rung, answer = call.seen[-1]
        assert (served.by, served.answer) == (rung, answer)
        assert not any(one is not None and (one.ok or one.refused) for _, one in call.seen[:-1])

    @invariant()
    def nothing_is_lost(self) -> None:
        """Passes, places and seats belong to calls that are under way, and to no others."""
        steps = [call.step for call in self.calls]
        assert all(guard.out <= len(self.calls) for guard in self.guards)
        versions = sum(isinstance(step, Pause) for step in steps) + sum(
            isinstance(step, Attempt) and step.rung is Rung.GENERATED for step in steps
        )
        others = sum(isinstance(step, Attempt) and step.rung is not Rung.GENERATED for step in steps)
        granted = sum(isinstance(step, Wait) and step.seat.granted for step in steps)
        waiting = sum(isinstance(step, Wait) and not step.seat.granted for step in steps)
        first, second = self.bulkhead.statistics(), self.fallback.statistics()
        assert versions <= first.running <= PLACES
        assert others <= second.running <= ORIGINALS
        assert first.running + second.running == versions + others + granted
        assert first.waiting + second.waiting == waiting

    @invariant()
    def retries_are_paid_for(self) -> None:
        passed = self.clock.now - 1000.0
        assert self.retried <= MOST + 0.2 * self.begun + 10 * passed

    def teardown(self) -> None:
        """When every call has gone, nothing is held."""
        for call in self.calls:
            call.steps.close()
        assert [guard.out for guard in (*self.guards, self.older)] == [0, 0, 0]
        for bulkhead in (self.bulkhead, self.fallback):
            now = bulkhead.statistics()
            assert (now.running, now.waiting) == (0, 0)


TestPipelineMachine = PipelineMachine.TestCase
TestPipelineMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
