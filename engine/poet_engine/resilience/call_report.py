"""The report of one call: filled in from its beginning to its end, and written as its event.

The decorator begins it, the pipeline adds what happens, the decorator concludes what its caller gets, and the journal
writes the event from it. Each fact of a call is declared and explained here, once.
"""

import dataclasses
import enum
from typing import TYPE_CHECKING

from poet_engine.events import AttemptNote, RefusalNote
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy

if TYPE_CHECKING:  # readers of the journal import this module, and need nothing of the pipeline
    from poet_engine.resilience.attempts import AttemptResult
    from poet_engine.resilience.gates import NotAdmitted

ORIGINAL, NOBODY = "original", "none"
_MOST_TRIES = 50


class Rung(enum.StrEnum):
    """A step of the ladder of those who may answer; the values are those of `served_by`."""

    GENERATED = "generated"
    PREVIOUS = "previous_version"
    ORIGINAL = "original"


@dataclasses.dataclass(slots=True, kw_only=True)
class CallReport:
    """The report of one call of a function. Mutable: it grows with its call, which alone holds it.

    Attributes:
        function_name: The function's name, or the entry of a bare source.
        execution_id: What correlates everything that belongs to this call.
        start: Seconds since the epoch.
        end: The same; 0 until the call is over.
        module: What tells the function from others of its name in its folder; None for a bare source.
        asked: The version that was to answer; None where the original was.
        hosted: Why the original is asked first; None where a version is.
        policy: Which policy it ran under, if it got so far.
        deadline: Seconds that the whole call had; None where there was no deadline.
        by: Who answered: returned a value, refused the argument, or raised what the caller gets. None where the body
            may have run and must not run again, or nobody was admitted: then `first` or `turned_away` says why.
        answer: The answer of whoever answered.
        first: What came of the last attempt of whoever was asked first; None when there was none.
        attempts: How many attempts there were of whoever was asked first.
        queue_wait: Seconds spent waiting for a place; None where there is no queue.
        turned_away: By whom it was turned away, if it was: from the first rung, or from all of them.
        stopped: Why a failure that might go away was not tried again.
        once: The same, where it would have been tried again if its body were known to do no harm.
        late: Whether it ended after its deadline.
        tries: Every attempt of everybody, in time order; of more than 50, the first 49 and the last.
        refusals: What turned the call away from somebody, in time order.
        version: The version that was tried: `v3`, `original` when none was, or the first digits of a bare source's
            digest.
        outcome: What came of that version's last attempt; None when none was tried.
        served_by: Who answered: `generated`, `previous_version`, `original` or nobody (`none`).
        fallback_reason: Why it was not the version that answered.
        error: What the caller gets raised.
        fails: The outcome whose error the caller gets, or that stands for an interrupt; None where there is a value, or
            `error`.
    """

    function_name: str
    execution_id: str
    start: float
    end: float = 0.0
    module: str | None = None
    asked: str | None = None
    hosted: str | None = None
    policy: Policy | None = None
    deadline: float | None = None
    by: Rung | None = None
    answer: "AttemptResult | None" = None
    first: "AttemptResult | None" = None
    attempts: int = 0
    queue_wait: float | None = None
    turned_away: "NotAdmitted | None" = None
    stopped: str | None = None
    once: str | None = None
    late: bool = False
    tries: tuple[AttemptNote, ...] = ()
    refusals: tuple[RefusalNote, ...] = ()
    version: str = ORIGINAL
    outcome: Outcome | None = None
    served_by: str = NOBODY
    fallback_reason: str | None = None
    error: BaseException | None = None
    fails: Outcome | None = None

    @property
    def value(self) -> object:
        """The value that the caller gets; None where it is an error."""
        return None if self.answer is None else self.answer.value

    def add_attempt(self, note: AttemptNote) -> None:
        """Remember an attempt; of more than 50, the last one takes the place of the one before."""
        self.tries = (*self.tries[: _MOST_TRIES - 1], note)

    def add_refusal(self, refusal: "NotAdmitted") -> None:
        """Remember what turned the call away from somebody."""
        note = RefusalNote(by=refusal.by, reason=refusal.reason, retry_after=refusal.retry_after)
        self.refusals = (*self.refusals, note)

    def let_go_of_errors(self) -> None:
        """Forget the answers and the error, once the call is recorded and before the error is raised.

        The error's traceback leads to the frames that hold this report, so both would live until the next garbage
        collection.
        """
        self.answer = self.first = self.error = None
