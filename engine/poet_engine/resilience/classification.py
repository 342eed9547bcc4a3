"""Whom an outcome counts against: the version, the sandbox's backend, or nobody (docs/resilience.md has the table)."""

import dataclasses
import enum

from poet_engine.outcome import Blame, Outcome, Status


class Count(enum.StrEnum):
    """The result of a call, as a breaker counts it."""

    SUCCESS = "success"
    FAILURE = "failure"
    NOTHING = "nothing"  # the permit is given back


@dataclasses.dataclass(frozen=True, slots=True)
class Classification:
    """The meaning of one attempt for the two breakers that it passed.

    Attributes:
        version: For the breaker of the function's version in this sandbox, with the duration of the call.
        backend: For the breaker of the sandbox's backend. A duration is no business of that one: how long code takes
            is the code's doing.
        pin: Why the version's breaker opens at once and stays so; None where it does not.
    """

    version: Count
    backend: Count
    pin: str | None = None


_NOBODY = Classification(Count.NOTHING, Count.NOTHING)
_GOOD = Classification(Count.SUCCESS, Count.SUCCESS)
_CODE = Classification(Count.FAILURE, Count.SUCCESS)
_CALLER = Classification(Count.NOTHING, Count.SUCCESS)
_BACKEND = Classification(Count.NOTHING, Count.FAILURE)
_NOT_RUN = Classification(Count.FAILURE, Count.NOTHING)

# Our own caps said no, or other callers had what there was: a breaker would turn load into an outage. A backend that
# hands out no lanes although it might is `queue_stalled`.
_LOAD = frozenset(("queue_full", "queue_timeout"))


def classify(outcome: Outcome, *, original_raises: bool = False, wall_clipped: bool = False) -> Classification:
    """Decide what an attempt counts for, and against whom.

    Args:
        outcome: Of one attempt.
        original_raises: Whether the user's function raises for this input too; then the error is the caller's.
        wall_clipped: Whether the deadline left the attempt less time than its policy gives; that it ran out is then no
            fault of the code.
    """
    match outcome.status:
        case Status.OK:
            return _GOOD
        case Status.CANCELLED:
            return _NOBODY
        case Status.REFUSED:
            return _CODE  # the host has held the arguments against the function's own rules before, and let them pass
        case Status.VIOLATION:
            return dataclasses.replace(_CODE, pin=outcome.describe())
        case Status.ERROR if original_raises:
            return _CALLER
        case Status.LIMIT if wall_clipped and outcome.cause == "wall":
            return _CALLER
        case Status.REJECTED:
            return _NOT_RUN if outcome.blame is Blame.CODE else _NOBODY
        case _:
            return _by_blame(outcome)


def _by_blame(outcome: Outcome) -> Classification:
    match outcome.blame:
        case Blame.CODE:
            return _CODE
        case Blame.CALLER:
            return _CALLER
        case Blame.ENGINE if outcome.cause not in _LOAD:
            return _BACKEND
        case _:
            return _NOBODY
