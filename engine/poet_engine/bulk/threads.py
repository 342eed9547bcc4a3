"""Threads for calls in flight: one for each, since a waiting call blocks its thread."""

import concurrent.futures
import contextlib
import contextvars
import functools
import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from poet_engine._cancellation import Cancellation
from poet_engine.errors import ClosedError, InfraError

Task = Callable[[], None]
Result = TypeVar("Result")

_IDLE_S = 10.0  # how long an idle thread waits for a task
_JOIN_S = 10.0  # how long closing waits for tasks, all together


class Threads:
    """Start every task at once: in an idle thread, or else in a new one. Thread-safe.

    An executor of the standard library has a fixed number of threads, queues tasks, and has the interpreter
    wait for all threads when it ends.

    Args:
        name: The name of the threads.
        clock: Monotonic seconds.
    """

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._idle = 0  # threads that wait, less the tasks that are on their way to one
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Threads {self._name} threads={len(self._threads)} idle={self._idle}>"

    def start(self, task: Task) -> None:
        """Run a task, which must not raise, in a thread.

        Raises:
            ClosedError: The threads were closed.
            InfraError: The machine has no room for one more thread; the task will not run.
        """
        with self._lock:
            if self._closed:
                raise ClosedError("this engine was closed; open another one")
            if self._idle:
                self._idle -= 1
                self._tasks.put(task)
                return
            thread = threading.Thread(target=self._work, args=(task,), name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                raise InfraError(
                    f"no thread can be started beside the {len(self._threads)} that calls have ({error}); have fewer "
                    "calls in flight, or raise the limit of tasks (ulimit -u, pids.max)"
                ) from error
            self._threads.add(thread)

    def submit(self, function: Callable[[], Result]) -> "concurrent.futures.Future[Result]":
        """Run a function in a thread, in a copy of the caller's context; the future cannot be cancelled.

        Raises:
            ClosedError: The threads were closed.
            InfraError: The machine has no room for one more thread.
        """
        future: concurrent.futures.Future[Result] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        context = contextvars.copy_context()

        def task() -> None:
            try:
                result = context.run(function)
            except BaseException as error:  # noqa: BLE001 - the future raises it
                future.set_exception(error)
            else:
                future.set_result(result)

        self.start(task)
        return future

    async def wait_for(self, run: Callable[[Cancellation], Result]) -> Result:
        """Run a function in a thread and await it; cancelling the task cancels the run and waits until it has ended.

        Raises:
            ClosedError: The threads were closed.
            InfraError: The machine has no room for one more thread.
        """
        import asyncio  # noqa: PLC0415 - who awaits has it loaded; the engine of `poet run` never does

        with Cancellation() as cancellation:
            future = self.submit(functools.partial(run, cancellation))
            running = asyncio.wrap_future(future)
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                cancellation.cancel()
                while not running.done():  # a task may be cancelled twice; the run still watches the cancellation
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.wait([running])
                raise
            except GeneratorExit:  # the coroutine is being closed, so nothing can be awaited any more
                cancellation.cancel()
                concurrent.futures.wait([future])
                raise

    def close(self) -> None:
        """Accept no more tasks, and wait up to 10 s for those that run. Idempotent."""
        with self._lock:
            self._closed = True
            for _ in range(self._idle):
                self._tasks.put(None)
            self._idle = 0
            threads = self._threads - {threading.current_thread()}
        until = self._clock() + _JOIN_S
        for thread in threads:
            thread.join(max(0.0, until - self._clock()))

    def _work(self, first: Task) -> None:
        task: Task | None = first
        del first  # an idle thread must not keep what its last task has finished with
        while task is not None:
            task()
            task = None
            task = self._next()
        with self._lock:
            self._threads.discard(threading.current_thread())

    def _next(self) -> Task | None:
        with self._lock:
            if self._closed:
                return None
            self._idle += 1
        while True:
            try:
                return self._tasks.get(timeout=_IDLE_S)
            except queue.Empty:
                with self._lock:
                    if self._idle:
                        self._idle -= 1
                        return None
                # A task is on its way to this thread: its sender has counted on it.
