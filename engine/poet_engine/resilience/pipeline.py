"""The one way that a call goes: fallback → deadline → breaker → bulkhead and rate limit → retry → attempt.

`Pipeline.steps` is all of the logic, as a generator: it yields what to do next (an attempt, a pause, a wait for a
place) and is sent what came of it. `performing` has the two short loops that do these things, one for threads and one
for asyncio. Closing the generator at any point gives back whatever the call holds, so a call that is cancelled or
interrupted needs no code of its own. Nothing is locked between two steps. What is
planned, what has happened and what is decided are read together, so the module stays in one piece.
"""

import contextlib
import dataclasses
import enum
from collections.abc import Callable, Generator

from poet_engine.outcome import Blame
from poet_engine.resilience import retry
from poet_engine.resilience.attempts import AttemptResult, Transient, asked_to_wait, body_never_started, in_short
from poet_engine.resilience.bulkhead import Bulkhead, BulkheadWaiter
from poet_engine.resilience.deadline import Deadline
from poet_engine.resilience.gates import Admission, FinishedCall, Guard, NotAdmitted
from poet_engine.resilience.rate_limit import RateLimit
from poet_engine.resilience.retry_budget import RetryBudget

_MOST_TRIES = 50
_WHOLE = 0.9  # of its usual time: an attempt that had less ran out of what others had used up


