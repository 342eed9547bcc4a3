"""Run the thread that makes lanes, prepares them anew, and ends them: all of it off the path of the calls."""

import dataclasses
import logging
import select
import threading
from collections.abc import Callable

from poet_engine.sandbox.cgroup import Driver, Group, GroupLimits
from poet_engine.sandbox.pool import scheduling
from poet_engine.sandbox.pool.worker_pool import Disposition, WorkerPool
from poet_engine.sandbox.process.fork_server import ZygoteError
from poet_engine.sandbox.process.fork_servers import ForkServers
from poet_engine.sandbox.process.lane import Lane
from poet_engine.sandbox.process.prepared import LaneError

# Seconds that a payload that has answered may take to end by itself.
_LEAVE_GRACE = 0.1
# Seconds that a lane may take to build its isolation, and a payload to be reaped after its SIGKILL, or to be ready.
_LANE_GRACE = 10.0
_FAILURES_IN_A_ROW = 3
_REMOVE_RETRY = 0.005
_logger = logging.getLogger(__name__)
_ONCE = select.EPOLLIN | select.EPOLLONESHOT


@dataclasses.dataclass(frozen=True, slots=True)
class LaneBuilder:
    """The means to make lanes.

    Attributes:
        nursery: The fork servers.
        driver: Makes cgroups; None where there are none.
        limits: The limits of each lane's cgroup.
        uids: Returns a lane's uid by its number.
        result: Bytes that a result may have.
        keep: Whether a payload may serve one call after the other.
    """

    fork_servers: ForkServers
    driver: Driver | None
    limits: GroupLimits
    uids: Callable[[int], int]
    result: int
    keep: bool


