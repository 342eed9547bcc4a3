"""Streams of jobs, with a function in place of an engine."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Generator, Iterator

import pytest

from poet_engine import bulk
from poet_engine._cancellation import Cancellation
from poet_engine.bulk import Threads
from poet_engine.errors import ClosedError, SerializationError, UsageError
from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status

Run = Callable[[Job, Cancellation], Outcome]


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Closed at the end, which waits for every task."""
    opened = Threads("poet-test")
    yield opened
    opened.close()


def _job(number: int) -> Job:
    return Job(source="", entry="f", args=(number,), id=f"job-{number}")


def _echo(job: Job, _cancellation: Cancellation) -> Outcome:
    return Outcome(status=Status.OK, value=job.args[0], job_id=job.id)


def _map(
    threads: Threads, run: Run, jobs: Iterator[Job], concurrency: int = 4, *, ordered: bool = True
) -> Generator[Outcome, None, None]:
    return bulk.outcomes(jobs, run, threads.start, concurrency=concurrency, ordered=ordered)


class _Held:
    """Runs that go on until they are cancelled, and a count of those that do."""

    def __init__(self) -> None:
        self.running = 0
        self.all_here = threading.Event()

    def __call__(self, job: Job, cancellation: Cancellation) -> Outcome:
        """Job 0 ends at once; the others when it is asked for."""
        if job.args[0] == 0:
            return _echo(job, cancellation)
        ended = threading.Event()
        with cancellation.telling(ended.set):
            self.running += 1
            self.all_here.set()
            if not cancellation.requested:
                ended.wait()
        self.running -= 1
        return Outcome(status=Status.CANCELLED, cause="caller", job_id=job.id)


def test_every_job_has_one_outcome_in_its_place(threads: Threads) -> None:
    outcomes = list(_map(threads, _echo, map(_job, range(500))))
    assert [outcome.value for outcome in outcomes] == list(range(500))


def test_without_an_order_every_job_has_one_outcome_that_names_it(threads: Threads) -> None:
    outcomes = list(_map(threads, _echo, map(_job, range(500)), ordered=False))
    assert sorted(int(str(outcome.value)) for outcome in outcomes) == list(range(500))
    assert all(outcome.job_id == f"job-{outcome.value}" for outcome in outcomes)


def test_no_jobs_have_no_outcomes(threads: Threads) -> None:
    assert list(_map(threads, _echo, iter(()))) == []


def test_an_endless_stream_is_pulled_only_as_far_as_needed(threads: Threads) -> None:
    pulled = itertools.count()
    outcomes = _map(threads, _echo, (_job(next(pulled)) for _ in itertools.repeat(None)), 3)
    assert [outcome.value for outcome in itertools.islice(outcomes, 100)] == list(range(100))
    outcomes.close()
    assert next(pulled) <= 100 + 4 * 3


def test_as_many_run_at_once_as_asked_for(threads: Threads) -> None:
    together = threading.Barrier(200)

    def run(job: Job, cancellation: Cancellation) -> Outcome:
        together.wait(30)
        return _echo(job, cancellation)

    assert len(list(_map(threads, run, map(_job, range(400)), 200))) == 400


@pytest.mark.parametrize(
    "error",
    [
        UsageError("'a.b' is no function name"),
        SerializationError("argument 1", "socket"),
    ],
)
def test_a_job_that_cannot_start_is_refused_and_the_others_run(threads: Threads, error: UsageError) -> None:
    def run(job: Job, cancellation: Cancellation) -> Outcome:
        if job.args[0] == 3:
            raise error
        return _echo(job, cancellation)

    outcomes = list(_map(threads, run, map(_job, range(6))))
    refused = outcomes.pop(3)
    assert (refused.status, refused.cause, refused.blame) == (Status.REFUSED, "input", Blame.CALLER)
    assert refused.job_id == "job-3"
    assert refused.evidence is not None
    assert (refused.evidence.value, refused.evidence.source) == (str(error), "host")
    assert all(outcome.ok for outcome in outcomes)


@pytest.mark.parametrize("cause", ["queue_timeout", "queue_stalled", "queue_full"])
def test_a_job_that_found_no_lane_waits_on(threads: Threads, cause: str) -> None:
    waits = itertools.count()

    def run(job: Job, cancellation: Cancellation) -> Outcome:
        if next(waits) < 3:
            return Outcome(status=Status.INFRA, cause=cause)
        return _echo(job, cancellation)

    assert [outcome.status for outcome in _map(threads, run, map(_job, range(2)), 1)] == [Status.OK] * 2


def test_abandoning_it_ends_what_runs(threads: Threads) -> None:
    held = _Held()
    outcomes = _map(threads, held, map(_job, itertools.count()), 8)
    assert next(outcomes).value == 0
    held.all_here.wait()
    outcomes.close()
    assert held.running == 0
    assert list(outcomes) == []


def test_leaving_the_loop_ends_what_runs(threads: Threads) -> None:
    held = _Held()
    for outcome in _map(threads, held, map(_job, itertools.count()), 8):
        assert outcome.value == 0
        break
    assert held.running == 0


def test_an_error_of_the_jobs_is_the_callers_and_ends_what_runs(threads: Threads) -> None:
    held = _Held()

    def jobs() -> Iterator[Job]:
        yield from map(_job, range(3))
        held.all_here.wait()
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(_map(threads, held, jobs(), 8))
    assert held.running == 0


def test_an_interrupt_ends_what_runs(threads: Threads) -> None:
    held = _Held()

    def jobs() -> Iterator[Job]:
        yield from map(_job, range(3))
        held.all_here.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(_map(threads, held, jobs(), 8))
    assert held.running == 0


def test_an_engine_that_is_closed_ends_it(threads: Threads) -> None:
    held = _Held()

    def run(job: Job, cancellation: Cancellation) -> Outcome:
        if job.args[0] == 5:
            held.all_here.wait()
            raise ClosedError("closed")
        return held(job, cancellation)

    with pytest.raises(ClosedError):
        list(_map(threads, run, map(_job, itertools.count()), 8))
    assert held.running == 0


def test_what_was_not_started_is_not_run_later() -> None:
    """A task that reaches its thread after the end must find that it is not wanted any more."""
    late: list[Callable[[], None]] = []
    ran: list[Job] = []

    def start(task: Callable[[], None]) -> None:
        late.append(task)
        if len(late) == 2:
            raise KeyboardInterrupt

    def run(job: Job, cancellation: Cancellation) -> Outcome:
        ran.append(job)
        return _echo(job, cancellation)

    with pytest.raises(KeyboardInterrupt):
        list(bulk.outcomes(map(_job, range(9)), run, start, concurrency=4, ordered=True))
    for task in late:
        task()
    assert ran == []


@pytest.mark.parametrize("concurrency", [0, -1, 1_001])
def test_an_impossible_concurrency_is_named_at_once(threads: Threads, concurrency: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 1,000"):
        _map(threads, _echo, iter(()), concurrency)


def test_one_that_was_never_begun_leaves_nothing(threads: Threads) -> None:
    with contextlib.closing(_map(threads, _echo, map(_job, range(9)))):
        pass
    assert repr(threads) == "<Threads poet-test threads=0 idle=0>"
