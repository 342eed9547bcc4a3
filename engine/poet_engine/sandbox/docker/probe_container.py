"""Run our own probes in a container outside of the pool, in which forbidden system calls fail and the probe goes on."""

import contextlib
import select
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from poet_engine.errors import DockerError, SandboxUnavailableError
from poet_engine.guest.config import Config
from poet_engine.job import Job
from poet_engine.outcome import Evidence, Outcome
from poet_engine.policy import Limits
from poet_engine.sandbox import isolation_checks, wire
from poet_engine.sandbox.base import Means
from poet_engine.sandbox.docker.builder import ContainerBuilder
from poet_engine.sandbox.docker.container import Container, ContainerError
from poet_engine.sandbox.docker.container_run import ContainerRun
from poet_engine.sandbox.pool.worker_pool import Disposition

_START_GRACE, _PAYLOAD_GRACE = 60.0, 10.0
# The name of what limits memory and tasks where the kernel's counters cannot be seen from inside: limits of the
# payload's own, which the runtime keeps, and a cgroup around everything.
_BY_LIMITS = "rlimits"


class Probing(NamedTuple):
    """An open container for probes, as a function that runs them, and its means."""

    run: Callable[[Job], Outcome]
    means: Means


class ProbeContainer:
    """Opens containers for probes.

    Args:
        builder: Makes them.
        limits: The policy's limits.
        config: Returns the configuration of their first process, by its user.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self, builder: ContainerBuilder, limits: Limits, config: Callable[[int], Config], clock: Callable[[], float]
    ) -> None:
        self._builder, self._limits, self._config, self._clock = builder, limits, config, clock
        self._lock = threading.Lock()
        self._means: Means | None = None

    def means(self) -> Means:
        """Return what the isolation is built from, as a container reports it."""
        with self._lock:
            if self._means is None:
                with self.opened() as probing:
                    self._means = probing.means
            return self._means

    @contextlib.contextmanager
    def opened(self) -> Iterator[Probing]:
        """Open a container, which ends after the block.

        Raises:
            SandboxUnavailableError: The container does not start.
        """
        try:
            container = self._builder.build(self._config)
        except DockerError as error:
            raise SandboxUnavailableError(str(error)) from None
        try:
            self._await(container, _START_GRACE)
            self._builder.fit_memory(container)
            yield Probing(lambda job: self._run(container, job), _means(container))
        except (DockerError, ContainerError) as error:
            raise SandboxUnavailableError(f"a container does not stand: {error}") from None
        finally:
            with contextlib.suppress(DockerError):  # the sweep of the next start finds it by its labels
                self._builder.end(container)

    def _await(self, container: Container, seconds: float) -> None:
        until = self._clock() + seconds
        poll = select.poll()
        poll.register(container.stream.fileno(), select.POLLIN)
        while not container.prepared:
            left = until - self._clock()
            if left <= 0 or not poll.poll(left * 1000):
                raise ContainerError(f"it was not ready within {seconds:.0f} s")
            container.on_readable()

    def _run(self, container: Container, job: Job) -> Outcome:
        if not container.prepared:
            container.prepare()
            self._await(container, _PAYLOAD_GRACE)
        budgets = isolation_checks.own_budgets(self._limits)
        run = ContainerRun(container, budgets, budgets.wall, self._clock, tolerant=True)
        gone = (Evidence("container", "it has ended", source="docker"), 0)
        outcome = run.to_the_end(wire.request(job, self._limits.memory), None, lambda: gone)
        container.prepared = False
        if run.container_after is Disposition.DRAIN:
            self._await_end(container)
        return outcome

    def _await_end(self, container: Container) -> None:
        poll = select.poll()
        poll.register(container.stream.fileno(), select.POLLIN)
        while not container.ended:
            if not poll.poll(_PAYLOAD_GRACE * 1000):
                raise ContainerError("a payload did not end")
            container.on_readable()


def _means(container: Container) -> Means:
    standing = container.standing
    if standing is None:
        raise AssertionError("a payload waits in a container that never said that it stands")
    return Means(
        counted_by=standing.counted_by or _BY_LIMITS,
        own_uid=True,
        landlock=standing.landlock,
        user_namespace=False,
    )
