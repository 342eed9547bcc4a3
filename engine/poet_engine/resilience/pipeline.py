"""The one way that a call goes: fallback → deadline → breaker → bulkhead and rate limit → retry → attempt.

`Pipeline.steps` is all of the logic, as a generator: it yields what to do next (an attempt, a pause, a wait for a
place) and is sent what came of it. `drivers` has the two short loops that do these things, one for threads and one
for asyncio. Closing the generator at any point gives back whatever the call holds, so a call that is cancelled or
interrupted needs no code of its own. Nothing is locked between two steps. What is
planned, what has happened and what is decided are read together, so the module stays in one piece.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Generator

from poet_engine.events import AttemptNote
from poet_engine.outcome import Blame
from poet_engine.resilience import retry
from poet_engine.resilience.attempts import AttemptResult, Transient, asked_to_wait, body_never_started, in_short
from poet_engine.resilience.bulkhead import Bulkhead, BulkheadWaiter
from poet_engine.resilience.call_report import CallReport, Rung
from poet_engine.resilience.deadline import Deadline
from poet_engine.resilience.gates import Admission, FinishedCall, Guard, NotAdmitted
from poet_engine.resilience.rate_limit import RateLimit
from poet_engine.resilience.retry_budget import RetryBudget

_WHOLE = 0.9  # of its usual time: an attempt that had less ran out of what others had used up


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """Step: let one of the rungs answer, and send its `AttemptResult`.

    Attributes:
        rung: Whose turn it is.
        wall: Seconds that it may take; None where nothing bounds it.
    """

    rung: Rung
    wall: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Step: wait until the seat is granted a place, but no longer than so many seconds."""

    seat: BulkheadWaiter
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Settle:
    """Step: wait until what the breakers have decided is on the disk; `wait` blocks, for some seconds at the most."""

    wait: Callable[[], object]


