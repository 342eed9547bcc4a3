"""Window of a bulk run: whether a job may start, which outcome is next. Pure, so that tests need no threads."""

from poet_engine.outcome import Outcome

# Jobs that are running or have an outcome that waits for an earlier one, for each that may run: a slow job holds the
# others up only when so many have gone past it, and no more outcomes than that are kept.
_WINDOW = 4


class JobWindow:
    """The jobs between the first with an undelivered outcome and the last that was started.

    Args:
        concurrency: Jobs that may run at once.
        ordered: Whether outcomes are delivered in the order of the jobs, or as they come.
    """

    def __init__(self, concurrency: int, *, ordered: bool) -> None:
        self._concurrency, self._ordered = concurrency, ordered
        self._started = self._running = self._taken = 0
        self._done: dict[int, Outcome] = {}

    def __repr__(self) -> str:
        return f"<JobWindow started={self._started} running={self._running} done={len(self._done)}>"

    @property
    def running(self) -> int:
        """The number of jobs without an outcome."""
        return self._running

    @property
    def has_room(self) -> bool:
        """Whether another job may start."""
        return self._running < self._concurrency and self._started - self._taken < _WINDOW * self._concurrency

    def start(self) -> int:
        """Count a new job and return its number."""
        number = self._started
        self._started += 1
        self._running += 1
        return number

    def finish(self, number: int, outcome: Outcome) -> None:
        """Keep an outcome until it is its turn."""
        self._running -= 1
        self._done[number] = outcome

    def take(self) -> Outcome | None:
        """Return the next outcome to deliver; None while there is none."""
        number = self._taken if self._ordered else next(iter(self._done), -1)
        outcome = self._done.pop(number, None)
        self._taken += outcome is not None
        return outcome
