"""Run one call in one lane: release its payload, supervise it, decide the verdict and the lane's disposition."""

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from poet_engine._cancellation import Cancellation
from poet_engine.outcome import Evidence, Outcome, Status
from poet_engine.policy import Isolation, Limits
from poet_engine.sandbox import run_outcome
from poet_engine.sandbox.denials import DenialRecord
from poet_engine.sandbox.host_work import neighbours
from poet_engine.sandbox.monitor import BudgetMonitor
from poet_engine.sandbox.pool.worker_pool import Disposition
from poet_engine.sandbox.process.lane import Lane
from poet_engine.sandbox.process.pool import LanePool
from poet_engine.sandbox.process.prepared import Report
from poet_engine.sandbox.process.scratch_folder import ScratchFolder
from poet_engine.sandbox.process.supervisor import Supervisor
from poet_engine.sandbox.run_outcome import exit_of
from poet_engine.sandbox.verdict import INIT_GONE, Budgets, Exit, KernelCounts, Kill, Observation, Returned, decide

if TYPE_CHECKING:
    from poet_engine.guest.structures import Classes
    from poet_engine.sandbox.cgroup import GroupReading

NAME = "process"
_NAMESPACE_END = 0.05  # seconds that the kernel may take from a namespace's first victim to its last


class LaneRun:
    """One call in one lane."""

    def __init__(
        self,
        lane: Lane,
        limits: Limits,
        wall: float,
        clock: Callable[[], float],
        *,
        tolerant: bool,
        keep: bool,
        folder: ScratchFolder | None = None,
        isolation: Isolation | None = None,
        listener: Callable[[int, bytes], None] | None = None,
    ) -> None:
        prepared = lane.prepared
        if prepared is None:
            raise AssertionError("the pool handed out a lane without a payload")
        self._lane, self._prepared, self._limits, self._wall, self._clock = lane, prepared, limits, wall, clock
        self._tolerant, self._keep, self._folder = tolerant, keep, folder
        self._denials, self._listener = DenialRecord(isolation), listener
        self.unlisted: frozenset[str] = frozenset()
        self.classes: Classes | None = None  # what structures in the result are rebuilt as
        self._start: GroupReading | None = None
        self._start_cpu_ms = 0.0
        self._last: GroupReading | None = None
        self._most_tasks = 0  # seen at once so far
        self.lane_after = Disposition.KEEP  # its payload has received nothing yet

    def to_the_end(
        self, request: bytes, attached: int | None, pool: LanePool, cancellation: Cancellation | None
    ) -> Outcome:
        """Release the payload and follow it to its verdict; `attached` is the file with the request's attachments."""
        self.lane_after = (
            Disposition.DISCARD
        )  # until the end is known: an interrupted call must not leave a lane to others
        self._start, self._start_cpu_ms = self._prepared.start(self._lane.group)
        released = self._clock()
        monitor = BudgetMonitor(self._limits, released, self._wall)
        supervisor = Supervisor(
            self._prepared,
            monitor,
            self._cpu_ms,
            clock=self._clock,
            tolerant=self._tolerant,
            folder=self._folder,
            keep=self._keep,
            denials=self._denials,
            listener=self._listener,
            classes=self.classes,
        )
        if cancellation is not None:
            supervisor.watch_cancellation(cancellation)
        try:
            neighbours().arrive(self)
            supervisor.run(request, attached)
        except BaseException:
            supervisor.kill()  # an interrupt of the caller's: nothing runs on behind its back
            raise
        finally:
            neighbours().leave(self)
        wall_ms = (self._clock() - released) * 1e3
        if supervisor.output.total:
            supervisor.drain()  # of what was printed before a frame, only the first part was read together with it
        if monitor.kill is not None or supervisor.ended_by_signal:
            supervisor.take_unflushed()
        supervisor.ignore()
        supervisor.close()
        self.unlisted = frozenset(supervisor.unlisted)
        if pool.closing and supervisor.report is None and not isinstance(supervisor.answer, Returned):
            monitor.end(Kill(Status.CANCELLED, "shutdown", Evidence("engine", "closed in mid-call")))
        return self._conclude(supervisor, monitor, wall_ms, pool.fault)

    def _cpu_ms(self) -> float:
        if self._lane.group is not None and self._start is not None:
            now = self._lane.group.read()
            self._most_tasks = max(self._most_tasks, now.tasks)
            return (now.cpu_ns - self._start.cpu_ns) / 1e6
        return max(0.0, self._prepared.cpu_ms() - self._start_cpu_ms)

    def _counts(self, report: Report | None, supervisor: Supervisor) -> KernelCounts:
        processes_refused, charged = supervisor.processes_refused, supervisor.host_cpu_ms
        if self._lane.group is None or self._start is None:
            used = report.cpu_ms - self._start_cpu_ms if report is not None else self._cpu_ms()
            return KernelCounts(
                cpu_ms=max(0.0, used) + charged, host_cpu_ms=charged, processes_refused=processes_refused
            )
        now, start = self._lane.group.read(), self._start
        self._last = now
        return KernelCounts(
            cpu_ms=(now.cpu_ns - start.cpu_ns) / 1e6 + charged,
            host_cpu_ms=charged,
            memory_peak=max(0, now.memory_peak_bytes - start.memory_bytes),
            oom_kills=now.oom_kills - start.oom_kills,
            tasks_refused=now.tasks_refused - start.tasks_refused,
            processes_refused=processes_refused,
            tasks_peak=max(self._most_tasks, now.tasks_since(start)),
        )

    def _exit(self, report: Report | None, counts: KernelCounts, monitor: BudgetMonitor) -> Exit | None:
        """Return how the payload ended; None when its lane ended around it.

        Killing a zygote ends the namespace of its lanes, and the kernel may take the payload first, whose init then
        lives just long enough to report a SIGKILL that nobody sent it.
        """
        seen = exit_of(report.status if report is not None else None)
        unexplained = (
            seen is not None and seen.signal == signal.SIGKILL and monitor.kill is None and not counts.oom_kills
        )
        return None if unexplained and self._lane.dies_within(_NAMESPACE_END) else seen

    def _conclude(self, supervisor: Supervisor, monitor: BudgetMonitor, wall_ms: float, fault: str | None) -> Outcome:
        report = supervisor.report
        answered = monitor.kill is None and isinstance(supervisor.answer, Returned) and self._folder is None
        counts = self._counts(report, supervisor)
        stays = answered and self._keep and report is None and supervisor.stays
        own_cpu_ms = counts.cpu_ms - supervisor.host_cpu_ms
        rests = stays and self._prepared.rest(self._last, self._start_cpu_ms + own_cpu_ms)
        if answered and not rests:
            self._prepared.let_end()
        seen = Observation(
            budgets=Budgets(self._wall, self._limits.cpu, self._limits.memory),
            kill=monitor.kill,
            exit=Exit(code=0) if answered else self._exit(report, counts, monitor),
            answer=supervisor.answer,
            counts=counts,
            touched=tuple(monitor.touched),
            lost=INIT_GONE if fault is None else Evidence("sandbox", fault, source="host"),
            denial=self._denials.denial,
        )
        self.lane_after = _next(report, answered=answered, stays=rests)
        if self.lane_after is Disposition.KEEP:
            self._prepared.results.clear()
        outcome = run_outcome.outcome(
            decide(seen),
            supervisor.output,
            counts,
            wall_ms,
            exit_of(report.status if report is not None else None),
            sandbox=NAME,
            leftovers=report.leftovers if report is not None else 0,
            denied=self._denials.calls,
        )
        return outcome if self._folder is None else self._folder.collect_files(outcome, ended=report is not None)


def _next(report: Report | None, *, answered: bool, stays: bool) -> Disposition:
    """Return a lane's disposition after a call; `stays` says that its payload rests until the next one."""
    if report is not None:
        # what a payload left behind was killed, but a lane in which that was possible is not trusted again
        return Disposition.REARM if report.clean else Disposition.DISCARD
    if stays:
        return Disposition.KEEP
    return Disposition.DRAIN if answered else Disposition.DISCARD
