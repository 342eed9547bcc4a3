"""Run jobs in the process sandbox: fresh, isolated processes of this machine's own Python."""

import functools
import itertools
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Self

from poet_engine._cancellation import Cancellation
from poet_engine._fork import on_fork
from poet_engine.errors import SandboxUnavailableError
from poet_engine.guest import landlock
from poet_engine.job import Job, Script
from poet_engine.outcome import Evidence, Outcome, Status
from poet_engine.policy import Fresh, Policy
from poet_engine.sandbox import cgroup, input_files, isolation_checks, lifecycle, run_outcome, wire
from poet_engine.sandbox.base import IsolationCheck, Means, SandboxStatistics
from poet_engine.sandbox.cgroup import GroupLimits
from poet_engine.sandbox.live_output import Listener, live_output
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.pool.version import SourceKey
from poet_engine.sandbox.pool.worker_pool import QUEUE_CAUSES, Disposition, NoWorkerError, Unavailable
from poet_engine.sandbox.process import configure, diagnose, identity
from poet_engine.sandbox.process.fork_server import Zygote
from poet_engine.sandbox.process.fork_servers import ForkServers
from poet_engine.sandbox.process.identity import Identity
from poet_engine.sandbox.process.lane import Lane
from poet_engine.sandbox.process.lane_run import NAME, LaneRun
from poet_engine.sandbox.process.maintainer import LaneBuilder
from poet_engine.sandbox.process.memory_files import ArgumentFiles
from poet_engine.sandbox.process.pool import LanePool
from poet_engine.sandbox.process.scratch_folder import ScratchFolder
from poet_engine.sandbox.process.subids import SubIds
from poet_engine.sandbox.process.subids import find as find_subids
from poet_engine.sandbox.verdict import blame_for

_START_GRACE = 60.0
# Seconds that a call may wait for a lane when its caller named no deadline: waiting is not the code's time.
_QUEUE_GRACE = 30.0
_NOTHING = Job(source="def nothing():\n    pass\n", entry="nothing")  # takes a lane to do it
_lane_numbers = itertools.count()
_living: "weakref.WeakSet[ProcessSandbox]" = weakref.WeakSet()


def _uid_of(me: Identity, subids: SubIds | None, number: int) -> int:
    """Return a uid that no other lane of this process has; inside a user namespace of ours, 0 is ourselves."""
    return me.uid(next(_lane_numbers)) if subids is None else 1 + number % subids.lanes


on_fork(_living, lambda sandbox: sandbox.forget_after_fork())


