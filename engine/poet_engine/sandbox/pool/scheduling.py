"""Decide how many lanes there should be: pure functions of the time and the counts."""

import dataclasses
import os
from typing import Generic, TypeVar

_T = TypeVar("_T")

# Seconds; waiting for less than that is not worth another lane: on busy cores more ready payloads than cores make
# every call slower, and a call of a millisecond has given its lane back long before.
_PATIENCE = 0.02
# Seconds; a call that lasts for longer holds its lane: others are kept ready beside it.
HELD = 0.1


# So often in a row a version is called before payloads are prepared for it: where versions take turns, each payload
# would be prepared for the wrong one.
_STREAK = 4


class Repeats(Generic[_T]):
    """Record of the last calls: it tells whether one version is called again and again, and answered well."""

    def __init__(self) -> None:
        self._last: _T | None = None
        self._streak = 0
        self._good: _T | None = None

    def asked(self, version: _T | None) -> None:
        """Count a call of a version."""
        self._streak = self._streak + 1 if version == self._last else 1
        self._last = version

    def answered(self, version: _T | None) -> None:
        """Record that a version has answered with a result."""
        self._good = version

    def forget(self, version: _T) -> None:
        """Start counting anew for a version."""
        if version == self._last:
            self._last, self._streak = None, 0

    @property
    def probable(self) -> _T | None:
        """The version that will probably be called next; None where that cannot be told."""
        return self._last if self._streak >= _STREAK and self._good == self._last else None


@dataclasses.dataclass(frozen=True, slots=True)
class PoolSize:
    """Limits on the number of lanes, and of callers that wait for one.

    Attributes:
        least: Lanes that are kept ready. One more than there are cores: it is prepared while those serve.
        most: Lanes in any state.
        queue: Callers that may wait; further ones are turned away at once.
        linger: Seconds for which a lane beyond the least stays ready without being used.
    """

    least: int = dataclasses.field(default_factory=lambda: min(3, (os.cpu_count() or 1) + 1))
    most: int = 512
    queue: int = 1024
    linger: float = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Demand:
    """The counts of a pool at one moment.

    Attributes:
        total: Lanes in any state.
        coming: Lanes that are ready, or will be without any caller giving one back.
        building: Lanes among `coming` that are being made and were never ready.
        waiting: Callers that wait.
        longest_wait: Seconds that the first of them has waited.
        longest_idle: Seconds that the ready lane which was used last of all has been idle.
        held: Lanes whose call has lasted for `HELD` or longer.
    """

    total: int = 0
    coming: int = 0
    building: int = 0
    waiting: int = 0
    longest_wait: float = 0.0
    longest_idle: float = 0.0
    held: int = 0


def lanes_to_start(size: PoolSize, demand: Demand) -> int:
    """Return how many lanes to start now: the least, and more for callers who waited too long for a lane.

    Lanes that long calls hold are not among the least, or each short call beside them would wait for the only one left.
    Growth doubles: a flood of callers must not find all cores busy with making lanes.
    """
    room = size.most - demand.total
    least = size.least - (demand.total - demand.held)
    lacking = demand.waiting - demand.coming
    if demand.total and demand.longest_wait < _PATIENCE:
        lacking = 0
    growth = max(1, demand.total - 2 * demand.building)
    return max(0, min(max(least, min(lacking, growth)), room))


def may_retire(size: PoolSize, demand: Demand) -> bool:
    """Return whether the ready lane that was idle for the longest should end."""
    return not demand.waiting and demand.total > size.least + demand.held and demand.longest_idle >= size.linger


def next_look(size: PoolSize, demand: Demand) -> float | None:
    """Return the seconds until time alone changes one of these answers; None for never."""
    if demand.waiting > demand.coming and demand.total < size.most:
        return max(0.0, _PATIENCE - demand.longest_wait)
    if not demand.waiting and demand.coming and demand.total > size.least + demand.held:
        return max(0.0, size.linger - demand.longest_idle)
    return None
