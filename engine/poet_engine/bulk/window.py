"""What a bulk run may start and what it hands out next: pure, so that bounds are tested without threads."""

from poet_engine.outcome import Outcome

# Jobs that are running or have an outcome that waits for an earlier one, for each that may run: a slow job holds the
# others up only when so many have gone past it, and no more outcomes than that are kept.
_WINDOW = 4


class JobWindow:
    """The jobs between the first whose outcome was not handed out and the last that was started.

    Args:
        concurrency: Jobs that may run at once.
        ordered: Whether outcomes are handed out in the order of the jobs, or as they come.
    """

    def __init__(self, concurrency: int, *, ordered: bool) -> None:
        self._concurrency, self._ordered = concurrency, ordered
        self._started = self._running = self._taken = 0
        self._done: dict[int, Outcome] = {}

    def __repr__(self) -> str:
        return f"<JobWindow started={self._started} running={self._running} done={len(self._done)}>"

    @property
    def running(self) -> int:
        """Jobs without an outcome."""
        return self._running

    @property
    def has_room(self) -> bool:
        """Whether another job may start."""
        return self._running < self._concurrency and self._started - self._taken < _WINDOW * self._concurrency

    def start(self) -> int:
        """Count a job in; returns its number."""
        number = self._started
        self._started += 1
        self._running += 1
        return number

    def finish(self, number: int, outcome: Outcome) -> None:
        """Keep an outcome until its turn comes."""
        self._running -= 1
        self._done[number] = outcome

    def take(self) -> Outcome | None:
        """The outcome whose turn it is; None while there is none."""
        number = self._taken if self._ordered else next(iter(self._done), -1)
        outcome = self._done.pop(number, None)
        self._taken += outcome is not None
        return outcome