class ProcessSandbox:
    """A sandbox that runs jobs under one policy, in lanes of one zygote.

    Args:
        policy: The policy of the calls.
        size: The limits on lanes and waiters.
        without: Measures left out, by the names of `guest.confine.MEASURES`: only for control runs of security tests.
        audit: Collect the system calls that are on no list, for `unlisted_calls`: for measuring the lists only.
        clock: Returns monotonic seconds.

    Raises:
        SandboxUnavailableError: This machine cannot have the sandbox at all; the message says why and what to change.
    """

    name = NAME

    def __init__(
        self,
        policy: Policy,
        *,
        size: PoolSize | None = None,
        without: frozenset[str] = frozenset(),
        audit: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        configure.refuse_other_machines(policy)
        configure.refuse_missing_modules(policy)
        self._policy, self._limits, self._clock = policy, policy.limits, clock
        driver = None if "cgroup" in without else cgroup.find()
        if driver is not None:
            driver.sweep()
        self._driver = driver
        self._owner = os.getpid()
        self._without = without
        self._audit = audit
        self.unlisted_calls: set[str] = set()
        self._calls = 0
        self._count_lock = threading.Lock()
        self._me = identity.current()
        subids = find_subids() if self._me.rootless and "ids" not in without else None
        self._fork_servers = ForkServers(
            configure.configuration(
                policy, driver, without, rootless=self._me.rootless, subids=subids is not None, audit=audit
            ),
            retire_after=configure.lanes_of_a_zygote(policy),
            start=lambda config: Zygote(config, subids),
        )
        tasks = 2 + policy.limits.processes + policy.limits.threads
        limits = GroupLimits(policy.limits.memory, tasks, policy.limits.cores)
        uids = functools.partial(_uid_of, self._me, subids)
        builder = LaneBuilder(self._fork_servers, driver, limits, uids, policy.limits.result, self._keeps_payloads)
        self._pool = LanePool(builder, size=size or PoolSize(), keeps=self._keeps_payloads)
        self._arguments = ArgumentFiles()
        self._finalizer = weakref.finalize(self, _abandon, self._pool)
        _living.add(self)

    def __repr__(self) -> str:
        return f"<ProcessSandbox policy={self._policy.name} calls={self._calls} {self._pool!r}>"

    def run(self, job: Job, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run one job to its verdict; see `Sandbox.run`."""
        return self._run_job(job, cancellation, tolerant=False)

    def run_script(self, script: Script, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run one script to its confirmed end and collect its files; see `Sandbox.run_script`."""
        self._refuse_misuse()
        request = wire.script_request(script)
        input_files.refuse_too_much(script, self._limits)
        scratch = ScratchFolder(script.files_out, self._limits.result, has_value=bool(script.cells))
        with live_output(script.on_output) as listener, scratch as folder:
            outcome = self._run(request, None, script.wall, cancellation, folder=folder, listener=listener)
        return run_outcome.without_itself(outcome, script)

    def probe(self, job: Job) -> Outcome:
        """Run a probe of ours: forbidden calls fail with EPERM and the probe goes on. Never for other people's code."""
        return self._run_job(job, None, tolerant=True)

    def _run_job(self, job: Job, cancellation: Cancellation | None, *, tolerant: bool) -> Outcome:
        self._refuse_misuse()
        request = wire.request(job, self._limits.memory)
        key = SourceKey(job.source, job.filename)
        with live_output(job.on_output) as listener:
            return self._run(request, key, job.wall, cancellation, tolerant=tolerant, listener=listener)

    def _run(
        self,
        request: wire.Request,
        version: SourceKey | None,
        wall: float | None,
        cancellation: Cancellation | None,
        *,
        tolerant: bool = False,
        folder: ScratchFolder | None = None,
        listener: Listener | None = None,
    ) -> Outcome:
        """Do one run; `version` is the only one that its payload may have been prepared for, or have served."""
        with self._count_lock:
            self._calls += 1
        patience = max(self._limits.wall, _QUEUE_GRACE) if wall is None else min(wall, self._limits.wall)
        limits = isolation_checks.own_budgets(self._limits) if tolerant else self._limits
        wall = limits.wall if wall is None else min(wall, limits.wall)
        try:
            lane = self._lane(version, patience, cancellation)
        except NoWorkerError as error:
            return self._no_lane(error, cancellation)
        run = LaneRun(
            lane,
            limits,
            wall,
            self._clock,
            tolerant=tolerant,
            keep=self._keeps_payloads,
            folder=folder,
            isolation=self._policy.isolation,
            listener=listener,
        )
        try:
            return self._released(run, request, cancellation)
        finally:
            if folder is not None:
                folder.close()  # its files count as the lane's memory for as long as anybody holds them
            self._pool.give_back(lane, run.lane_after)
            if self._audit:
                self.unlisted_calls |= run.unlisted

    def _released(self, run: LaneRun, request: wire.Request, cancellation: Cancellation | None) -> Outcome:
        try:
            attached = self._arguments.hold(request.parts)
        except OSError as error:
            return self._not_run(Status.INFRA, "setup", f"no memory file for the arguments: {error}")
        try:
            run.classes = request.classes
            return run.to_the_end(request.content, attached, self._pool, cancellation)
        finally:
            if attached is not None:
                os.close(attached)

    def _no_lane(self, error: NoWorkerError, cancellation: Cancellation | None) -> Outcome:
        """Return the outcome when no lane was to be had; why the sandbox cannot start, with the setting to change."""
        text = str(error)
        if self._pool.closing:
            status, cause = Status.CANCELLED, "shutdown"
        elif cancellation is not None and cancellation.requested:
            status, cause = Status.CANCELLED, "caller"
        elif error.why is Unavailable.BROKEN:
            status, cause = Status.INFRA, "setup"
        elif error.why is Unavailable.SETUP:
            status, cause = Status.INFRA, "setup"
            why = diagnose.explain(text, rootless=self._me.rootless, values=diagnose.settings())
            text = f"the process sandbox does not start: {why}"
        else:
            status, cause = Status.INFRA, QUEUE_CAUSES.get(error.why, "queue_timeout")
        return self._not_run(status, cause, text)

    def _not_run(self, status: Status, cause: str, text: str) -> Outcome:
        evidence = Evidence(cause, text, source="host")
        return Outcome(status=status, cause=cause, blame=blame_for(status, cause), evidence=evidence, sandbox=self.name)

    def _lane(self, version: SourceKey | None, patience: float, cancellation: Cancellation | None) -> Lane:
        """Return a lane whose payload waits and has sent nothing since it was ready."""
        until = self._clock() + (max(patience, _START_GRACE) if self._pool.cold else patience)
        while True:
            lane = self._pool.acquire(max(0.0, until - self._clock()), key=version, cancellation=cancellation)
            if lane.prepared is not None and lane.prepared.take():
                return lane
            self._pool.give_back(lane, Disposition.DISCARD)

    @property
    def _keeps_payloads(self) -> bool:
        return self._policy.isolation.fresh is Fresh.NONE

    def _refuse_misuse(self) -> None:
        lifecycle.ensure_usable(self._owner, closed=self._pool.closing)

    def walls(self, *, thorough: bool = True) -> tuple[IsolationCheck, ...]:
        """Try every isolation check from inside; see `isolation_checks.probe`.

        Raises:
            SandboxUnavailableError: It does not start on this machine; the message names the setting to change.
        """
        tried = isolation_checks.triable(self._policy, thorough=thorough)
        if tried is self._policy:
            counted_by = self.means().counted_by
            return isolation_checks.probe(
                self._probe_or_explain, self._limits, counted_by=counted_by, thorough=thorough
            )
        self._probe_or_explain(_NOTHING)
        with ProcessSandbox(tried, size=PoolSize(least=1, most=2), without=self._without, clock=self._clock) as other:
            return other.walls(thorough=thorough)

    def means(self) -> Means:
        """Return what the isolation is built from on this machine."""
        rootless = self._me.rootless
        return Means(
            counted_by=self._driver.name if self._driver else "rlimits",
            own_uid=not rootless or self._fork_servers.mapped,
            landlock=landlock.abi(),
            user_namespace=rootless,
        )

    def remarks(self) -> tuple[str, ...]:
        """Return no remarks: the isolation checks say everything."""
        return ()

    def _probe_or_explain(self, job: Job) -> Outcome:
        outcome = self.probe(job)
        if outcome.status is Status.INFRA and outcome.cause == "setup":
            raise SandboxUnavailableError(str(outcome.evidence.value if outcome.evidence else ""), outcome)
        return outcome

    def statistics(self) -> SandboxStatistics:
        """Return the counters as a frozen snapshot."""
        return SandboxStatistics(calls=self._calls, **self._pool.statistics())

    def forget_after_fork(self) -> None:
        """In a forked child: close what would keep the parent's lanes alive after the parent."""
        self._finalizer.detach()
        self._pool.forget_after_fork()

    def close(self) -> None:
        """End every lane and free everything. Idempotent."""
        self._finalizer.detach()
        if os.getpid() == self._owner:
            self._pool.close()
            self._arguments.close()

    def __enter__(self) -> Self:
        """Return the sandbox itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()


def _abandon(pool: LanePool) -> None:
    warnings.warn(f"a process sandbox was never closed: {pool!r}", ResourceWarning, stacklevel=2)
    pool.close()
