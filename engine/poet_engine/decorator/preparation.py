"""A value made in a thread of its own: waited for with a limit, and made again after a fault that may pass."""

import dataclasses
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from poet_engine._fork import ForkedLock

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 300.0
_RETRY_PATIENCE_S = 0.5  # of the one call that begins a further attempt; the others do not wait for it

_Made = TypeVar("_Made")


@dataclasses.dataclass(slots=True, eq=False)
class _PreparationAttempt:
    """A preparation that runs now."""

    done: threading.Event = dataclasses.field(default_factory=threading.Event)


class Preparation(Generic[_Made]):
    """Makes one thing for many callers. Thread-safe; a forked child begins anew.

    The first attempt is waited for, as long as each caller's patience lasts. After a failure that may pass the next
    attempt comes when somebody asks and the pause is over: 1 s, then twice as long each time, up to 5 minutes.

    Args:
        make: Makes it, or says in the same form why it cannot be made; raises nothing.
        passing: Whether that is a failure that may pass.
        usable: Whether it can still be used; if not, it is made anew.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        make: Callable[[], _Made],
        *,
        passing: Callable[[_Made], bool],
        usable: Callable[[_Made], bool],
        clock: Callable[[], float],
    ) -> None:
        self._make, self._passing, self._usable, self._clock = make, passing, usable, clock
        self._made: _Made | None = None
        self._settled = False  # it was made, or failed for good
        self._failures, self._not_before = 0, 0.0
        self._work: _PreparationAttempt | None = None
        self._lock = ForkedLock(self._start_over)

    def __repr__(self) -> str:
        return f"<Preparation {'running' if self._work else 'settled' if self._settled else 'open'}>"

    @property
    def latest(self) -> _Made | None:
        """The last result; None before the first attempt has ended."""
        return self._made

    @property
    def settled(self) -> bool:
        """Whether nobody has to wait: it is there, or has failed for good."""
        made = self._made
        return self._settled and made is not None and self._usable(made)

    def begin(self) -> None:
        """Have it made, unless that is done or due later; returns at once."""
        self.get(0.0)

    def get(self, patience: float | None) -> _Made | None:
        """Return the last result; None where the first attempt is still running when the patience is over.

        Args:
            patience: Seconds to wait at the most; None to wait as long as it takes.
        """
        made = self._made
        if self.settled:
            return made
        with self._lock:
            if self.settled:
                return self._made
            if self._made is not None and (self._settled or not self._usable(self._made)):
                self._made, self._settled = None, False
            again, mine = self._made is not None, False
            if self._work is None and (not again or self._clock() >= self._not_before):
                self._work, mine = _PreparationAttempt(), True
            work = self._work
        if work is None:
            return self._made
        if mine:
            self._start(work)
        if again and patience is not None:
            patience = min(patience, _RETRY_PATIENCE_S) if mine else 0.0
        work.done.wait(patience)
        return self._made

    def set(self, made: _Made) -> None:
        """Take what somebody else has made; what an attempt that still runs comes to is dropped."""
        with self._lock:
            self._made, self._settled, self._work, self._failures = made, True, None, 0

    def _start(self, work: _PreparationAttempt) -> None:
        thread = threading.Thread(target=self._run, args=(work,), name="poet-preparation", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no room for one more thread, or the program is ending
            self._run(work)

    def _run(self, work: _PreparationAttempt) -> None:
        try:
            made = self._make()
            with self._lock:
                if self._work is work:
                    self._made, self._work = made, None
                    self._settled = not self._passing(made)
                    pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**self._failures)
                    self._failures = 0 if self._settled else min(self._failures + 1, 30)
                    self._not_before = self._clock() + pause
        finally:
            with self._lock:
                self._work = None if self._work is work else self._work
            work.done.set()

    def _start_over(self) -> None:
        """In a forked child: the thread that makes it is the parent's."""
        self._work = None
