"""The process sandbox: fresh, walled-in processes of this machine's own Python."""

import functools
import hashlib
import itertools
import os
import signal
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Self

from poet_engine.cancellation import Cancellation
from poet_engine.errors import ClosedError, PolicyError, SandboxUnavailableError
from poet_engine.guest import confine, landlock, syscalls
from poet_engine.guest.config import Config
from poet_engine.job import Job
from poet_engine.outcome import Blame, Evidence, Outcome, Status, Usage
from poet_engine.policy import Fresh, Limits, Policy
from poet_engine.sandbox import cgroup, walls, wire
from poet_engine.sandbox import verdict as verdict_module
from poet_engine.sandbox.cgroup import Driver, GroupLimits, Reading
from poet_engine.sandbox.process import diagnose, identity, mounts
from poet_engine.sandbox.process.identity import Identity
from poet_engine.sandbox.process.lane import Lane, Report
from poet_engine.sandbox.process.nursery import RETIRE_AFTER_LANES, Nursery
from poet_engine.sandbox.process.pool import Next, NoLaneError, Pool, Size
from poet_engine.sandbox.process.subids import SubIds
from poet_engine.sandbox.process.subids import find as find_subids
from poet_engine.sandbox.process.supervise import Supervisor, Watch
from poet_engine.sandbox.process.zygote import Zygote
from poet_engine.sandbox.protocol import Means, SandboxStatistics, WallReport
from poet_engine.sandbox.verdict import (
    Budgets,
    Counts,
    Exit,
    Kill,
    Observation,
    Returned,
    Verdict,
    blame_for,
    decide,
)

_START_GRACE = 60.0
_NAMESPACE_END = 0.05  # seconds that the kernel may take from a namespace's first victim to its last
_lane_numbers = itertools.count()
_living: "weakref.WeakSet[ProcessSandbox]" = weakref.WeakSet()


def _uid_of(me: Identity, subids: SubIds | None, number: int) -> int:
    """A uid that no other lane of this process has; inside a user namespace of ours, 0 is ourselves."""
    return me.uid(next(_lane_numbers)) if subids is None else 1 + number % subids.lanes


def _forget_after_fork() -> None:
    for sandbox in list(_living):
        sandbox.forget_after_fork()


os.register_at_fork(after_in_child=_forget_after_fork)


