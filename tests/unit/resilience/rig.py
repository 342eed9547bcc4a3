"""Performs the steps of a call by a script, under a clock that only the script moves."""

import dataclasses

from tests.unit.resilience.clocks import Clock

from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status
from poet_engine.resilience.attempts import AttemptResult, Transient
from poet_engine.resilience.bulkhead import Bulkhead, Capacity
from poet_engine.resilience.call_report import CallReport, Rung
from poet_engine.resilience.drivers import Pauses, perform
from poet_engine.resilience.gates import FinishedCall, NotAdmitted
from poet_engine.resilience.pipeline import Attempt, CallPlan, Pipeline
from poet_engine.resilience.retry_budget import RetryBudget
from poet_engine.sandbox.fake import failed, ok

TRANSIENT = Transient.of((ConnectionError, TimeoutError))

GOOD = AttemptResult(outcome=ok(1))
BAD = AttemptResult(outcome=failed(Status.LIMIT, "cpu"))
FLAKY = AttemptResult(
    outcome=Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("ConnectionError", "down"))
)
OURS = AttemptResult(outcome=failed(Status.INFRA, "setup", Blame.ENGINE))
LOST = AttemptResult(outcome=failed(Status.INFRA, "lane_lost", Blame.ENGINE))
REFUSED = AttemptResult(outcome=failed(Status.REFUSED, "input"))
UNTRIED = AttemptResult(untried="argument 'x' cannot travel")


def begun() -> CallReport:
    """The report of a call that nothing has happened to."""
    return CallReport(function_name="f", execution_id="one", start=0.0)


class Recorded:
    """A pass that keeps what it was told."""

    def __init__(self, guard: "Gatekeeper") -> None:
        self._guard = guard

    def tell(self, went: FinishedCall) -> None:
        self._guard.told.append(went)

    def give_back(self) -> None:
        self._guard.given_back += 1


class Gatekeeper:
    """A guard that lets through as it is told."""

    def __init__(self, *, closed: bool = False) -> None:
        self.closed = closed
        self.told: list[FinishedCall] = []
        self.given_back = self.passes = 0

    def admit(self) -> Recorded | NotAdmitted:
        if self.closed:
            return NotAdmitted("breaker", "it is open", 30.0)
        self.passes += 1
        return Recorded(self)

    @property
    def out(self) -> int:
        """Passes that were neither used nor given back."""
        return self.passes - len(self.told) - self.given_back


class Rig:
    """Everything that a call needs, and a script of what each attempt gives and how long it takes."""

    def __init__(self, **changes: object) -> None:
        self.clock = Clock()
        self.pipeline = Pipeline(clock=self.clock, now=lambda: 0.0, random=lambda: 0.5)
        self.fallback = Bulkhead(Capacity(running=1, waiting=0))
        self.guard = Gatekeeper()
        self.plan = dataclasses.replace(
            CallPlan(
                first=Rung.GENERATED,
                timeout=5.0,
                transient=TRANSIENT,
                budget=RetryBudget(self.clock),
                fallback=self.fallback,
                guards=(self.guard,),
            ),
            **changes,  # type: ignore[arg-type]  # tests name fields of the plan
        )
        self.script: dict[Rung, list[AttemptResult]] = {Rung.ORIGINAL: [AttemptResult(value="original")]}
        self.takes = 0.0
        self.seen: list[Attempt] = []
        self.paused: list[float] = []

    def attempt(self, step: Attempt) -> AttemptResult:
        """The next answer of the script; the last one for ever after."""
        self.seen.append(step)
        self.clock.advance(self.takes)
        answers = self.script[step.rung]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.clock.advance(seconds)

    def call(self, *answers: AttemptResult, rung: Rung = Rung.GENERATED) -> CallReport:
        """Once, in a thread or in a task: both must say the same."""
        if answers:
            self.script[rung] = list(answers)
        return perform(self.pipeline.steps(self.plan, begun()), self.attempt, Pauses(self.pause, self.clock.aadvance))

    @property
    def rungs(self) -> list[Rung]:
        return [step.rung for step in self.seen]
