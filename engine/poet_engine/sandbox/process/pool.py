"""Join the worker pool that callers use and the maintainer that makes its lanes."""

import time
from collections.abc import Callable

from poet_engine._cancellation import Cancellation
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.pool.version import SourceKey
from poet_engine.sandbox.pool.worker_pool import Disposition, WorkerPool
from poet_engine.sandbox.process.lane import Lane
from poet_engine.sandbox.process.maintainer import LaneBuilder, PoolMaintainer


class LanePool:
    """The lanes of one sandbox.

    Args:
        builder: Makes lanes.
        size: The limits on lanes and waiters.
        keeps: Whether a payload serves one call after another, of one version.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self, builder: LaneBuilder, *, size: PoolSize, keeps: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._workers: WorkerPool[Lane] = WorkerPool(size, clock, keeps=keeps)
        self._maintainer = PoolMaintainer(self._workers, builder, clock)

    def __repr__(self) -> str:
        counts = self._workers.statistics()
        shown = " ".join(f"{name}={counts[name]}" for name in ("lanes", "ready", "busy", "waiting"))
        return f"<LanePool {shown} most={self._workers.size.most}>"

    def acquire(
        self, timeout: float, *, key: SourceKey | None = None, cancellation: Cancellation | None = None
    ) -> Lane:
        """Wait for a lane with a payload that waits; see `WorkerPool.acquire`."""
        return self._workers.acquire(timeout, key=key, cancellation=cancellation)

    def give_back(self, lane: Lane, after: Disposition) -> None:
        """Return a lane, with its disposition."""
        self._workers.give_back(lane, after)

    @property
    def cold(self) -> bool:
        """Whether no lane was made yet: the first caller waits for the zygote's imports, not for its own budget."""
        return self._maintainer.made == 0

    @property
    def closing(self) -> bool:
        """Whether the pool was closed, perhaps in the middle of a call."""
        return self._workers.closing

    @property
    def fault(self) -> str | None:
        """The reason why no lane can be had any more although nobody has closed the pool; None while there is none."""
        return self._workers.fault

    def statistics(self) -> dict[str, int]:
        """Return the counters by the names of `SandboxStatistics`."""
        return self._workers.statistics() | self._maintainer.statistics()

    def close(self) -> None:
        """End everything, with running payloads. Idempotent."""
        self._workers.shut(by_owner=True)
        self._maintainer.close()

    def forget_after_fork(self) -> None:
        """In a forked child: close what would keep the parent's lifeline open, and touch nothing else."""
        self._maintainer.forget_after_fork()
