"""The lanes of one sandbox: who makes them, hands them out, empties and re-arms them.

One long-lived thread, the keeper, does all of it off the path of the calls; callers take a ready lane and give it back.
"""

import collections
import contextlib
import dataclasses
import enum
import os
import selectors
import threading
import time
from collections.abc import Callable

from poet_engine.cancellation import Cancellation
from poet_engine.sandbox.cgroup import Driver, Group, GroupLimits
from poet_engine.sandbox.process.lane import Armed, Lane, LaneError
from poet_engine.sandbox.process.nursery import Nursery
from poet_engine.sandbox.process.zygote import ZygoteError

# How long a payload that has answered may take to end by itself.
_LEAVE_GRACE = 0.1
# How long after its SIGKILL a payload may take to be reaped, or a new one to be ready.
_LANE_GRACE = 10.0
_FAILURES_IN_A_ROW = 3
_IDLE_WAIT = 1.0
_REMOVE_RETRY = 0.005


class Next(enum.Enum):
    """What becomes of a lane that a caller gave back."""

    KEEP = enum.auto()  # its payload serves the next call of the same version
    DRAIN = enum.auto()  # its payload has answered and is about to end
    REARM = enum.auto()  # its payload has ended
    DISCARD = enum.auto()


class NoLaneError(Exception):
    """No lane can be had: `setup` says whether making them failed, or the wait took too long."""

    def __init__(self, message: str, *, setup: bool) -> None:
        super().__init__(message)
        self.setup = setup


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How many lanes there may be."""

    least: int = 2
    most: int = 32


@dataclasses.dataclass(slots=True)
class Counts:
    """What happened since the pool was opened."""

    made: int = 0
    destroyed: int = 0


def lanes_to_make(size: Size, *, waiting: int, total: int, coming: int) -> int:
    """How many lanes to start now: enough for the least, and for every waiter that none is coming for.

    Args:
        size: The bounds.
        waiting: Callers that wait.
        total: Lanes that exist in any state.
        coming: Those of them that are ready or will be without a caller's doing.
    """
    wanted = max(size.least - total, waiting - coming)
    return max(0, min(wanted, size.most - total))


class Pool:
    """The lanes of one sandbox.

    Args:
        nursery: Has them forked.
        driver: Makes cgroups; None where there are none.
        limits: What each lane's cgroup gets.
        uids: Gives each lane its uid.
        size: How many lanes.
        result: Bytes that a result may have.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        nursery: Nursery,
        driver: Driver | None,
        limits: GroupLimits,
        uids: Callable[[int], int],
        *,
        size: Size,
        result: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nursery, self._driver, self._limits, self._uids = nursery, driver, limits, uids
        self._size, self._result, self._clock = size, result, clock
        self._changed = threading.Condition()
        self._ready: collections.deque[Lane] = collections.deque()
        self._returned: collections.deque[tuple[Lane, Next]] = collections.deque()
        self._groups_to_remove: list[Group] = []
        self._waiting = 0
        self._lanes: set[Lane] = set()
        self._busy = 0
        self._failure: str | None = None
        self._failures = 0
        self._closing = False
        self._counts = Counts()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._deadlines: dict[Lane, float] = {}
        self._number = 0
        self._thread = threading.Thread(target=self._keep, name="poet-keeper", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Pool lanes={len(self._lanes)} ready={len(self._ready)} busy={self._busy} waiting={self._waiting}>"

    def acquire(self, timeout: float, *, key: str | None = None, cancellation: Cancellation | None = None) -> Lane:
        """A lane with a payload that waits; it is the caller's until it is given back.

        Args:
            timeout: Seconds to wait at the most.
            key: What a payload that is kept between calls may serve; None where each serves once.
            cancellation: Ends the wait.

        Raises:
            NoLaneError: Lanes cannot be made, none became free in time, or the wait was called off.
        """
        until = self._clock() + timeout
        with contextlib.ExitStack() as stack:
            if cancellation is not None:
                stack.enter_context(cancellation.telling(self._wake_waiters))
            stack.enter_context(self._changed)
            self._waiting += 1
            stack.callback(self._stop_waiting)
            while (lane := self._pick(key)) is None:
                self._ring()
                self._refuse_if_hopeless()
                left = until - self._clock()
                if left <= 0 or (cancellation is not None and cancellation.requested):
                    raise NoLaneError(f"no lane became free within {timeout:.3g} s", setup=False)
                self._changed.wait(left)
            self._busy += 1
            lane.key = key
            return lane

    def _stop_waiting(self) -> None:
        self._waiting -= 1

    def _wake_waiters(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _pick(self, key: str | None) -> Lane | None:
        """A ready lane that has served this key, or else nobody; if only others' are left, one of them makes room."""
        lane = next((lane for lane in self._ready if lane.key == key), None)
        lane = lane or next((lane for lane in self._ready if lane.key is None), None)
        if lane is not None:
            self._ready.remove(lane)
            return lane
        if self._ready and len(self._lanes) >= self._size.most:
            self._returned.append((self._ready.popleft(), Next.DISCARD))
        return None

    def _refuse_if_hopeless(self) -> None:
        if self._closing:
            raise NoLaneError("the sandbox was closed", setup=False)
        if self._failure is not None:
            failure, self._failure, self._failures = self._failure, None, 0
            raise NoLaneError(failure, setup=True)

    def give_back(self, lane: Lane, after: Next) -> None:
        """Return a lane, and say what is to become of it."""
        with self._changed:
            self._busy -= 1
            if after is Next.KEEP and not self._closing:
                self._ready.append(lane)
                self._changed.notify()
                return
            self._returned.append((lane, after))
            if self._closing:
                self._changed.notify_all()
        self._ring()

    @property
    def cold(self) -> bool:
        """Whether no lane was made yet: the first caller waits for the zygote's imports, not for its own budget."""
        return self._counts.made == 0

    @property
    def closing(self) -> bool:
        """Whether it was closed, perhaps in the middle of a call."""
        return self._closing

    def statistics(self) -> dict[str, int]:
        """Counters by the names of `SandboxStatistics`."""
        with self._changed:
            return {
                "lanes": len(self._lanes),
                "ready": len(self._ready),
                "busy": self._busy,
                "waiting": self._waiting,
                "lanes_made": self._counts.made,
                "lanes_destroyed": self._counts.destroyed,
                "zygotes_started": self._nursery.started,
            }

    def close(self) -> None:
        """End everything, with running payloads. Idempotent."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        self._ring()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def forget_after_fork(self) -> None:
        """In a forked child: close what would keep the parent's lifeline open, and touch nothing else."""
        self._nursery.forget_after_fork()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            os.eventfd_write(self._wake, 1)

    def _keep(self) -> None:
        try:
            while not self._closing:
                self._take_returned()
                self._make_what_is_wanted()
                self._expire()
                for key, _mask in self._selector.select(self._patience()):
                    self._on_event(key.fd, key.data)
        finally:
            self._end()

    def _patience(self) -> float:
        if not self._deadlines:
            return _IDLE_WAIT
        return max(0.0, min(self._deadlines.values()) - self._clock())

    def _on_event(self, fd: int, lane: object) -> None:
        if not isinstance(lane, Lane):
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            return
        try:
            if lane.armed is not None and fd == lane.armed.status:
                self._on_report(lane, lane.armed)
            elif lane.armed is not None:
                self._on_preparing(lane, lane.armed)
        except (LaneError, OSError) as error:
            self._fail(lane, str(error))

    def _on_report(self, lane: Lane, armed: Armed) -> None:
        self._selector.unregister(armed.status)
        report = armed.read_report()
        if report is None or report.leftovers:
            self._destroy(lane)
        else:
            self._rearm(lane)

    def _on_preparing(self, lane: Lane, armed: Armed) -> None:
        if not armed.on_readable():
            return
        self._selector.unregister(armed.request)
        self._deadlines.pop(lane, None)
        if lane.group is not None and not lane.group.arm():
            self._destroy(lane)  # something of an earlier call is still charged to it
            return
        self._failures = 0
        with self._changed:
            self._ready.append(lane)
            self._changed.notify()

    def _take_returned(self) -> None:
        while self._returned:
            lane, after = self._returned.popleft()
            if after is Next.DRAIN and lane.armed is not None:
                self._selector.register(lane.armed.status, selectors.EVENT_READ, lane)
                self._deadlines[lane] = self._clock() + _LEAVE_GRACE
            elif after is Next.REARM:
                self._rearm_or_destroy(lane)
            else:
                self._destroy(lane)

    def _rearm_or_destroy(self, lane: Lane) -> None:
        try:
            self._rearm(lane)
        except (LaneError, OSError):
            self._destroy(lane)  # its init is gone; the next one that is wanted is made anew

    def _rearm(self, lane: Lane) -> None:
        """The lane is empty by its init's word; the cgroup must agree, or it is not used again."""
        if self._nursery.retired(lane):
            self._destroy(lane)
            return
        if lane.group is not None and lane.group.tasks() != 1:
            self._destroy(lane)
            return
        lane.calls += 1
        self._prepare(lane)

    def _prepare(self, lane: Lane) -> None:
        armed = lane.arm()
        self._selector.register(armed.request, selectors.EVENT_READ, lane)
        self._deadlines[lane] = self._clock() + _LANE_GRACE

    def _make_what_is_wanted(self) -> None:
        if self._failures >= _FAILURES_IN_A_ROW and not self._waiting:
            return
        with self._changed:
            kept = sum(lane.key is not None for lane in self._ready)
            coming = len(self._lanes) - self._busy - kept
            wanted = lanes_to_make(self._size, waiting=self._waiting, total=len(self._lanes), coming=coming)
        for _ in range(wanted):
            if not self._make_lane():
                return

    def _make_lane(self) -> bool:
        self._number += 1
        lane = Lane(self._number, self._uids(self._number), self._result)
        self._lanes.add(lane)
        try:
            self._nursery.make(lane)
            group = self._driver.create(f"lane-{lane.number}", self._limits) if self._driver else None
            lane.hello(group)
            self._counts.made += 1
            self._prepare(lane)
        except (LaneError, ZygoteError, OSError) as error:
            self._fail(lane, str(error))
            return False
        return True

    def _fail(self, lane: Lane, text: str) -> None:
        """A lane could not be made ready: try again a few times, then tell whoever waits."""
        counts = not self._nursery.orphaned(lane)
        self._destroy(lane)
        self._failures += counts
        if self._failures >= _FAILURES_IN_A_ROW:
            with self._changed:
                self._failure = text
                self._changed.notify_all()

    def _expire(self) -> None:
        """Payloads that did not leave in time are killed once; lanes that do not recover from that are destroyed."""
        self._groups_to_remove = [group for group in self._groups_to_remove if not group.remove()]
        now = self._clock()
        for lane in [lane for lane, until in self._deadlines.items() if until <= now]:
            if lane.armed is not None and not lane.armed.killed:
                lane.armed.kill()
                self._deadlines[lane] = now + _LANE_GRACE
            else:
                self._destroy(lane)

    def _destroy(self, lane: Lane) -> None:
        self._deadlines.pop(lane, None)
        if lane.armed is not None:
            for fd in (lane.armed.request, lane.armed.status):
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(fd)
        with self._changed:
            self._lanes.discard(lane)
            self._counts.destroyed += 1
        group = lane.close()
        if group is not None and not group.remove():
            self._groups_to_remove.append(group)  # the kernel holds it for as long as a task of it is dying
        self._nursery.gone(lane)

    def _end(self) -> None:
        """Cut the lifelines first: the kernel ends every payload, and callers in mid-call see that."""
        with self._changed:
            self._closing = True
            self._ready.clear()
            self._changed.notify_all()
        self._nursery.close()
        with self._changed:
            self._changed.wait_for(lambda: self._busy == 0, _LANE_GRACE)
        for lane in list(self._lanes):
            self._destroy(lane)
        until = self._clock() + _LANE_GRACE
        while self._groups_to_remove and self._clock() < until:
            self._expire()
            self._selector.select(_REMOVE_RETRY)
        if self._driver is not None:
            self._driver.close()
        self._selector.close()
        os.close(self._wake)