Step = Attempt | retry.Pause | Wait | Settle
Steps = Generator[Step, AttemptResult | None, CallReport]
_Part = Generator[Step, AttemptResult | None, NotAdmitted | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """The plan of one call.

    Attributes:
        first: Who is asked first: the version, or the original of a function that runs in the host.
        timeout: Seconds for everything but a fallback to the original.
        wall: Seconds that one attempt has at the most, by a policy; None where nothing but the timeout bounds it.
        retries: Attempts after the first; None for as many as there is time for.
        transient: Which failures are worth another attempt.
        idempotent: Whether the body may run more than once for a call. If not, there is one attempt, and nobody
            answers instead unless the body certainly never started.
        once: Asked before an answer that failed is followed by another attempt: why there must be none; None where
            another one does no harm.
        budget: What retries are paid from.
        guards: Breakers, the outermost first.
        bulkhead: Bounds how many run at once.
        rate: Bounds how many begin in a time.
        fallback: Bounds how many are answered by a fallback at once.
        previous: The guards of the previous good version; None where there is no such version.
        settle: Waits until what the guards have decided outlives a kill; None where nothing does.
    """

    first: Rung
    timeout: float
    transient: Transient
    budget: RetryBudget
    fallback: Bulkhead
    wall: float | None = None
    retries: int | None = 3
    idempotent: bool = True
    once: Callable[[AttemptResult], str | None] = lambda _answer: None
    guards: tuple[Guard, ...] = ()
    bulkhead: Bulkhead | None = None
    rate: RateLimit | None = None
    previous: tuple[Guard, ...] | None = None
    settle: Callable[[], object] | None = None

    def clips(self, left: float) -> bool:
        """Whether an attempt that has so many seconds has clearly less than it would have at once."""
        return left < _WHOLE * min(self.timeout, self.timeout if self.wall is None else self.wall)


@dataclasses.dataclass(slots=True)
class _PipelineState:
    """A call on its way: its report, and what only the pipeline needs to know."""

    report: CallReport
    deadline: Deadline
    began: float
    took: float = 0.0  # of the last attempt
    clipped: bool = False  # the same
    violated: bool = False  # by any of the versions

    def note(self, rung: Rung, answer: AttemptResult, began: float, ended: float) -> None:
        """Add an attempt to the report."""
        self.violated |= answer.violated
        after, took = began - self.began, ended - began
        note = AttemptNote(by=rung, result=in_short(answer), after_ms=after * 1e3, took_ms=took * 1e3)
        self.report.add_attempt(note)

    def turn_away(self, refusal: NotAdmitted | None) -> None:
        """Remember by whom the call was turned away, if it was."""
        self.report.turned_away = refusal
        if refusal is not None:
            self.report.add_refusal(refusal)


@dataclasses.dataclass(frozen=True, slots=True)
class Pipeline:
    """Decides the steps of calls; see the module.

    Args:
        clock: Monotonic seconds.
        now: Seconds since the epoch.
        random: Random numbers, 0 <= n < 1.
    """

    clock: Callable[[], float]
    now: Callable[[], float]
    random: Callable[[], float]

    def steps(self, plan: CallPlan, report: CallReport) -> Steps:
        """The steps of one call, from its beginning to its report, which then says who served it.

        Args:
            plan: How it goes.
            report: What is known of it when it begins; what happens is added.
        """
        began = self.clock()
        state = _PipelineState(report, Deadline.after(plan.timeout, began), began)
        report.queue_wait = 0.0
        passes: list[Admission] = []
        plan.budget.count_call()
        try:
            state.turn_away(_admitted(plan.guards, passes) or (yield from self._with_place(plan, state)))
            if state.violated:  # at once: whoever answers instead may take long, and other calls begin meanwhile
                _tell(passes, _finished(plan, state))
            report.by, report.answer = yield from self._answered(plan, state)
            _tell(passes, _finished(plan, state))
            if state.violated and plan.settle is not None:
                yield Settle(plan.settle)
        finally:
            _give_back(passes)
        report.late = state.deadline.passed(self.clock())
        return report

    def _with_place(self, plan: CallPlan, state: _PipelineState) -> _Part:
        """The attempts, in a place of the bulkhead if there is one and at the rate that is allowed."""
        if plan.rate is not None and (wait := plan.rate.admit()) > 0:
            rate = plan.rate.rate
            reason = f"{rate.calls} calls in {rate.seconds:g} s have begun already"
            return NotAdmitted("rate_limit", reason, wait)
        if plan.bulkhead is None:
            return (yield from self._attempts(plan, state))
        refused = yield from self._placed(plan.bulkhead, state, state.deadline.left(state.began))
        if refused is not None:
            return refused
        try:
            return (yield from self._attempts(plan, state))
        finally:
            plan.bulkhead.leave()

    def _placed(self, bulkhead: Bulkhead, state: _PipelineState, patience: float) -> _Part:
        """A place, waited for if need be; whoever returns from here without a refusal has to leave it."""
        entry = bulkhead.enter()
        if entry is True:
            return None
        if entry is False:
            size = bulkhead.capacity
            return NotAdmitted("bulkhead", f"{size.running} calls run and {size.waiting} wait already")
        since = self.clock()
        try:
            yield Wait(entry, patience)
        except GeneratorExit:  # the caller has gone
            if bulkhead.settle(entry):
                bulkhead.leave()
            raise
        waited = max(0.0, self.clock() - since)
        state.report.queue_wait = (state.report.queue_wait or 0.0) + waited
        if bulkhead.settle(entry):
            return None
        return NotAdmitted("bulkhead", f"no place became free within {waited:.3g} s")

    def _attempts(self, plan: CallPlan, state: _PipelineState) -> _Part:
        """The first attempt, and further ones while they are worth it."""
        while True:
            begins = self.clock()
            # The original is the last that can answer, so it has its first attempt in any case.
            last = plan.first is Rung.ORIGINAL and state.report.first is None
            if state.deadline.passed(begins) and not last:
                if state.report.first is None:
                    return NotAdmitted("deadline", f"its {plan.timeout:g} s were over before the first attempt")
                state.report.stopped = "the deadline has passed"
                return None
            state.report.attempts += 1
            left = state.deadline.left(begins)
            state.clipped = plan.clips(left)
            answer = yield Attempt(plan.first, left)
            assert answer is not None  # noqa: S101 - an attempt is answered: whoever performs steps promises it
            ended = self.clock()
            state.report.first, state.took = answer, ended - begins
            state.note(plan.first, answer, begins, ended)
            if answer.ok or not plan.transient.holds(answer):
                return None
            then = self._then(plan, state, answer)
            if isinstance(then, retry.Stop):
                state.report.stopped = then.reason
                return None
            yield then

    def _then(self, plan: CallPlan, state: _PipelineState, answer: AttemptResult) -> retry.Pause | retry.Stop:
        if not plan.idempotent:
            return retry.Stop("it is not idempotent, so it has one attempt")
        failed = retry.Failed(
            attempts=state.report.attempts,
            took=self.clock() - state.began,
            deadline=plan.timeout,
            asked=asked_to_wait(answer, now=self.now),
            random=self.random(),
        )
        then = retry.after(failed, retries=plan.retries)
        if isinstance(then, retry.Stop):
            return then
        state.report.once = plan.once(answer)
        if state.report.once is not None:
            return retry.Stop(f"it has one attempt: {state.report.once}")
        if not plan.budget.spend():
            return retry.Stop("the retry budget is used up: too many calls fail")
        return then

    def _answered(
        self, plan: CallPlan, state: _PipelineState
    ) -> Generator[Step, AttemptResult | None, tuple[Rung | None, AttemptResult | None]]:
        """Who answers: the first, or else the next rungs of the ladder."""
        answer = state.report.first
        if answer is not None and (answer.ok or answer.refused or plan.first is Rung.ORIGINAL):
            return plan.first, answer
        if plan.first is Rung.ORIGINAL:
            return None, None
        if answer is not None and not plan.idempotent and not body_never_started(answer):
            return None, None
        refused = yield from self._placed(plan.fallback, state, plan.timeout)
        if refused is not None:
            state.turn_away(dataclasses.replace(refused, reason=f"too many fallbacks: {refused.reason}"))
            return None, None
        with contextlib.ExitStack() as place:
            place.callback(plan.fallback.leave)
            return (yield from self._down_the_ladder(plan, state))

    def _down_the_ladder(
        self, plan: CallPlan, state: _PipelineState
    ) -> Generator[Step, AttemptResult | None, tuple[Rung, AttemptResult | None]]:
        """The previous version where it may do better and there is time, and the original in any case."""
        passes: list[Admission] = []
        previous, took = None, 0.0
        begins = self.clock()
        left = state.deadline.left(begins)
        try:
            if self._older_may_do_better(plan, state, begins) and _let_through(plan.previous or (), passes, state):
                previous = yield Attempt(Rung.PREVIOUS, left)
                took = self._ended(state, Rung.PREVIOUS, previous, begins) - begins
            if previous is not None and (previous.ok or previous.refused or previous.violated):
                _tell(passes, FinishedCall(previous, duration=took))
            if previous is not None and (previous.ok or previous.refused):
                return Rung.PREVIOUS, previous
            begins = self.clock()
            original = yield Attempt(Rung.ORIGINAL, None)
            self._ended(state, Rung.ORIGINAL, original, begins)
            _tell(
                passes,
                FinishedCall(previous, duration=took, original_raised=_raised(original), clipped=plan.clips(left)),
            )
            return Rung.ORIGINAL, original
        finally:
            _give_back(passes)

    def _ended(self, state: _PipelineState, rung: Rung, answer: AttemptResult | None, began: float) -> float:
        ended = self.clock()
        if answer is not None:
            state.note(rung, answer, began, ended)
        return ended

    def _older_may_do_better(self, plan: CallPlan, state: _PipelineState, now: float) -> bool:
        """Not where our own side, or the argument, keeps versions from running."""
        if plan.previous is None or not plan.idempotent or state.deadline.passed(now):
            return False
        if state.report.turned_away is not None:
            return state.report.turned_away.by == "breaker"
        answer = state.report.first
        return answer is not None and answer.outcome is not None and answer.outcome.blame is Blame.CODE


def _admitted(guards: tuple[Guard, ...], passes: list[Admission]) -> NotAdmitted | None:
    """None when every guard lets the call through; the passes so far are kept in any case."""
    for guard in guards:
        entry = guard.admit()
        if isinstance(entry, NotAdmitted):
            return entry
        passes.append(entry)
    return None


def _let_through(guards: tuple[Guard, ...], passes: list[Admission], state: _PipelineState) -> bool:
    """The same for an older version, whose refusal is not why the call was turned away from the current one."""
    refusal = _admitted(guards, passes)
    if refusal is not None:
        state.report.add_refusal(refusal)
    return refusal is None


def _tell(passes: list[Admission], went: FinishedCall) -> None:
    while passes:
        passes.pop().tell(went)


def _give_back(passes: list[Admission]) -> None:
    while passes:
        passes.pop().give_back()


def _raised(answer: AttemptResult | None) -> str | None:
    return None if answer is None or answer.error is None else type(answer.error).__name__


def _finished(plan: CallPlan, state: _PipelineState) -> FinishedCall:
    report = state.report
    first, instead = report.first, report.by is Rung.ORIGINAL and plan.first is not report.by
    return FinishedCall(
        answer=first,
        transient=first is not None and not first.ok and plan.transient.holds(first),
        duration=state.took,
        original_raised=_raised(report.answer) if instead else None,
        clipped=state.clipped,
    )
