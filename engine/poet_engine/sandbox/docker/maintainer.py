"""Run the thread that has containers made, prepared anew and ended: all of it off the path of the calls.

The daemon takes a third of a second to start a container, and may take for ever: only worker threads talk to it.
"""

import collections
import contextlib
import logging
import selectors
import threading
from collections.abc import Callable

from poet_engine.dockerd import faults
from poet_engine.errors import DockerError
from poet_engine.guest.frames import FrameKind
from poet_engine.sandbox.docker import scheduling
from poet_engine.sandbox.docker.builder import ContainerBuilder
from poet_engine.sandbox.docker.container import Container, ContainerError
from poet_engine.sandbox.docker.scheduling import ContainerPoolSize, Stock
from poet_engine.sandbox.docker.threads import Workers
from poet_engine.sandbox.pool.worker_pool import Disposition, WorkerPool

# Seconds that a payload that has answered may take to end by itself.
_LEAVE_GRACE = 0.1
# Seconds that a container may take to be ready with all that it imports, and a payload to be ready or reaped.
_START_GRACE, _PAYLOAD_GRACE = 60.0, 10.0
_FAILURES_IN_A_ROW = 3
_AFTER_FAILURE = 0.2  # seconds until it is tried again
_WORKERS = 4
# Seconds between two looks at idle containers: one that was ended from outside is replaced before it is wanted.
_LOOK = 2.0
# Seconds that closing may take with a daemon that does not answer: its containers end by themselves with their streams.
_END_GRACE = 5.0
_logger = logging.getLogger(__name__)
_BUILT_CHARACTER = 400  # bytes that compiling takes for each character of a source


