"""Breakers as guards of the pipeline: asked before a call, and told afterwards what it counts for."""

import dataclasses
from collections.abc import Callable

from poet_engine.resilience.breaker import Breaker, Permit, Refused
from poet_engine.resilience.classification import Count, classify
from poet_engine.resilience.gates import FinishedCall, NotAdmitted


@dataclasses.dataclass(frozen=True, slots=True)
class BreakerVerdict:
    """The result of a call for one breaker.

    Attributes:
        count: As what.
        pin: Why the breaker opens at once and stays so; None where it does not.
        timed: Whether how long it took says anything there.
    """

    count: Count
    pin: str | None = None
    timed: bool = True


_NOTHING = BreakerVerdict(Count.NOTHING)


def of_version(went: FinishedCall) -> BreakerVerdict:
    """For the breaker of a version."""
    outcome = None if went.answer is None else went.answer.outcome
    if outcome is None:
        return _NOTHING
    judgement = classify(outcome, original_raises=went.original_raised is not None, wall_clipped=went.clipped)
    return BreakerVerdict(judgement.version, judgement.pin)


def of_backend(went: FinishedCall) -> BreakerVerdict:
    """For the breaker of a sandbox's backend."""
    outcome = None if went.answer is None else went.answer.outcome
    return _NOTHING if outcome is None else BreakerVerdict(classify(outcome).backend, timed=False)


def of_host(went: FinishedCall) -> BreakerVerdict:
    """For the breaker of an original that runs in the host: what it depends on is down when a transient fault stays.

    Any other exception is about the input, and says nothing of what the function depends on.
    """
    if went.answer is None:
        return _NOTHING
    if went.answer.ok:
        return BreakerVerdict(Count.SUCCESS)
    return BreakerVerdict(Count.FAILURE) if went.transient else _NOTHING


class BreakerGuard:
    """A breaker in front of a call.

    Args:
        breaker: The one.
        weigh: What a call counts for there.
    """

    __slots__ = ("_breaker", "_weigh")

    def __init__(self, breaker: Breaker, weigh: Callable[[FinishedCall], BreakerVerdict]) -> None:
        self._breaker, self._weigh = breaker, weigh

    def __repr__(self) -> str:
        return f"<BreakerGuard {self._breaker!r}>"

    def admit(self) -> "Permitted | NotAdmitted":
        """Ask the breaker for a permit; see `Guard.admit`."""
        entry = self._breaker.acquire()
        if isinstance(entry, Refused):
            reason = f"the breaker of {self._breaker.name} is {entry.state}: {entry.reason}"
            return NotAdmitted("breaker", reason, entry.retry_after)
        return Permitted(self._breaker, entry, self._weigh)


class Permitted:
    """A permit for one call."""

    __slots__ = ("_breaker", "_permit", "_weigh")

    def __init__(self, breaker: Breaker, permit: Permit, weigh: Callable[[FinishedCall], BreakerVerdict]) -> None:
        self._breaker, self._permit, self._weigh = breaker, permit, weigh

    def __repr__(self) -> str:
        return f"<Permitted by {self._breaker!r}>"

    def tell(self, went: FinishedCall) -> None:
        """Tell the breaker how the call went; see `Admission.tell`."""
        verdict = self._weigh(went)
        if verdict.count is Count.NOTHING:
            self._breaker.release(self._permit)
        else:
            failed = verdict.count is Count.FAILURE
            self._breaker.record(self._permit, failed=failed, duration=went.duration if verdict.timed else 0.0)
        if verdict.pin is not None:
            self._breaker.force_open(verdict.pin)

    def give_back(self) -> None:
        """Give the permit back; see `Admission.give_back`."""
        self._breaker.release(self._permit)
