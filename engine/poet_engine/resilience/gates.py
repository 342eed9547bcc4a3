"""The guards in front of a call, which learn from how it went: the pipeline's side of a breaker."""

import dataclasses
from typing import Literal, Protocol

from poet_engine.resilience.attempts import AttemptResult

By = Literal["breaker", "bulkhead", "rate_limit", "deadline"]


@dataclasses.dataclass(frozen=True, slots=True)
class NotAdmitted:
    """A call that was turned away at once, before any attempt.

    Attributes:
        by: Which part of the pipeline did it.
        reason: Why, in one sentence.
        retry_after: Seconds after which it is worth trying again, where that is known.
    """

    by: By
    reason: str
    retry_after: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class FinishedCall:
    """The result of an admitted call for its guards, told when the whole call is over.

    Attributes:
        answer: What came of the last attempt; None when there was none, because a later part turned the call away.
        transient: Whether it failed in a way that may go away by itself.
        duration: Seconds of that last attempt.
        original_raised: The type of what the original raised when it answered instead; None where it did not.
        clipped: Whether the attempt had clearly less time than usual, because the call had used it up before.
    """

    answer: AttemptResult | None
    transient: bool = False
    duration: float = 0.0
    original_raised: str | None = None
    clipped: bool = False


class Admission(Protocol):
    """Leave to go on, for one call. Exactly one of its methods is called, once."""

    def tell(self, went: FinishedCall) -> None:
        """Tell the guard how the call went, now that it is over."""
        ...

    def give_back(self) -> None:
        """Give the admission back: the call was given up, so nothing can be learnt from it."""
        ...


class Guard(Protocol):
    """Lets calls through or turns them away. Thread-safe, and never waits."""

    def admit(self) -> Admission | NotAdmitted:
        """Return the admission of one call, or why there is none."""
        ...
