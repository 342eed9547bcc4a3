"""Performs the steps of a call by a script, under a clock that only the script moves."""

import dataclasses

from tests.unit.resilience.clocks import Clock

from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status
from poet_engine.resilience.answer import Answer, Transient
from poet_engine.resilience.budget import RetryBudget
from poet_engine.resilience.bulkhead import Bulkhead, Capacity
from poet_engine.resilience.guard import NotAdmitted, Went
from poet_engine.resilience.performing import Pauses, perform
from poet_engine.resilience.pipeline import Attempt, Pipeline, Plan, Rung, Served
from poet_engine.sandbox.scripted import failed, ok

TRANSIENT = Transient.of((ConnectionError, TimeoutError))

GOOD = Answer(outcome=ok(1))
BAD = Answer(outcome=failed(Status.LIMIT, "cpu"))
FLAKY = Answer(outcome=Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("ConnectionError", "down")))
OURS = Answer(outcome=failed(Status.INFRA, "setup", Blame.ENGINE))
LOST = Answer(outcome=failed(Status.INFRA, "lane_lost", Blame.ENGINE))
REFUSED = Answer(outcome=failed(Status.REFUSED, "input"))
UNTRIED = Answer(untried="argument 'x' cannot travel")


class Recorded:
    """A pass that keeps what it was told."""

    def __init__(self, guard: "Gatekeeper") -> None:
        self._guard = guard

    def tell(self, went: Went) -> None:
        self._guard.told.append(went)

    def give_back(self) -> None:
        self._guard.given_back += 1


class Gatekeeper:
    """A guard that lets through as it is told."""

    def __init__(self, *, closed: bool = False) -> None:
        self.closed = closed
        self.told: list[Went] = []
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
        self.pipeline = Pipeline(clock=self.clock, now=lambda: 0.0, noise=lambda: 0.5)
        self.fallback = Bulkhead(Capacity(running=1, waiting=0))
        self.guard = Gatekeeper()
        self.plan = dataclasses.replace(
            Plan(
                first=Rung.GENERATED,
                timeout=5.0,
                transient=TRANSIENT,
                budget=RetryBudget(self.clock),
                fallback=self.fallback,
                guards=(self.guard,),
            ),
            **changes,  # type: ignore[arg-type]  # tests name fields of the plan
        )
        self.script: dict[Rung, list[Answer]] = {Rung.ORIGINAL: [Answer(value="original")]}
        self.takes = 0.0
        self.seen: list[Attempt] = []
        self.paused: list[float] = []

    def attempt(self, step: Attempt) -> Answer:
        """The next answer of the script; the last one for ever after."""
        self.seen.append(step)
        self.clock.advance(self.takes)
        answers = self.script[step.rung]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.clock.advance(seconds)

    def call(self, *answers: Answer, rung: Rung = Rung.GENERATED) -> Served:
        """Once, in a thread or in a task: both must say the same."""
        if answers:
            self.script[rung] = list(answers)
        return perform(self.pipeline.steps(self.plan), self.attempt, Pauses(self.pause, self.clock.aadvance))

    @property
    def rungs(self) -> list[Rung]:
        return [step.rung for step in self.seen]