class ProcessSandbox:
    """Runs jobs under one policy in lanes of one zygote.

    Args:
        policy: What a call may do.
        size: How many lanes.
        without: Measures left out, by the names of `guest.confine.MEASURES`: for the controls of security tests only.
        audit: Collect the system calls that are on no list, for `unlisted_calls`: for measuring the lists only.
        clock: Monotonic seconds.

    Raises:
        SandboxUnavailableError: This machine cannot have it at all; the message says why and what to change.
    """

    name = "process"

    def __init__(
        self,
        policy: Policy,
        *,
        size: Size | None = None,
        without: frozenset[str] = frozenset(),
        audit: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _refuse_other_machines(policy)
        _refuse_missing_modules(policy)
        self._policy, self._limits, self._clock = policy, policy.limits, clock
        driver = None if "cgroup" in without else cgroup.find()
        if driver is not None:
            driver.sweep()
        self._driver = driver
        self._owner = os.getpid()
        self._audit = audit
        self.unlisted_calls: set[str] = set()
        self._calls = 0
        self._count_lock = threading.Lock()
        self._me = identity.current()
        subids = find_subids() if self._me.rootless and "ids" not in without else None
        self._nursery = Nursery(
            _config(policy, driver, without, rootless=self._me.rootless, subids=subids is not None, audit=audit),
            retire_after=_lanes_of_a_zygote(policy),
            start=lambda config: Zygote(config, subids),
        )
        tasks = 2 + policy.limits.processes + policy.limits.threads
        self._pool = Pool(
            self._nursery,
            driver,
            GroupLimits(policy.limits.memory, tasks, policy.limits.cores),
            functools.partial(_uid_of, self._me, subids),
            size=size or Size(least=min(2, os.cpu_count() or 1)),
        )
        self._finalizer = weakref.finalize(self, _abandon, self._pool)
        _living.add(self)

    def __repr__(self) -> str:
        return f"<ProcessSandbox policy={self._policy.name} calls={self._calls} {self._pool!r}>"

    def run(self, job: Job, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run one job to its verdict; see `Sandbox.run`."""
        return self._run(job, cancellation, tolerant=False)

    def probe(self, job: Job) -> Outcome:
        """Run a probe of ours: forbidden calls fail with EPERM and the probe goes on. Never for other people's code."""
        return self._run(job, None, tolerant=True)

    def _run(self, job: Job, cancellation: Cancellation | None, *, tolerant: bool) -> Outcome:
        self._refuse_misuse()
        request = wire.request(job)
        with self._count_lock:
            self._calls += 1
        wall = self._limits.wall if job.wall is None else min(job.wall, self._limits.wall)
        try:
            lane = self._lane(job, wall, cancellation)
        except NoLaneError as error:
            return _no_lane(error, self._pool, cancellation)
        run = _Run(lane, self._limits, wall, self._clock, tolerant=tolerant, keep=self._keeps_payloads)
        try:
            return run.to_the_end(request, self._pool, cancellation)
        finally:
            self._pool.give_back(lane, run.lane_after)
            if self._audit:
                self.unlisted_calls |= run.unlisted

    def _lane(self, job: Job, wall: float, cancellation: Cancellation | None) -> Lane:
        """A lane whose payload waits and has not said a word since it was ready."""
        key = hashlib.sha256(job.source.encode(errors="surrogatepass")).hexdigest() if self._keeps_payloads else None
        until = self._clock() + (max(wall, _START_GRACE) if self._pool.cold else wall)
        while True:
            lane = self._pool.acquire(max(0.0, until - self._clock()), key=key, cancellation=cancellation)
            if lane.armed is not None and not lane.armed.stale:
                return lane
            self._pool.give_back(lane, Next.DISCARD)

    @property
    def _keeps_payloads(self) -> bool:
        return self._policy.isolation.fresh is Fresh.NONE

    def _refuse_misuse(self) -> None:
        if os.getpid() != self._owner:
            raise ClosedError(
                "this sandbox belongs to the process that opened it, and this is a fork; open one in each process",
            )
        if self._pool.closing:
            raise ClosedError("this sandbox was closed; open another one")

    def walls(self, *, thorough: bool = True) -> tuple[WallReport, ...]:
        """Try every wall from inside; see `walls.probe`.

        Raises:
            SandboxUnavailableError: It does not start on this machine; the message names the setting to change.
        """
        counted_by = self.means().counted_by
        return walls.probe(self._probe_or_explain, self._limits, counted_by=counted_by, thorough=thorough)

    def means(self) -> Means:
        """What its walls are made of here."""
        rootless = self._me.rootless
        return Means(
            counted_by=self._driver.name if self._driver else "rlimits",
            own_uid=not rootless or self._nursery.mapped,
            landlock=landlock.abi(),
            user_namespace=rootless,
        )

    def _probe_or_explain(self, job: Job) -> Outcome:
        outcome = self.probe(job)
        if outcome.status is Status.INFRA and outcome.cause == "setup":
            failure = str(outcome.evidence.value if outcome.evidence else "")
            why = diagnose.explain(failure, rootless=self._me.rootless, values=diagnose.settings())
            raise SandboxUnavailableError(f"the process sandbox does not start: {why}")
        return outcome

    def statistics(self) -> SandboxStatistics:
        """Counters, frozen."""
        return SandboxStatistics(calls=self._calls, **self._pool.statistics())

    def forget_after_fork(self) -> None:
        """In a forked child: the parent's lanes must not outlive the parent because of us."""
        self._finalizer.detach()
        self._pool.forget_after_fork()

    def close(self) -> None:
        """End every lane and free everything. Idempotent."""
        self._finalizer.detach()
        if os.getpid() == self._owner:
            self._pool.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()


def _abandon(pool: Pool) -> None:
    warnings.warn(f"a process sandbox was never closed: {pool!r}", ResourceWarning, stacklevel=2)
    pool.close()


def _refuse_other_machines(policy: Policy) -> None:
    if sys.platform != "linux":
        raise SandboxUnavailableError(
            f"the process sandbox needs Linux and this is {sys.platform}; use sandbox='docker' here",
        )
    if syscalls.MACHINE not in syscalls.AUDIT_ARCHES:
        raise SandboxUnavailableError(
            f"the process sandbox supports x86_64 and aarch64, and this machine is {syscalls.MACHINE}",
        )
    if policy.network.allow or policy.network.allow_private:
        raise SandboxUnavailableError(
            f"policy {policy.name!r} allows network destinations, and the process sandbox has no network; "
            "leave [network] allow and allow_private empty",
        )


def _refuse_missing_modules(policy: Policy) -> None:
    missing = [name for name in policy.isolation.preload if not mounts.installed(name)]
    file, _, line = policy.origin.get("isolation.preload", "").rpartition(":")
    if missing and line.isdecimal():
        text = f"{', '.join(missing)} is not installed for {sys.executable}; install it, or do not preload it"
        raise PolicyError(text, file=file, line=int(line), key="isolation.preload")
    if missing:
        raise SandboxUnavailableError(
            f"policy {policy.name!r} preloads {', '.join(missing)}, which is not installed for {sys.executable}; "
            "install it (numpy, scipy and pandas come with: pip install 'poet-engine[data]')",
        )


def _lanes_of_a_zygote(policy: Policy) -> int:
    """With `fresh = "exec"` every call has an interpreter that was executed for it alone."""
    return 1 if policy.isolation.fresh is Fresh.EXEC else RETIRE_AFTER_LANES


def _config(
    policy: Policy,
    driver: Driver | None,
    without: frozenset[str],
    *,
    rootless: bool,
    subids: bool,
    audit: bool,
) -> Config:
    limits, isolation = policy.limits, policy.isolation
    seen = mounts.visible((*policy.static.imports, *isolation.preload))
    standard = [name for name in policy.static.imports if name.partition(".")[0] in sys.stdlib_module_names]
    return Config(
        rootless=rootless,
        subids=subids,
        import_paths=list(seen.import_paths),
        preload=[*standard, *isolation.preload],
        binds=list(seen.binds),
        covers=list(seen.covers),
        links=seen.links,
        memory=limits.memory,
        cpu_seconds=int(limits.cpu) + 1,
        processes=limits.processes,
        threads=limits.threads,
        open_files=limits.open_files,
        disk=limits.disk,
        inodes=limits.inodes,
        stack=limits.stack,
        keep=policy.isolation.fresh is Fresh.NONE,
        landlock=landlock.abi(),
        audit=audit,
        cgroup=driver is not None,
        without=sorted(without & set(confine.MEASURES)),
    )


class _Run:
    """One call in one lane: release, watch, decide."""

    def __init__(
        self,
        lane: Lane,
        limits: Limits,
        wall: float,
        clock: Callable[[], float],
        *,
        tolerant: bool,
        keep: bool,
    ) -> None:
        armed = lane.armed
        if armed is None:
            raise AssertionError("the pool handed out a lane without a payload")
        self._lane, self._armed, self._limits, self._wall, self._clock = lane, armed, limits, wall, clock
        self._tolerant, self._keep = tolerant, keep
        self.unlisted: frozenset[str] = frozenset()
        self._start: Reading | None = None
        self._start_cpu_ms = 0.0
        self.lane_after = Next.DISCARD  # until the end is known: an interrupted call must not leave a lane to others

    def to_the_end(self, request: bytes, pool: Pool, cancellation: Cancellation | None) -> Outcome:
        """Release the payload and follow it."""
        self._release()
        released = self._clock()
        watch = Watch(self._limits, released, self._wall)
        supervisor = Supervisor(self._armed, watch, self._cpu_ms, clock=self._clock, tolerant=self._tolerant)
        if cancellation is not None:
            supervisor.heed(cancellation)
        try:
            supervisor.run(request)
        except BaseException:
            supervisor.kill()  # an interrupt of the caller's: nothing runs on behind its back
            raise
        wall_ms = (self._clock() - released) * 1e3
        supervisor.drain()
        self.unlisted = frozenset(supervisor.unlisted)
        if pool.closing and supervisor.report is None and not isinstance(supervisor.answer, Returned):
            watch.end(Kill(Status.CANCELLED, "shutdown", Evidence("engine", "closed in mid-call")))
        return self._conclude(supervisor, watch, wall_ms)

    def _release(self) -> None:
        """Forget what setting up has cost: from here on it is the code's own."""
        if self._lane.group is not None:
            self._start = self._lane.group.release()
        else:
            self._start_cpu_ms = self._armed.cpu_ms()

    def _cpu_ms(self) -> float:
        if self._lane.group is not None and self._start is not None:
            return (self._lane.group.read().cpu_ns - self._start.cpu_ns) / 1e6
        return max(0.0, self._armed.cpu_ms() - self._start_cpu_ms)

    def _counts(self, report: Report | None, processes_refused: int) -> Counts:
        if self._lane.group is None or self._start is None:
            used = report.cpu_ms - self._start_cpu_ms if report is not None else self._cpu_ms()
            return Counts(cpu_ms=max(0.0, used), processes_refused=processes_refused)
        now, start = self._lane.group.read(), self._start
        return Counts(
            cpu_ms=(now.cpu_ns - start.cpu_ns) / 1e6,
            memory_peak=max(0, now.memory_peak_bytes - start.memory_bytes),
            oom_kills=now.oom_kills - start.oom_kills,
            tasks_refused=now.tasks_refused - start.tasks_refused,
            processes_refused=processes_refused,
        )

    def _exit(self, report: Report | None, counts: Counts, watch: Watch) -> Exit | None:
        """How the payload ended; None when its lane ended around it.

        Killing a zygote ends the namespace of its lanes, and the kernel may take the payload first, whose init then
        lives just long enough to report a SIGKILL that nobody sent it.
        """
        seen = _exit(report)
        unexplained = seen is not None and seen.signal == signal.SIGKILL and watch.kill is None and not counts.oom_kills
        return None if unexplained and self._lane.dies_within(_NAMESPACE_END) else seen

    def _conclude(self, supervisor: Supervisor, watch: Watch, wall_ms: float) -> Outcome:
        report = supervisor.report
        counts = self._counts(report, supervisor.processes_refused)
        answered = watch.kill is None and isinstance(supervisor.answer, Returned)
        seen = Observation(
            budgets=Budgets(self._wall, self._limits.cpu, self._limits.memory),
            kill=watch.kill,
            exit=Exit(code=0) if answered else self._exit(report, counts, watch),
            answer=supervisor.answer,
            counts=counts,
            touched=tuple(watch.touched),
        )
        self.lane_after = _next(report, answered=answered, keep=self._keep)
        return _outcome(decide(seen), supervisor, counts, wall_ms, report)


def _next(report: Report | None, *, answered: bool, keep: bool) -> Next:
    """What becomes of a lane after a call."""
    if report is not None:
        # what a payload left behind was killed, but a lane in which that was possible is not trusted again
        return Next.DISCARD if report.leftovers else Next.REARM
    if not answered:
        return Next.DISCARD
    return Next.KEEP if keep else Next.DRAIN


def _exit(report: Report | None) -> Exit | None:
    if report is None:
        return None
    if os.WIFSIGNALED(report.status):
        return Exit(signal=os.WTERMSIG(report.status))
    return Exit(code=os.WEXITSTATUS(report.status))


def _outcome(
    verdict: Verdict,
    supervisor: Supervisor,
    counts: Counts,
    wall_ms: float,
    report: Report | None,
) -> Outcome:
    ended = _exit(report)
    return Outcome(
        status=verdict.status,
        cause=verdict.cause,
        value=verdict.value,
        error=verdict.error,
        stdout=supervisor.output.text(1),
        stderr=supervisor.output.text(2),
        stdout_truncated=supervisor.output.cut(1),
        stderr_truncated=supervisor.output.cut(2),
        evidence=verdict.evidence,
        blame=verdict.blame,
        limits_hit=verdict.limits_hit,
        usage=Usage(
            wall_ms=wall_ms,
            cpu_ms=counts.cpu_ms,
            memory_peak_bytes=counts.memory_peak,
            bytes_out=supervisor.output.total,
        ),
        exit_code=ended.code if ended else None,
        signal=verdict_module.signal_name(ended.signal) if ended and ended.signal else None,
        sandbox=ProcessSandbox.name,
        leftovers=report.leftovers if report else 0,
    )


def _no_lane(error: NoLaneError, pool: Pool, cancellation: Cancellation | None) -> Outcome:
    if pool.closing:
        status, cause = Status.CANCELLED, "shutdown"
    elif cancellation is not None and cancellation.requested:
        status, cause = Status.CANCELLED, "caller"
    else:
        status, cause = Status.INFRA, "setup" if error.setup else "queue_timeout"
    blame = blame_for(status, cause) or Blame.ENGINE
    evidence = Evidence(cause, str(error), source="host")
    return Outcome(status=status, cause=cause, blame=blame, evidence=evidence, sandbox=ProcessSandbox.name)
