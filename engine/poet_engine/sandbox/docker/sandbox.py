"""Run jobs in the Docker sandbox: containers of a Docker daemon, each for one version of one function."""

import functools
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Self

from poet_engine._cancellation import Cancellation
from poet_engine._fork import on_fork
from poet_engine.dockerd import faults
from poet_engine.errors import DockerError, ImageError, SandboxUnavailableError
from poet_engine.job import Job, Script
from poet_engine.outcome import Evidence, Outcome, Status
from poet_engine.policy import Fresh, Policy
from poet_engine.sandbox import input_files, isolation_checks, lifecycle, run_outcome, wire
from poet_engine.sandbox.base import IsolationCheck, Means, SandboxStatistics
from poet_engine.sandbox.docker import resolved_runtime
from poet_engine.sandbox.docker.client import ContainerClient, ContainerState
from poet_engine.sandbox.docker.container import Container
from poet_engine.sandbox.docker.container_run import NAME, ContainerRun
from poet_engine.sandbox.docker.maintainer import ContainerMaintainer
from poet_engine.sandbox.docker.output_files import Files
from poet_engine.sandbox.docker.probe_container import ProbeContainer
from poet_engine.sandbox.docker.scheduling import ContainerPoolSize
from poet_engine.sandbox.live_output import Listener, live_output
from poet_engine.sandbox.pool import scheduling
from poet_engine.sandbox.pool.version import SourceKey
from poet_engine.sandbox.pool.worker_pool import QUEUE_CAUSES, Disposition, NoWorkerError, Unavailable, WorkerPool
from poet_engine.sandbox.verdict import DAEMON, blame_for

# Seconds that a call may wait for a container when its caller named no deadline: waiting is not the code's time.
_QUEUE_GRACE = 30.0
_START_GRACE = 60.0  # seconds until the first container is ready, as long as the daemon answers
_ASK_EVERY = 5.0  # seconds after which the daemon is asked again whether it lives
_ASK_GRACE = 1.5  # seconds for the daemon to report a container's state, or that it lives
# Seconds between two questions: until the end of a container is known, whose many files the kernel may take a while to
# free after its streams have ended, and then until it is known that it was for want of memory.
_UNTIL_ENDED, _UNTIL_EXPLAINED = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6), (0.05, 0.15)
_KILLED = 137  # exit code of SIGKILL, whoever sent it
_living: "weakref.WeakSet[DockerSandbox]" = weakref.WeakSet()


on_fork(_living, lambda sandbox: sandbox.forget_after_fork())


class _NoEngineError(NoWorkerError):
    """The failure to get a container because the daemon does not answer."""