class PoolMaintainer:
    """Makes, prepares and ends the lanes of one sandbox.

    Args:
        workers: The pool that hands them to callers.
        builder: The means to make them.
        clock: Returns monotonic seconds.
    """

    def __init__(self, workers: WorkerPool[Lane], builder: LaneBuilder, clock: Callable[[], float]) -> None:
        self._workers, self._clock = workers, clock
        self._fork_servers, self._driver = builder.fork_servers, builder.driver
        self._limits, self._uids, self._result = builder.limits, builder.uids, builder.result
        self._keep_payloads = builder.keep
        self._lanes: set[Lane] = set()
        self._building: set[Lane] = set()
        self._watched: dict[int, Lane] = {}
        self._deadlines: dict[Lane, float] = {}
        self._groups_to_remove: list[Group] = []
        self._number = 0
        self._failures = 0
        self.made = 0
        self._destroyed = 0
        self._closing = False
        self._epoll = select.epoll()
        self._epoll.register(workers.waker.fileno(), select.EPOLLIN)
        self._thread = threading.Thread(target=self._keep, name="poet-keeper", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<PoolMaintainer lanes={len(self._lanes)} building={len(self._building)} made={self.made}>"

    def statistics(self) -> dict[str, int]:
        """Return the counters by the names of `SandboxStatistics`."""
        return {
            "lanes_made": self.made,
            "lanes_destroyed": self._destroyed,
            "zygotes_started": self._fork_servers.started,
        }

    def close(self) -> None:
        """End every lane and wait for that. Idempotent."""
        self._closing = True
        self._workers.ring()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def forget_after_fork(self) -> None:
        """In a forked child: close what would keep the parent's lifeline open, and touch nothing else."""
        self._fork_servers.forget_after_fork()

    def _keep(self) -> None:
        try:
            while not self._closing:
                self._take_returned()
                patience = self._fit_to_demand()
                for fd, _event in self._epoll.poll(patience):
                    self._on_event(fd)
                self._expire()
        except Exception as error:
            self._workers.break_down(error)
            _logger.exception("the thread that makes lanes has ended")
        finally:
            self._end()

    def _fit_to_demand(self) -> float | None:
        """Start and retire lanes; return the seconds until the next look, None for never."""
        workers, size = self._workers, self._workers.size
        demand = workers.demand(len(self._building))
        gave_up = self._failures >= _FAILURES_IN_A_ROW and not demand.waiting
        for _ in range(0 if gave_up else scheduling.lanes_to_start(size, demand)):
            self._start_lane()
        if scheduling.may_retire(size, demand) and (idle := workers.take_idle()) is not None:
            self._destroy(idle)
            return 0.0
        looks: list[float] = []
        if not gave_up and (look := scheduling.next_look(size, demand)) is not None:
            looks.append(look)
        if self._deadlines:
            looks.append(max(0.0, min(self._deadlines.values()) - self._clock()))
        if self._groups_to_remove:
            looks.append(_REMOVE_RETRY)
        return min(looks, default=None)

    def _on_event(self, fd: int) -> None:
        if fd == self._workers.waker.fileno():
            self._workers.waker.hear()
            return
        lane = self._watched.pop(fd, None)
        if lane is None:
            return
        try:
            if lane in self._building:
                self._on_hello(lane)
            elif fd == lane.control.fileno():
                self._on_report(lane)
            else:
                self._on_preparing(lane)
        except (LaneError, OSError) as error:
            self._fail(lane, str(error))

    def _watch(self, fd: int, lane: Lane, *, known: bool = False) -> None:
        """Wait for one event on a descriptor; closing it ends that."""
        self._watched[fd] = lane
        if known:
            self._epoll.modify(fd, _ONCE)
        else:
            self._epoll.register(fd, _ONCE)

    def _start_lane(self) -> None:
        """Have a lane forked; its init greets when its isolation is built."""
        self._number += 1
        lane = Lane(self._number, self._uids(self._number), self._result, keep=self._keep_payloads)
        self._lanes.add(lane)
        self._workers.lanes += 1
        self._building.add(lane)
        try:
            self._fork_servers.make(lane)
        except (LaneError, ZygoteError, OSError) as error:
            self._fail(lane, str(error))
            return
        self._deadlines[lane] = self._clock() + _LANE_GRACE
        self._watch(lane.control.fileno(), lane)

    def _on_hello(self, lane: Lane) -> None:
        lane.hello()
        if self._driver is not None:
            lane.enter(self._driver.create(f"lane-{lane.number}", self._limits))
        self._building.discard(lane)
        self.made += 1
        self._prepare(lane)

    def _on_report(self, lane: Lane) -> None:
        report = lane.prepared.read_report() if lane.prepared is not None else None
        if report is None or not report.clean:
            self._destroy(lane)
        else:
            self._rearm(lane)

    def _on_preparing(self, lane: Lane) -> None:
        if lane.prepared is None:
            return
        if not lane.prepared.on_readable():
            self._watch(lane.prepared.request.fileno(), lane, known=True)
            return
        self._deadlines.pop(lane, None)
        if lane.group is not None and not lane.group.arm(lane.prepared.prepared_bytes):
            self._destroy(lane)  # something of an earlier call is still charged to it
            return
        lane.prepared.snapshot(lane.group)
        lane.key = lane.prepared.compiles
        self._failures = 0
        self._workers.offer(lane)

    def _take_returned(self) -> None:
        for lane, after in self._workers.take_returned():
            if after is Disposition.RENEW and lane.prepared is not None:
                lane.prepared.leave()
            if after in (Disposition.DRAIN, Disposition.RENEW):
                self._watch(lane.control.fileno(), lane, known=True)
                self._deadlines[lane] = self._clock() + _LEAVE_GRACE
            elif after is Disposition.REARM:
                self._rearm_or_destroy(lane)
            else:
                self._destroy(lane)

    def _rearm_or_destroy(self, lane: Lane) -> None:
        try:
            self._rearm(lane)
        except (LaneError, OSError):
            self._destroy(lane)  # its init is gone; the next one that is wanted is made anew

    def _rearm(self, lane: Lane) -> None:
        """Prepare a lane that its init reports empty; when the cgroup disagrees, the lane is destroyed."""
        if self._fork_servers.retired(lane) or (lane.group is not None and lane.group.tasks() != 1):
            self._destroy(lane)
            return
        lane.calls += 1
        self._prepare(lane)

    def _prepare(self, lane: Lane) -> None:
        prepared = lane.prepare(self._workers.probable)
        self._watch(prepared.request.fileno(), lane)
        self._deadlines[lane] = self._clock() + _LANE_GRACE

    def _fail(self, lane: Lane, text: str) -> None:
        """Destroy a lane that could not be made ready; after a few failures in a row, fail the waiting callers."""
        counts = not self._fork_servers.orphaned(lane)
        if lane.prepared is not None and lane.prepared.compiles is not None:
            self._workers.forget(lane.prepared.compiles)  # it was the source that failed, not the lane
            counts = False
        self._destroy(lane)
        self._failures += counts
        if self._failures >= _FAILURES_IN_A_ROW:
            self._workers.fail(text)

    def _expire(self) -> None:
        """Kill payloads that did not leave in time, once; destroy lanes that do not recover from that."""
        if self._groups_to_remove:
            self._groups_to_remove = [group for group in self._groups_to_remove if not group.remove()]
        now = self._clock()
        for lane, until in list(self._deadlines.items()):
            if until > now:
                continue
            if lane in self._building:
                self._fail(lane, f"the lane was not isolated within {_LANE_GRACE:.0f} s")
            elif lane.prepared is not None and not lane.prepared.killed:
                lane.prepared.kill()
                self._deadlines[lane] = now + _LANE_GRACE
            else:
                self._destroy(lane)

    def _destroy(self, lane: Lane) -> None:
        self._deadlines.pop(lane, None)
        for fd in [fd for fd, watched in self._watched.items() if watched is lane]:
            del self._watched[fd]
        self._building.discard(lane)
        self._lanes.discard(lane)
        self._workers.lanes -= 1
        self._destroyed += 1
        group = lane.close()
        if group is not None and not group.remove():
            self._groups_to_remove.append(group)  # the kernel holds it for as long as a task of it is dying
        self._fork_servers.gone(lane)

    def _end(self) -> None:
        """Cut the lifelines first: the kernel ends every payload, and callers in mid-call see that."""
        self._workers.shut()
        self._fork_servers.close()
        self._workers.await_callers(_LANE_GRACE)
        for lane in list(self._lanes):
            self._destroy(lane)
        until = self._clock() + _LANE_GRACE
        while self._groups_to_remove and self._clock() < until:
            self._expire()
            self._epoll.poll(_REMOVE_RETRY)
        if self._driver is not None:
            self._driver.close()
        self._epoll.close()
        self._workers.waker.close()
