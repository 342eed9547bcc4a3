"""Run a stream of jobs, a bounded number of them in flight, and yield their outcomes."""

import functools
import queue
import threading
from collections.abc import Callable, Generator, Iterable

from poet_engine._cancellation import Cancellation
from poet_engine._repr import short
from poet_engine._wake import readable
from poet_engine.bulk.window import JobWindow
from poet_engine.errors import UsageError
from poet_engine.job import Job
from poet_engine.outcome import Blame, Evidence, Outcome, Status

Run = Callable[[Job, Cancellation], Outcome]
Start = Callable[[Callable[[], None]], None]

_PAUSE_S = 0.1  # before a job waits for a lane again
_MOST = 1_000  # each has a thread, and a sandbox turns away more callers than about that many
_NO_LANE = frozenset(("queue_timeout", "queue_stalled", "queue_full"))


def outcomes(
    jobs: Iterable[Job], run: Run, start: Start, *, concurrency: int, ordered: bool
) -> Generator[Outcome, None, None]:
    """Yield the outcome of each job; closing the generator cancels running jobs and waits until they have ended.

    Args:
        jobs: The jobs; pulled in the caller's thread, and only when the window has room for one more.
        run: Runs one job to its outcome.
        start: Runs a task in a thread of its own.
        concurrency: Jobs in flight at the most, 1 to 1,000.
        ordered: Whether outcomes come in the order of the jobs, or as jobs end.

    Raises:
        UsageError: The concurrency is out of range.
    """
    given: object = concurrency
    if not isinstance(given, int) or not 1 <= given <= _MOST:
        raise UsageError(f"concurrency is {short(given)}; give a number of jobs from 1 to {_MOST:,}")
    if not isinstance(jobs, Iterable):
        raise UsageError(f"jobs is of type {type(jobs).__name__}, and is iterated; pass a list or a generator of jobs")
    return _outcomes(jobs, _RunningJobs(run, start), JobWindow(concurrency, ordered=ordered))


def _outcomes(jobs: Iterable[Job], running: "_RunningJobs", window: JobWindow) -> Generator[Outcome, None, None]:
    waiting = iter(jobs)
    more = True
    with running:
        while True:
            while more and window.has_room:
                job = next(waiting, None)
                if job is None:
                    more = False
                else:
                    running.send(window.start(), job)
            outcome = window.take()
            if outcome is not None:
                yield outcome
            elif window.running:
                window.finish(*running.wait_for_end())
            else:
                return


class _RunningJobs:
    """The running jobs, counted by their threads.

    An interrupt may hit the caller between any two instructions; jobs that it lost count of must still be ended.
    """

    def __init__(self, run: Run, start: Start) -> None:
        self._run, self._start = run, start
        self._cancellation = Cancellation()
        self._ended: queue.SimpleQueue[tuple[int, Outcome | BaseException]] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._running = 0
        self._stopping = False

    def send(self, number: int, job: Job) -> None:
        """Start a job."""
        self._start(functools.partial(self._run_job, number, job))

    def wait_for_end(self) -> tuple[int, Outcome]:
        """Wait for a job to end; return its number and outcome, or raise an error that is none (a closed engine)."""
        number, result = self._ended.get()
        if isinstance(result, BaseException):
            raise result
        return number, result

    def _run_job(self, number: int, job: Job) -> None:
        with self._changed:
            if self._stopping:
                return
            self._running += 1
        try:
            self._ended.put((number, self._outcome(job)))
        except BaseException as error:  # noqa: BLE001 - it is raised where the outcomes are awaited
            self._ended.put((number, error))
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _outcome(self, job: Job) -> Outcome:
        while True:
            try:
                outcome = self._run(job, self._cancellation)
            except UsageError as error:
                return _refused(job, error)
            # Its code never started. In a bulk run, waiting for others to end is the normal state of a job.
            waited = outcome.status is Status.INFRA and outcome.cause in _NO_LANE
            if not waited or self._cancellation.requested:
                return outcome
            readable(self._cancellation.fd, _PAUSE_S)

    def __enter__(self) -> None:
        """Start nothing yet."""

    def __exit__(self, *_exc_info: object) -> None:
        """Cancel the running jobs, and wait until they have ended."""
        with self._cancellation, self._changed:
            self._stopping = True
            if self._running:
                self._cancellation.cancel()
                self._changed.wait_for(lambda: not self._running)


def _refused(job: Job, error: UsageError) -> Outcome:
    """Return the outcome of a job that cannot be started: a wrong entry, an argument that cannot be serialized."""
    return Outcome(
        status=Status.REFUSED,
        cause="input",
        blame=Blame.CALLER,
        evidence=Evidence("job", str(error), source="host"),
        job_id=getattr(job, "id", ""),  # it may be no job at all, which is what is said then
    )
