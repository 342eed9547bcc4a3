"""Decide how many containers to start: pure functions of the stock and the waiting callers.

A container that has served one version is of no use to others, and starting one takes a third of a second: so there are
always some that have served nobody, and one more for a version only when its callers have waited for longer than that.
"""

import collections
import dataclasses
from collections.abc import Sequence

from poet_engine.sandbox.pool.version import SourceKey

_PATIENCE = 0.3


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerPoolSize:
    """Limits on the number of containers, and of callers that wait for one.

    Attributes:
        spare: Containers that wait for a version nobody has called yet.
        most: Containers in any state.
        queue: Callers that may wait; further ones are turned away at once.
        linger: Seconds for which a container waits for the next call of its version.
    """

    spare: int = 1
    most: int = 16
    queue: int = 1024
    linger: float = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Stock:
    """The containers at one moment.

    Attributes:
        serving: The versions of the containers that have one, each as often as it has containers.
        free: Containers that have served nobody, those that are being made included.
    """

    serving: Sequence[SourceKey | None]
    free: int


def to_start(size: ContainerPoolSize, stock: Stock, wishes: Sequence[tuple[SourceKey | None, float]]) -> int:
    """Return how many containers to start now.

    Args:
        size: The limits.
        stock: The present containers.
        wishes: The version that each waiting caller wants, and the seconds for which it has waited.
    """
    has = collections.Counter(stock.serving)
    asked = collections.Counter(key for key, _waited in wishes)
    impatient = {key for key, waited in wishes if has[key] and waited >= _PATIENCE}
    # twice as many for those who waited too long, so that a crowd is served soon and a trickle costs little
    more = sum(min(asked[key], has[key]) for key in impatient)
    lacking = sum(1 for key in asked if not has[key]) + more + size.spare - stock.free
    return max(0, min(lacking, size.most - len(stock.serving) - stock.free))


def next_look(stock: Stock, wishes: Sequence[tuple[SourceKey | None, float]]) -> float | None:
    """Return the seconds until waiting alone changes that answer; None for never."""
    has = frozenset(stock.serving)
    waited = [seconds for key, seconds in wishes if key in has and seconds < _PATIENCE]
    return _PATIENCE - max(waited) if waited else None