class DockerSandbox:
    """A sandbox that runs jobs under one policy, in containers.

    Args:
        policy: The policy of the calls.
        host: The daemon's address; None for the usual one.
        runtime: The runtime, such as `runc` or `runsc`; None for the policy's, or else the daemon's default.
        size: The limits on containers and waiters.
        clock: Returns monotonic seconds.
        without: Measures left out inside, by the names in `confine.MEASURES`. Only the control runs of security tests
            do that, to show that an attack gets through when nothing stops it.

    Raises:
        SandboxUnavailableError: The daemon, the image or the runtime is missing; the message says what to change.
    """

    name = NAME

    def __init__(
        self,
        policy: Policy,
        *,
        host: str | None = None,
        runtime: str | None = None,
        size: ContainerPoolSize | None = None,
        clock: Callable[[], float] = time.monotonic,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._policy, self._limits, self._clock = policy, policy.limits, clock
        self._owner = os.getpid()
        self._without = without
        self._calls = 0
        self._count_lock = threading.Lock()
        self._closing = threading.Event()
        try:
            self._engine = ContainerClient(host or resolved_runtime.DEFAULT_HOST)
        except DockerError as error:
            raise SandboxUnavailableError(str(error)) from None
        try:
            self._chosen = resolved_runtime.choose(self._engine, policy, runtime, without=without)
        except (DockerError, ImageError) as error:
            self._engine.close()
            raise SandboxUnavailableError(str(error)) from None
        except BaseException:
            self._engine.close()
            raise
        self._builder = self._chosen.builder
        size = size or ContainerPoolSize()
        once = policy.isolation.fresh is Fresh.EXEC
        pool_size = scheduling.PoolSize(least=size.spare, most=size.most, queue=size.queue, linger=size.linger)
        self._pool: WorkerPool[Container] = WorkerPool(pool_size, clock, keeps=True)
        self._maintainer = ContainerMaintainer(self._pool, self._builder, size, once=once, clock=clock)
        self._maintainer.submit(self._builder.tidy)
        self._maintainer.submit(self._chosen.sweep)  # what is left of others must not keep us from starting
        self._probes = ProbeContainer(self._builder, self._limits, self._chosen.probing, clock)
        self._finalizer = weakref.finalize(self, _abandon, self._maintainer, self._engine)
        _living.add(self)

    def __repr__(self) -> str:
        of = f"policy={self._policy.name} runtime={self._chosen.runtime} calls={self._calls}"
        return f"<DockerSandbox {of} {self._maintainer!r}>"

    @property
    def runtime(self) -> str:
        """The runtime that runs the containers."""
        return self._chosen.runtime

    def run(self, job: Job, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run one job to its verdict; see `Sandbox.run`."""
        self._refuse_misuse()
        request = wire.request(job, self._limits.memory)
        with live_output(job.on_output) as listener:
            return self._run(request, SourceKey(job.source, job.filename), job.wall, cancellation, listener=listener)

    def run_script(self, script: Script, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run one script to its confirmed end and collect its files; see `Sandbox.run_script`."""
        self._refuse_misuse()
        request = wire.script_request(script)
        input_files.refuse_too_much(script, self._limits)
        files = Files(script.files_out, self._limits.result, has_value=bool(script.cells))
        version = SourceKey(script.source, f"script {script.filename}")  # never a container that serves a function
        with live_output(script.on_output) as listener:
            outcome = self._run(request, version, script.wall, cancellation, files=files, listener=listener)
        return run_outcome.without_itself(outcome, script)

    def _run(
        self,
        request: wire.Request,
        version: SourceKey,
        wall: float | None,
        cancellation: Cancellation | None,
        *,
        files: Files | None = None,
        listener: Listener | None = None,
    ) -> Outcome:
        with self._count_lock:
            self._calls += 1
        patience = max(self._limits.wall, _QUEUE_GRACE) if wall is None else min(wall, self._limits.wall)
        wall = self._limits.wall if wall is None else min(wall, self._limits.wall)
        try:
            container = self._container(version, patience, cancellation)
        except NoWorkerError as error:
            return self._no_container(error, cancellation)
        after = Disposition.DISCARD
        try:
            keep = self._policy.isolation.fresh is Fresh.NONE
            run = ContainerRun(
                container,
                self._limits,
                wall,
                self._clock,
                keep=keep,
                files=files,
                isolation=self._policy.isolation,
                listener=listener,
            )
            outcome = run.to_the_end(request, cancellation, functools.partial(self._what_became_of, container))
            after = run.container_after
        finally:
            self._pool.give_back(container, after)
        if self._pool.closing and outcome.status is Status.INFRA:
            return self._not_run(Status.CANCELLED, "shutdown", "closed in mid-call")
        return outcome

    def _container(self, version: SourceKey, patience: float, cancellation: Cancellation | None) -> Container:
        """Return a container that lives and has sent nothing since its payload was ready.

        The first one may take longer than the caller's patience, for as long as the daemon answers.

        Raises:
            NoWorkerError: No container can be had; `why` says the reason.
        """
        until = self._clock() + patience
        latest = self._clock() + _START_GRACE
        while True:
            try:
                left = max(0.0, until - self._clock())
                container = self._pool.acquire(left, key=version, cancellation=cancellation)
            except NoWorkerError as error:
                called_off = cancellation is not None and cancellation.requested
                waited = error.why in (Unavailable.TIMEOUT, Unavailable.STALLED)
                if not waited or called_off or self._pool.closing:
                    raise
                self._refuse_dead_engine()
                if self._maintainer.made or self._clock() >= latest:
                    raise
                until = min(latest, self._clock() + _ASK_EVERY)
                continue
            if container.quiet:
                return container
            self._pool.give_back(container, Disposition.DISCARD)

    def _refuse_dead_engine(self) -> None:
        try:
            self._engine.ping(timeout=_ASK_GRACE)
        except DockerError as error:
            raise _NoEngineError(str(error), Unavailable.SETUP) from None

    def _what_became_of(self, container: Container) -> tuple[Evidence, int]:
        """Ask the daemon why a container is gone; return that, and how many of its tasks the OOM killer ended."""
        if self._pool.closing:
            return Evidence("engine", "closed in mid-call", source="host"), 0
        if self._pool.fault is not None:
            return Evidence("sandbox", self._pool.fault, source="host"), 0
        try:
            state = self._state_of(container)
            if state is None or not state.oom_killed:
                self._engine.ping(timeout=_ASK_GRACE)  # an engine that ends takes its containers with it
        except DockerError as error:
            return Evidence(DAEMON, str(error), source="host"), 0
        if state is None:
            return Evidence("container", "it was removed from outside", source="docker"), 0
        if state.oom_killed:
            return Evidence("container", "out of memory", source="docker"), 1
        if state.running:
            return Evidence("container", "it runs, and does not answer", source="docker"), 0
        who = "; it was killed from outside" if state.exit_code == _KILLED else ""
        return Evidence("container", f"exit code {state.exit_code}{who}", source="docker"), 0

    def _state_of(self, container: Container) -> ContainerState | None:
        """Ask until the daemon knows: the end, and that it was for want of memory, reach it one after the other."""
        ending, explaining = iter(_UNTIL_ENDED), iter(_UNTIL_EXPLAINED)
        while True:
            state = self._state_now(container)
            if state is None or state.oom_killed or not (state.running or state.exit_code == _KILLED):
                return state
            pause = next(ending if state.running else explaining, None)
            if pause is None or self._closing.wait(pause):
                return state

    def _state_now(self, container: Container) -> ContainerState | None:
        """Return the state that the daemon reports; one that does not report while it ends a container still lives."""
        try:
            return self._engine.state(container.id, timeout=_ASK_GRACE)
        except DockerError as error:
            if error.fault != faults.TIMEOUT:
                raise
            self._engine.ping(timeout=_ASK_GRACE)
            return ContainerState(running=True, exit_code=0, oom_killed=False, error="", pid=0)

    def _no_container(self, error: NoWorkerError, cancellation: Cancellation | None) -> Outcome:
        """Return the outcome when no container was to be had."""
        text = str(error)
        fault = self._maintainer.fault
        if isinstance(error, _NoEngineError):
            return self._not_run(Status.INFRA, DAEMON, text)
        if self._pool.closing:
            return self._not_run(Status.CANCELLED, "shutdown", text)
        if cancellation is not None and cancellation.requested:
            return self._not_run(Status.CANCELLED, "caller", text)
        if error.why is Unavailable.FULL:
            return self._not_run(Status.INFRA, "queue_full", text)
        if error.why is Unavailable.BROKEN:
            return self._not_run(Status.INFRA, "setup", text)
        if fault is not None:
            cause = DAEMON if fault.fault in resolved_runtime.DAEMON_FAULTS else "setup"
            return self._not_run(Status.INFRA, cause, str(fault))
        return self._not_run(Status.INFRA, QUEUE_CAUSES.get(error.why, "queue_timeout"), text)

    def _not_run(self, status: Status, cause: str, text: str) -> Outcome:
        evidence = Evidence(cause, text, source="host")
        return Outcome(status=status, cause=cause, blame=blame_for(status, cause), evidence=evidence, sandbox=NAME)

    def _refuse_misuse(self) -> None:
        lifecycle.ensure_usable(self._owner, closed=self._pool.closing)

    def walls(self, *, thorough: bool = True) -> tuple[IsolationCheck, ...]:
        """Try every isolation check from inside, in a container of its own; see `isolation_checks.probe`.

        Raises:
            SandboxUnavailableError: The sandbox does not start; the message says why.
        """
        tried = isolation_checks.triable(self._policy, thorough=thorough)
        if tried is not self._policy:
            self._probes.means()  # one of its own must stand all the same
            size, host = ContainerPoolSize(spare=0, most=1), self._engine.host
            with DockerSandbox(tried, host=host, runtime=self.runtime, size=size, without=self._without) as other:
                return other.walls(thorough=thorough)
        with self._probes.opened() as probing:
            return isolation_checks.probe(
                probing.run,
                self._limits,
                counted_by=probing.means.counted_by,
                thorough=thorough,
                public=isolation_checks.own_file(),
            )

    def means(self) -> Means:
        """Return what the isolation is built from; starts a container when none has reported it yet."""
        return self._probes.means()

    def remarks(self) -> tuple[str, ...]:
        """Return the daemon and runtime in use, and how to get a stronger one."""
        return resolved_runtime.remarks(self._chosen, self._engine.host)

    def statistics(self) -> SandboxStatistics:
        """Return the counters as a frozen snapshot."""
        return SandboxStatistics(calls=self._calls, **self._pool.statistics(), **self._maintainer.statistics())

    def forget_after_fork(self) -> None:
        """In a forked child: leave the parent's containers alone. Their streams are closed already."""
        self._finalizer.detach()

    def close(self) -> None:
        """End every container and free everything. Idempotent."""
        self._finalizer.detach()
        if os.getpid() == self._owner and not self._pool.closing:
            self._closing.set()
            self._pool.shut(by_owner=True)
            self._maintainer.close()
            self._engine.close()

    def __enter__(self) -> Self:
        """Return the sandbox itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()


def _abandon(maintainer: ContainerMaintainer, engine: ContainerClient) -> None:
    warnings.warn(f"a docker sandbox was never closed: {maintainer!r}", ResourceWarning, stacklevel=2)
    maintainer.close()
    engine.close()
