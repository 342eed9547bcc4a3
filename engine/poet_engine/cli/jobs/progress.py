"""The progress of a bulk run: a bar on a terminal, and a line now and then where there is none."""

import collections
import contextlib
from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from poet_engine.cli.console import Screen

_MEMORY_S = 30.0  # the rate is that of so many seconds: the last jobs tell more of the next ones than the first
_REDRAW_S = 0.1
_LINE_S = 10.0
_MINUTE, _HOUR = 60, 3600


class Pace:
    """Rate and remaining time, from what was done when. Pure.

    Args:
        total: Jobs to do.
        now: Seconds on any clock that only grows.
    """

    def __init__(self, total: int, now: float) -> None:
        self._total = total
        self._seen = collections.deque([(now, 0)])

    def at(self, now: float, done: int) -> str:
        """Return a text such as `50 jobs/s, 20s left`, or that no job has ended.

        Args:
            now: The time, no earlier than before.
            done: Jobs that have ended so far.
        """
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _MEMORY_S:  # noqa: PLR2004 - the first and the last stay
            self._seen.popleft()
        then, before = self._seen[0]
        if done <= before or now <= then:
            return "no job has ended lately" if done else "no job has ended yet"
        rate = (done - before) / (now - then)
        return f"{rate:.{0 if rate >= 10 else 1}f} jobs/s, {duration((self._total - done) / rate)} left"  # noqa: PLR2004 - two digits are enough


def duration(seconds: float) -> str:
    """Return seconds as people read them: `8s`, `3m20s` or `2h05m`."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02}s"
    return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"


class Ticker:
    """Tells standard error how far the run has come; a context manager.

    Args:
        screen: Where it is told.
        total: Jobs to do now.
        clock: Monotonic seconds.
    """

    def __init__(self, screen: Screen, total: int, clock: Callable[[], float]) -> None:
        self._screen, self._total, self._clock = screen, total, clock
        self._pace = Pace(total, clock())
        self._stack = contextlib.ExitStack()
        self._bar: Progress | None = None
        self._done = self._failed = 0
        self._due = clock() + (_REDRAW_S if screen.errors.is_terminal else _LINE_S)

    def tick(self, *, ok: bool) -> None:
        """Count one job that has ended."""
        self._done += 1
        self._failed += not ok
        now = self._clock()
        if now >= self._due:
            self._tell(now)

    def _tell(self, now: float) -> None:
        pace = self._pace.at(now, self._done)
        failed = f", {self._failed:,} not ok" if self._failed else ""
        told = f"{self._done:,} of {self._total:,}{failed}, {pace}"
        if self._bar is None:
            self._screen.note(told)
            self._due = now + _LINE_S
        else:
            self._bar.update(self._bar.task_ids[0], completed=self._done, description=told, refresh=True)
            self._due = now + _REDRAW_S

    def __enter__(self) -> Self:
        """Draw the bar where there is a terminal."""
        if self._screen.errors.is_terminal:
            self._bar = _bar(self._screen.errors)
            self._bar.add_task(f"0 of {self._total:,}", total=self._total)
            self._stack.enter_context(self._bar)
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Leave the bar as it is at the end."""
        with self._stack:
            if self._bar is not None:
                self._tell(self._clock())


def _bar(console: Console) -> Progress:
    return Progress(BarColumn(), TextColumn("{task.description}"), console=console, auto_refresh=False)
