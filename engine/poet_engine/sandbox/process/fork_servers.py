"""Choose the zygote that the next lane is forked from, and retire one that has served long enough."""

from collections.abc import Callable

from poet_engine.guest.config import Config
from poet_engine.sandbox.process.fork_server import Zygote
from poet_engine.sandbox.process.lane import Lane

# A zygote shares its hash seed and address layout with all its lanes, so it is not kept for ever.
RETIRE_AFTER_LANES = 1000


class ForkServers:
    """The zygotes of a sandbox: one makes lanes; retired ones drain, each ending after its last lane.

    Args:
        config: The configuration that every zygote is sent.
        retire_after: Lanes that a zygote makes before it retires; 1 gives every lane an interpreter of its own.
        start: Starts a zygote.
    """

    def __init__(
        self,
        config: Config,
        *,
        retire_after: int = RETIRE_AFTER_LANES,
        start: Callable[[Config], Zygote] = Zygote,
    ) -> None:
        self._config, self._retire_after, self._start = config, retire_after, start
        self._current: Zygote | None = None
        self._made = 0
        self._lanes: dict[Zygote, set[Lane]] = {}
        self.started = 0

    def __repr__(self) -> str:
        return f"<ForkServers zygotes={len(self._lanes)} started={self.started}>"

    def make(self, lane: Lane) -> None:
        """Have a lane forked; its init greets by itself.

        Raises:
            ZygoteError: No zygote could be started.
            LaneError: The zygote is gone.
        """
        zygote = self._living()
        self._lanes[zygote].add(lane)
        self._made += 1
        if self._made >= self._retire_after:
            self._current = None
        zygote.make_lane(lane)

    def retired(self, lane: Lane) -> bool:
        """Return whether a lane's zygote makes no more lanes, so that the lane should end with its call."""
        return self._current is None or lane not in self._lanes[self._current]

    @property
    def mapped(self) -> bool:
        """Whether lanes have users of their own inside the zygote's user namespace."""
        return any(zygote.mapped for zygote in self._lanes)

    def orphaned(self, lane: Lane) -> bool:
        """Return whether a lane's zygote has died, so that the lane's failure says nothing of the next one."""
        return any(lane in lanes and not zygote.alive for zygote, lanes in self._lanes.items())

    def gone(self, lane: Lane) -> None:
        """Remove a lane that has ended; with the last one its retired zygote ends too."""
        for zygote, lanes in list(self._lanes.items()):
            lanes.discard(lane)
            if not lanes and zygote is not self._current:
                del self._lanes[zygote]
                zygote.close()

    def _living(self) -> Zygote:
        if self._current is not None and not self._current.alive:
            self._current = None  # its lanes are ending with it; their own descriptors tell
        if self._current is None:
            self._current = self._start(self._config)
            self._lanes[self._current] = set()
            self._made = 0
            self.started += 1
        return self._current

    def forget_after_fork(self) -> None:
        """In a forked child: close what would keep the zygotes alive after the parent."""
        for zygote in self._lanes:
            zygote.forget_after_fork()

    def close(self) -> None:
        """Cut every lifeline."""
        for zygote in self._lanes:
            zygote.close()
        self._lanes.clear()
        self._current = None
