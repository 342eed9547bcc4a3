"""Account for the host's processor time that a run orders, and keep one run from taking that of its neighbours.

What a run sends is read by the thread that called it, in one interpreter with all other callers. So this time is on
the budget of the run; a run that orders much of it in small pieces is read less often, when more has come; and large
results are decoded one at a time, with a pause after each for as long as others have something to do.
"""

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator

from poet_engine._fork import ForkedLock
from poet_engine.guest.errors import DeadlinePassedError

_FREE = 0.01  # seconds of processor time that nobody is slowed for
_SHARE = 0.1  # of the time that has passed; what is beyond it waits
_SECONDS_A_BYTE = 4e-9  # what taking large pieces costs, several times over
_LONGEST_PAUSE = 0.002
LARGE = 1 << 17  # bytes of a result whose decoding waits for its turn; a smaller one takes 6 ms at the most
_ASK_AGAIN = 0.02  # seconds between two looks at the deadline of a result that waits for its turn
_REST = 0.5  # the pause after a turn, as a share of how long that took
_YIELD = 0.0002  # seconds that a turn lets others have, again and again: they wait 5 ms for the interpreter otherwise


class HostWork:
    """The host's work for one run, by the processor time of the thread that watches it.

    Args:
        cpu_clock: Returns the seconds of that thread's processor time.
    """

    __slots__ = ("_began", "_bytes", "_clock", "_looked_at", "_marked")

    def __init__(self, cpu_clock: Callable[[], float] = time.thread_time) -> None:
        self._clock = cpu_clock
        self._began: float | None = None
        self._marked = self._looked_at = 0.0
        self._bytes = 0

    def begin(self) -> None:
        """Start the account, when the first thing that the run has sent is about to be taken."""
        if self._began is None:
            self._began = self._marked = self._looked_at = self._clock()

    def mark(self) -> None:
        """Bring the account up to date."""
        if self._began is not None:
            self._marked = self._clock()

    def took(self, size: int) -> None:
        """Count bytes that came: large pieces cost little for each of them, and are not slowed down."""
        self._bytes += size

    @property
    def seconds(self) -> float:
        """Processor time up to the last mark."""
        return 0.0 if self._began is None else self._marked - self._began

    @property
    def unseen(self) -> float:
        """Processor time between the last look at the budget and the last mark."""
        return self._marked - self._looked_at

    def saw(self) -> None:
        """Record that the budget was looked at."""
        self._looked_at = self._marked

    def pause(self, passed: float) -> float:
        """Return the seconds to wait before more is taken.

        Args:
            passed: Seconds since the run was released.
        """
        over = self.seconds - _FREE - _SHARE * passed - _SECONDS_A_BYTE * self._bytes
        return min(_LONGEST_PAUSE, over / _SHARE) if over > 0 else 0.0


class Neighbours:
    """The runs that this process watches at the moment, and the turn to decode a large result.

    Args:
        clock: Returns monotonic seconds.
        sleep: Waits for so many seconds, and lets other threads have the interpreter.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,  # noqa: TID251 - it hands the interpreter to other threads
    ) -> None:
        self._clock, self.sleep = clock, sleep
        self._count = ForkedLock(self._start)
        self._start()

    def _start(self) -> None:
        """Start without any runs: those of a parent are not watched in its child."""
        self._turn = threading.Lock()
        self._watching: set[object] = set()
        self._waiting = 0
        self._rests_until = 0.0

    def __repr__(self) -> str:
        return f"<Neighbours watching={len(self._watching)} waiting={self._waiting} decoding={self._turn.locked()}>"

    def arrive(self, run: object) -> None:
        """Count a run, until it leaves. No lock is taken, since this is on the path of every call."""
        self._watching.add(run)

    def leave(self, run: object) -> None:
        """Count a run no longer."""
        self._watching.discard(run)

    @property
    def others(self) -> bool:
        """Whether other runs are watched that do not wait for the turn."""
        return len(self._watching) - self._waiting > 1

    def give_way(self) -> None:
        """Let others have the interpreter for a moment, if there are any."""
        if self.others:
            self.sleep(_YIELD)

    @contextlib.contextmanager
    def turn(self, late: Callable[[], bool]) -> Iterator[None]:
        """Wait for the turn to decode a large result, and pass it on afterwards.

        Args:
            late: Returns whether the deadline has passed.

        Raises:
            DeadlinePassedError: It has, and the turn has not come.
        """
        self._await_turn(late)
        began = self._clock()
        try:
            yield
        finally:
            ended = self._clock()
            self._rests_until = ended + _REST * (ended - began)
            self._turn.release()

    def _await_turn(self, late: Callable[[], bool]) -> None:
        with self._count:
            self._waiting += 1
        try:
            while not self._turn.acquire(timeout=_ASK_AGAIN):
                if late():
                    raise DeadlinePassedError
        finally:
            with self._count:
                self._waiting -= 1
        try:
            self._await_rest(late)
        except BaseException:
            self._turn.release()
            raise

    def _await_rest(self, late: Callable[[], bool]) -> None:
        while self.others and (rest := self._rests_until - self._clock()) > 0:
            if late():
                raise DeadlinePassedError
            self.sleep(min(rest, _ASK_AGAIN))


@functools.cache
def neighbours() -> Neighbours:
    """Return the neighbours of this process, whichever sandboxes they run in."""
    return Neighbours()