class Rung(enum.StrEnum):
    """Who may answer; the values are those of `served_by`."""

    GENERATED = "generated"
    PREVIOUS = "previous_version"
    ORIGINAL = "original"


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
Steps = Generator[Step, AttemptResult | None, "ServedBy"]
_Part = Generator[Step, AttemptResult | None, NotAdmitted | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """How calls of one function go.

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


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """One attempt that is over.

    Attributes:
        rung: Whose it was.
        result: What came of it, in a word or two. Not the answer itself: an error that is kept keeps its frames.
        after: When it began, in seconds after the call did.
        took: How long it took, in seconds.
    """

    rung: Rung
    result: str
    after: float
    took: float


@dataclasses.dataclass(slots=True)
class _PipelineState:
    """What has happened to a call so far."""

    deadline: Deadline
    began: float
    attempts: int = 0
    queue_wait: float = 0.0
    took: float = 0.0  # of the last attempt
    clipped: bool = False  # the same
    violated: bool = False  # by any of the versions
    answer: AttemptResult | None = None  # of whoever was asked first
    turned_away: NotAdmitted | None = None
    why: str | None = None  # it was not tried again
    once: str | None = None  # the same, where that is about the body
    tries: list[Tried] = dataclasses.field(default_factory=list)
    refusals: list[NotAdmitted] = dataclasses.field(default_factory=list)

    def note(self, rung: Rung, answer: AttemptResult, began: float, ended: float) -> None:
        """Remember an attempt; of more than 50, the last one takes the place of the one before."""
        self.violated |= answer.violated
        del self.tries[_MOST_TRIES - 1 :]
        self.tries.append(Tried(rung, in_short(answer), began - self.began, ended - began))

    def turn_away(self, refusal: NotAdmitted | None) -> None:
        """Remember by whom the call was turned away, if it was."""
        self.turned_away = refusal
        if refusal is not None:
            self.refusals.append(refusal)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServedBy:
    """What came of a call.

    Attributes:
        by: Who answered: returned a value, refused the argument, or raised what the caller gets. None where the body
            may have run and must not run again, or nobody was admitted: then `first` or `turned_away` says why.
        answer: The answer of whoever answered.
        first: What came of the last attempt of whoever was asked first; None when there was none.
        attempts: How many attempts it had.
        queue_wait: Seconds that the call waited for a place.
        turned_away: By whom it was turned away, if it was: from the first rung, or from all of them.
        stopped: Why a failure that might go away was not tried again.
        once: The same, where it would have been tried again if its body were known to do no harm.
        late: Whether the call ended after its deadline.
        tries: Every attempt of everybody, in time order; of more than 50, the first 49 and the last.
        refusals: What turned the call away from somebody, in time order.
    """

    by: Rung | None
    answer: AttemptResult | None
    first: AttemptResult | None
    attempts: int
    queue_wait: float
    turned_away: NotAdmitted | None = None
    stopped: str | None = None
    once: str | None = None
    late: bool = False
    tries: tuple[Tried, ...] = ()
    refusals: tuple[NotAdmitted, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Pipeline:
    """Decides; see the module.

    Args:
        clock: Monotonic seconds.
        now: Seconds since the epoch.
        noise: Random numbers, 0 <= n < 1.
    """

    clock: Callable[[], float]
    now: Callable[[], float]
    noise: Callable[[], float]

    def steps(self, plan: CallPlan) -> Steps:
        """One call, from its beginning to who served it."""
        began = self.clock()
        story = _PipelineState(Deadline.after(plan.timeout, began), began)
        passes: list[Admission] = []
        plan.budget.count_call()
        try:
            story.turn_away(_admitted(plan.guards, passes) or (yield from self._with_place(plan, story)))
            if story.violated:  # at once: whoever answers instead may take long, and other calls begin meanwhile
                _tell(passes, _went(plan, story, None, None))
            by, answer = yield from self._answered(plan, story)
            _tell(passes, _went(plan, story, by, answer))
            if story.violated and plan.settle is not None:
                yield Settle(plan.settle)
        finally:
            _give_back(passes)
        return ServedBy(
            by=by,
            answer=answer,
            first=story.answer,
            attempts=story.attempts,
            queue_wait=story.queue_wait,
            turned_away=story.turned_away,
            stopped=story.why,
            once=story.once,
            late=story.deadline.passed(self.clock()),
            tries=tuple(story.tries),
            refusals=tuple(story.refusals),
        )

    def _with_place(self, plan: CallPlan, story: _PipelineState) -> _Part:
        """The attempts, in a place of the bulkhead if there is one and at the rate that is allowed."""
        if plan.rate is not None and (wait := plan.rate.admit()) > 0:
            rate = plan.rate.rate
            reason = f"{rate.calls} calls in {rate.seconds:g} s have begun already"
            return NotAdmitted("rate_limit", reason, wait)
        if plan.bulkhead is None:
            return (yield from self._attempts(plan, story))
        refused = yield from self._placed(plan.bulkhead, story, story.deadline.left(story.began))
        if refused is not None:
            return refused
        try:
            return (yield from self._attempts(plan, story))
        finally:
            plan.bulkhead.leave()

    def _placed(self, bulkhead: Bulkhead, story: _PipelineState, patience: float) -> _Part:
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
        story.queue_wait += waited
        if bulkhead.settle(entry):
            return None
        return NotAdmitted("bulkhead", f"no place became free within {waited:.3g} s")

    def _attempts(self, plan: CallPlan, story: _PipelineState) -> _Part:
        """The first attempt, and further ones while they are worth it."""
        while True:
            begins = self.clock()
            # The original is the last that can answer, so it has its first attempt in any case.
            last = plan.first is Rung.ORIGINAL and story.answer is None
            if story.deadline.passed(begins) and not last:
                if story.answer is None:
                    return NotAdmitted("deadline", f"its {plan.timeout:g} s were over before the first attempt")
                story.why = "the deadline has passed"
                return None
            story.attempts += 1
            left = story.deadline.left(begins)
            story.clipped = plan.clips(left)
            answer = yield Attempt(plan.first, left)
            assert answer is not None  # noqa: S101 - an attempt is answered: whoever performs steps promises it
            ended = self.clock()
            story.answer, story.took = answer, ended - begins
            story.note(plan.first, answer, begins, ended)
            if answer.ok or not plan.transient.holds(answer):
                return None
            then = self._then(plan, story, answer)
            if isinstance(then, retry.Stop):
                story.why = then.reason
                return None
            yield then

    def _then(self, plan: CallPlan, story: _PipelineState, answer: AttemptResult) -> retry.Pause | retry.Stop:
        if not plan.idempotent:
            return retry.Stop("it is not idempotent, so it has one attempt")
        failed = retry.Failed(
            attempts=story.attempts,
            took=self.clock() - story.began,
            deadline=plan.timeout,
            asked=asked_to_wait(answer, now=self.now),
            noise=self.noise(),
        )
        then = retry.after(failed, retries=plan.retries)
        if isinstance(then, retry.Stop):
            return then
        story.once = plan.once(answer)
        if story.once is not None:
            return retry.Stop(f"it has one attempt: {story.once}")
        if not plan.budget.spend():
            return retry.Stop("the retry budget is used up: too many calls fail")
        return then

    def _answered(
        self, plan: CallPlan, story: _PipelineState
    ) -> Generator[Step, AttemptResult | None, tuple[Rung | None, AttemptResult | None]]:
        """Who answers: the first, or else the next rungs of the ladder."""
        answer = story.answer
        if answer is not None and (answer.ok or answer.refused or plan.first is Rung.ORIGINAL):
            return plan.first, answer
        if plan.first is Rung.ORIGINAL:
            return None, None
        if answer is not None and not plan.idempotent and not body_never_started(answer):
            return None, None
        refused = yield from self._placed(plan.fallback, story, plan.timeout)
        if refused is not None:
            story.turn_away(dataclasses.replace(refused, reason=f"too many fallbacks: {refused.reason}"))
            return None, None
        with contextlib.ExitStack() as place:
            place.callback(plan.fallback.leave)
            return (yield from self._down_the_ladder(plan, story))

    def _down_the_ladder(
        self, plan: CallPlan, story: _PipelineState
    ) -> Generator[Step, AttemptResult | None, tuple[Rung, AttemptResult | None]]:
        """The previous version where it may do better and there is time, and the original in any case."""
        passes: list[Admission] = []
        previous, took = None, 0.0
        begins = self.clock()
        left = story.deadline.left(begins)
        try:
            if self._older_may_do_better(plan, story, begins) and _let_through(plan.previous or (), passes, story):
                previous = yield Attempt(Rung.PREVIOUS, left)
                took = self._ended(story, Rung.PREVIOUS, previous, begins) - begins
            if previous is not None and (previous.ok or previous.refused or previous.violated):
                _tell(passes, FinishedCall(previous, duration=took))
            if previous is not None and (previous.ok or previous.refused):
                return Rung.PREVIOUS, previous
            begins = self.clock()
            original = yield Attempt(Rung.ORIGINAL, None)
            self._ended(story, Rung.ORIGINAL, original, begins)
            _tell(
                passes,
                FinishedCall(previous, duration=took, original_raised=_raised(original), clipped=plan.clips(left)),
            )
            return Rung.ORIGINAL, original
        finally:
            _give_back(passes)

    def _ended(self, story: _PipelineState, rung: Rung, answer: AttemptResult | None, began: float) -> float:
        ended = self.clock()
        if answer is not None:
            story.note(rung, answer, began, ended)
        return ended

    def _older_may_do_better(self, plan: CallPlan, story: _PipelineState, now: float) -> bool:
        """Not where our own side, or the argument, keeps versions from running."""
        if plan.previous is None or not plan.idempotent or story.deadline.passed(now):
            return False
        if story.turned_away is not None:
            return story.turned_away.by == "breaker"
        answer = story.answer
        return answer is not None and answer.outcome is not None and answer.outcome.blame is Blame.CODE


def _admitted(guards: tuple[Guard, ...], passes: list[Admission]) -> NotAdmitted | None:
    """None when every guard lets the call through; the passes so far are kept in any case."""
    for guard in guards:
        entry = guard.admit()
        if isinstance(entry, NotAdmitted):
            return entry
        passes.append(entry)
    return None


def _let_through(guards: tuple[Guard, ...], passes: list[Admission], story: _PipelineState) -> bool:
    """The same for an older version, whose refusal is not why the call was turned away from the current one."""
    refusal = _admitted(guards, passes)
    if refusal is not None:
        story.refusals.append(refusal)
    return refusal is None


def _tell(passes: list[Admission], went: FinishedCall) -> None:
    while passes:
        passes.pop().tell(went)


def _give_back(passes: list[Admission]) -> None:
    while passes:
        passes.pop().give_back()


def _raised(answer: AttemptResult | None) -> str | None:
    return None if answer is None or answer.error is None else type(answer.error).__name__


def _went(plan: CallPlan, story: _PipelineState, by: Rung | None, answer: AttemptResult | None) -> FinishedCall:
    first, instead = story.answer, by is Rung.ORIGINAL and plan.first is not by
    return FinishedCall(
        answer=first,
        transient=first is not None and not first.ok and plan.transient.holds(first),
        duration=story.took,
        original_raised=_raised(answer) if instead else None,
        clipped=story.clipped,
    )
