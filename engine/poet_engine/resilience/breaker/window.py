"""Sliding windows over the results of calls: rings with a running total, so a record costs the same at any size."""

import math
from typing import Protocol

from poet_engine.resilience.breaker.model import BreakerCounts

_KINDS = 4  # bit 0: failed; bit 1: slow
_FAILED, _SLOW = 1, 2


class BreakerWindow(Protocol):
    """The calls that still matter."""

    def record(self, now: float, *, failed: bool, slow: bool) -> None:
        """Take in a call that has ended."""
        ...

    def counts(self, now: float) -> BreakerCounts:
        """Return the counts of the calls in the window."""
        ...


class CountWindow:
    """The last calls: a new one takes the place of the oldest.

    Args:
        size: How many.
    """

    __slots__ = ("_next", "_ring", "_total")

    def __init__(self, size: int) -> None:
        self._ring = bytearray([_KINDS]) * size  # filled with a kind that does not count
        self._total = [0] * (_KINDS + 1)
        self._next = 0

    def record(self, now: float, *, failed: bool, slow: bool) -> None:
        """Take in a call that has ended."""
        del now
        kind = failed * _FAILED | slow * _SLOW
        self._total[self._ring[self._next]] -= 1
        self._total[kind] += 1
        self._ring[self._next] = kind
        self._next = (self._next + 1) % len(self._ring)

    def counts(self, now: float) -> BreakerCounts:
        """Return the counts of the calls in the window."""
        del now
        return _counts(self._total)


class TimeWindow:
    """The calls of the last seconds, in a bucket for each whole second of the clock.

    The newest bucket is the second that runs now, so the window reaches back between `seconds - 1` and `seconds`. A
    bucket is emptied when its second comes round again; a gap longer than the window empties each bucket once.

    Args:
        seconds: How many buckets.
        now: The clock.
    """

    __slots__ = ("_head", "_ring", "_second", "_total")

    def __init__(self, seconds: int, now: float) -> None:
        self._ring = [[0] * _KINDS for _ in range(seconds)]
        self._total = [0] * _KINDS
        self._head = 0
        self._second = math.floor(now)

    def record(self, now: float, *, failed: bool, slow: bool) -> None:
        """Take in a call that has ended."""
        self._move(now)
        kind = failed * _FAILED | slow * _SLOW
        self._ring[self._head][kind] += 1
        self._total[kind] += 1

    def counts(self, now: float) -> BreakerCounts:
        """Return the counts of the calls in the window."""
        self._move(now)
        return _counts(self._total)

    def _move(self, now: float) -> None:
        passed = math.floor(now) - self._second
        if passed <= 0:
            return
        self._second += passed
        for _ in range(min(passed, len(self._ring))):
            self._head = (self._head + 1) % len(self._ring)
            oldest = self._ring[self._head]
            for kind in range(_KINDS):
                self._total[kind] -= oldest[kind]
                oldest[kind] = 0


def _counts(total: list[int]) -> BreakerCounts:
    good, failed, slow, both = total[:_KINDS]
    return BreakerCounts(good + failed + slow + both, failed + both, slow + both, both)