class ContainerMaintainer:
    """Makes, prepares and ends the containers of one sandbox.

    Args:
        pool: The pool that hands them to callers.
        builder: Makes them.
        size: The limits on their number.
        once: Whether a container serves one call only.
        clock: Returns monotonic seconds.
    """

    def __init__(
        self,
        pool: WorkerPool[Container],
        builder: ContainerBuilder,
        size: ContainerPoolSize,
        *,
        once: bool,
        clock: Callable[[], float],
    ) -> None:
        self._pool, self._builder, self._size, self._once, self._clock = pool, builder, size, once, clock
        self._containers: set[Container] = set()
        self._fresh: set[Container] = set()  # those that have never been ready
        self._starting = 0
        self._deadlines: dict[Container, float] = {}
        self._killed: set[Container] = set()
        self._arrivals: collections.deque[Callable[[], None]] = collections.deque()
        self._failures = 0
        self._not_before = 0.0
        self.fault: DockerError | None = None  # why the last one could not be made
        self.made = 0
        self._destroyed = 0
        self._next_look = 0.0
        self._closing = False
        self._end_lock = threading.Lock()
        self._ended = False
        self._workers = Workers(_WORKERS)
        self._selector = selectors.DefaultSelector()
        self._selector.register(pool.waker, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._keep, name="poet-keeper", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<ContainerMaintainer containers={len(self._containers)} starting={self._starting} made={self.made}>"

    def statistics(self) -> dict[str, int]:
        """Return the counters by the names of `SandboxStatistics`."""
        return {"lanes_made": self.made, "lanes_destroyed": self._destroyed}

    def close(self) -> None:
        """End every container and wait for that, some seconds at the most. Idempotent."""
        self._closing = True
        self._pool.ring()
        here = threading.current_thread()
        if here is not self._thread and here not in self._workers:  # a finalizer may run in any thread
            self._thread.join()

    def submit(self, task: Callable[[], object]) -> None:
        """Have a free worker run a task that asks the daemon; its DockerError is dropped."""

        def run() -> None:
            with contextlib.suppress(DockerError):
                task()

        self._workers.submit(run)

    def _keep(self) -> None:
        try:
            while not self._closing:
                self._take_arrivals()
                self._take_returned()
                for key, _event in self._selector.select(self._fit_to_demand()):
                    self._on_event(key.data)
                self._expire()
        except Exception as error:
            self._pool.break_down(error)
            _logger.exception("the thread that makes containers has ended")
        finally:
            self._end()

    def _take_arrivals(self) -> None:
        """Handle the results of the workers' tasks."""
        while self._arrivals:
            self._arrivals.popleft()()

    def _fit_to_demand(self) -> float | None:
        """Start and retire containers; return the seconds until the next look, None for never."""
        wishes, now = self._pool.wishes(), self._clock()
        gave_up = self._failures >= _FAILURES_IN_A_ROW and not wishes
        if not gave_up and now >= self._not_before:
            for _ in range(scheduling.to_start(self._size, self._stock(), wishes)):
                self._start()
        if self._retire(now):
            return 0.0
        looks = [scheduling.next_look(self._stock(), wishes)]
        if not gave_up and now < self._not_before:
            looks.append(self._not_before - now)
        looks += [max(0.0, until - now) for until in self._deadlines.values()]
        if self._containers:
            looks.append(max(0.0, self._next_look - now))
        return min((look for look in looks if look is not None), default=None)

    def _retire(self, now: float) -> bool:
        """End an idle container that is not wanted any more, or has ended already; return whether there was one."""
        look = now >= self._next_look
        idle = self._pool.take_idle(lambda container: self._lingers(container) or (look and not container.quiet))
        if idle is not None:
            self._destroy(idle)
        elif look:
            self._next_look = now + _LOOK
            if self._builder.untidy:
                self.submit(self._builder.tidy)
        return idle is not None

    def _stock(self) -> Stock:
        serving = [container.key for container in self._containers if container.key is not None]
        return Stock(serving, self._starting + len(self._containers) - len(serving))

    def _lingers(self, container: Container) -> bool:
        return container.key is not None and self._clock() - container.ready_since >= self._size.linger

    def _start(self) -> None:
        """Have a worker start a container."""
        self._starting += 1
        self._pool.lanes += 1
        self._ask(self._builder.build, self._on_started)

    def _ask(self, task: Callable[[], Container], then: Callable[[Container | DockerError], None]) -> None:
        """Have a worker run `task`, and this thread pass its result to `then`."""

        def work() -> None:
            result = self._result(task)
            with self._end_lock:
                if not self._ended:
                    self._arrivals.append(lambda: then(result))
            if self._ended and isinstance(result, Container):
                self._remove(result)  # it came too late: nothing else refers to it
            self._pool.ring()

        self._workers.submit(work)

    def _result(self, task: Callable[[], Container]) -> Container | DockerError:
        if self._closing:
            return DockerError("the sandbox was closed", fault=faults.FAILED)
        try:
            return task()
        except DockerError as error:
            return error
        except (OSError, RuntimeError) as error:
            return DockerError(f"a container could not be started: {error}", fault=faults.FAILED)
        except Exception as error:  # noqa: BLE001 - in a worker: whoever waits for the container is to be told
            return DockerError(f"a container could not be started: {error!r}", fault=faults.FAILED)

    def _on_started(self, result: Container | DockerError) -> None:
        self._starting -= 1
        if isinstance(result, DockerError):
            self._pool.lanes -= 1
            self._failed(result)
            return
        self._containers.add(result)
        self._fresh.add(result)
        self._await(result, _START_GRACE)

    def _await(self, container: Container, seconds: float) -> None:
        """Listen to a container until it is ready, for `seconds` at the most."""
        self._deadlines[container] = self._clock() + seconds
        with contextlib.suppress(KeyError):
            self._selector.register(container.stream, selectors.EVENT_READ, container)

    def _unregister(self, container: Container) -> None:
        self._deadlines.pop(container, None)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(container.stream)

    def _on_event(self, container: Container | None) -> None:
        if container is None:
            self._pool.waker.hear()
            return
        try:
            if not container.on_readable():
                return
            if container.prepared:
                self._on_armed(container)
            else:
                self._rearm(container)
        except ContainerError as error:
            if container in self._fresh:
                self._failed(_not_standing(str(error)))
            self._destroy(container)

    def _on_armed(self, container: Container) -> None:
        self._unregister(container)
        if container in self._fresh:
            self._ask(lambda: self._fitted(container), self._on_fitted(container))
        elif self._builder.outgrown(container, _BUILT_CHARACTER * len(container.key.source if container.key else "")):
            self._destroy(container)
        else:
            self._pool.offer(container)

    def _fitted(self, container: Container) -> Container:
        self._builder.fit_memory(container)
        return container

    def _on_fitted(self, container: Container) -> Callable[[Container | DockerError], None]:
        def go_on(result: Container | DockerError) -> None:
            if isinstance(result, DockerError):
                self._failed(result)
                self._destroy(container)
                return
            self._fresh.discard(container)
            if self.fault is not None:
                self.submit(self._builder.tidy)
            self._failures = 0
            self.fault = None
            self.made += 1
            self._pool.offer(container)

        return go_on

    def _take_returned(self) -> None:
        for container, after in self._pool.take_returned():
            if after is Disposition.DRAIN:
                self._await(container, _LEAVE_GRACE)
            elif after is Disposition.REARM:
                self._rearm(container)
            else:
                self._destroy(container)
                self._next_look = 0.0  # what ended it may have ended others

    def _rearm(self, container: Container) -> None:
        """Prepare a container whose payload has ended and left nothing."""
        if self._once or container.key is None:
            self._destroy(container)
            return
        self._killed.discard(container)
        container.calls += 1
        container.prepare(container.key if container.answered else None)
        self._await(container, _PAYLOAD_GRACE)

    def _failed(self, error: DockerError) -> None:
        """Record a container that could not be made; after a few in a row, or one timeout, fail the waiting callers."""
        self.fault = error
        self._failures += 1
        self._not_before = self._clock() + _AFTER_FAILURE
        if self._failures >= _FAILURES_IN_A_ROW or error.fault == faults.TIMEOUT:
            self._pool.fail(str(error))

    def _expire(self) -> None:
        """Kill payloads that did not leave in time, once; end containers that do not recover from that."""
        now = self._clock()
        for container in [container for container, until in self._deadlines.items() if until <= now]:
            if container in self._fresh:
                self._failed(_not_standing(f"it took more than {_START_GRACE:.0f} s"))
                self._destroy(container)
            elif container in self._killed or container.prepared:
                self._destroy(container)
            else:
                self._killed.add(container)
                container.stream.send(FrameKind.KILL)
                self._deadlines[container] = now + _PAYLOAD_GRACE

    def _destroy(self, container: Container) -> None:
        self._unregister(container)
        self._destroyed += container not in self._fresh
        self._fresh.discard(container)
        self._killed.discard(container)
        self._containers.discard(container)
        self._pool.lanes -= 1
        container.close()
        self._workers.submit(lambda: self._remove(container))

    def _remove(self, container: Container) -> None:
        """In a worker: remove a container. What the daemon does not take now, a later sweep finds by its labels."""
        with contextlib.suppress(DockerError):
            self._builder.end(container)

    def _end(self) -> None:
        """Cut the streams first: every container ends by itself, and callers in mid-call see that."""
        until = self._clock() + _END_GRACE
        self._pool.shut()
        for container in list(self._containers):
            container.stream.hang_up()
        self._pool.await_callers(until - self._clock())
        self._workers.finish(until - self._clock())  # what is being started has to be removed as well
        with self._end_lock:
            self._ended = True
        self._take_arrivals()
        for container in list(self._containers):
            self._destroy(container)
        self.submit(self._builder.tidy)
        self._workers.finish(until - self._clock())
        self._workers.close()
        self._selector.close()
        self._pool.waker.close()


def _not_standing(why: str) -> DockerError:
    return DockerError(f"a container did not stand: {why}", fault=faults.FAILED)
