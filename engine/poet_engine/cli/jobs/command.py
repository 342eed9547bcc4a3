"""`poet run --jobs`: check everything, then run what has no result yet."""

import contextlib
import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import poet_engine
from poet_engine.cli.console import Screen
from poet_engine.cli.jobs.job_lines import FaultyLine, JobsFile
from poet_engine.cli.jobs.progress import Ticker
from poet_engine.cli.jobs.results import Results, result_line
from poet_engine.cli.jobs.seen_ids import Ledger
from poet_engine.cli.jobs.summary import Summary, show
from poet_engine.cli.json_arguments import wall_of
from poet_engine.errors import PoetError, UsageError
from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy

_STDOUT = "-"
_SALT_BYTES = 16
_MOST_NAMED = 20  # complaints about lines, before the rest is only counted
_POLICY_DIGITS = 32


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A bulk run as the user asked for it.

    Attributes:
        jobs: The file of jobs.
        out: The file of results; `-` is standard output.
        policy: What a job may do.
        where: The sandbox in which jobs run, and Docker's runtime.
        concurrency: Jobs at once; None is the engine's own choice.
        timeout: Less time for each job than the policy gives, such as `500ms`.
    """

    jobs: str
    out: str
    policy: Policy
    where: tuple[str, str | None]
    concurrency: int | None
    timeout: str | None


class _ResultSink(Protocol):
    """A destination for lines of results."""

    def append(self, line: bytes) -> None:
        """Write one line, whole."""


class _StandardOutput:
    """Results on standard output: nothing is known of earlier runs."""

    def append(self, line: bytes) -> None:
        """Write and flush, so that a reader has each result as soon as it is there."""
        try:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UsageError(f"standard output cannot be written: {error.strerror}") from error


def run_jobs(screen: Screen, order: Order, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Run every job of a file that has no result yet; 0 when all jobs of the file are ok, 1 when some are not.

    Raises:
        UsageError: A file cannot be used, or a line of it is wrong. Nothing was run then, or everything that was run
            has its result.
    """
    if order.out == _STDOUT and screen.as_json:
        raise UsageError("--json prints the summary on standard output, where --out - prints the results; name a file")
    policy = order.policy.digest[:_POLICY_DIGITS]
    salt = os.urandom(_SALT_BYTES)
    with contextlib.ExitStack() as stack:
        jobs = stack.enter_context(JobsFile.open(Path(order.jobs), wall=wall_of(order.timeout, order.policy)))
        earlier: Results | None = None
        if order.out != _STDOUT:
            earlier = stack.enter_context(Results.open(Path(order.out), policy=policy, salt=salt))
            if earlier.is_file(jobs.fileno()):
                raise UsageError(f"--jobs and --out are the same file, {order.jobs}; name another --out")
        summary = _check(screen, jobs, earlier, Ledger(salt))
        if earlier is not None:
            earlier.begin()
        if summary.todo:
            _run(screen, order, _BulkRun(jobs, earlier, policy), summary, clock)
    show(screen, summary, on_stderr=order.out == _STDOUT)
    return 0 if summary.all_ok else 1


def _check(screen: Screen, jobs: JobsFile, earlier: Results | None, ids: Ledger) -> Summary:
    """Read every job once, before any of them runs.

    Raises:
        UsageError: Some lines cannot be run; all of them (up to a bound) were named on standard error.
    """
    summary, faults = Summary(), _Faults(screen)
    for line in jobs.lines():
        if isinstance(line, FaultyLine):
            faults.add(line.complaint)
            continue
        summary.jobs += 1
        ids.add(line.job.id, 0, line.number)
        try:
            status = None if earlier is None else earlier.of(line)
        except UsageError as error:
            faults.add(f"{jobs.path}:{line.number}: {error}")
            continue
        if status is not None:
            summary.earlier += 1
            summary.statuses[status] += 1
    ids.sort()
    for first, second in ids.doubles():
        faults.add(f"{jobs.path}:{second} has the id of line {first}; give every job an id of its own")
    faults.refuse(str(jobs.path))
    if earlier is not None:
        summary.strangers = len(earlier) - summary.earlier
        _note_earlier(screen, summary, earlier)
    return summary


def _note_earlier(screen: Screen, summary: Summary, earlier: Results) -> None:
    if summary.earlier:
        screen.note(f"{earlier.path} has the results of {summary.earlier:,} jobs; {summary.todo:,} are to do")
    if earlier.torn:
        screen.note(f"{earlier.path} ends in the middle of a result; its {earlier.torn:,} bytes are cut off")
    if summary.strangers:
        screen.note(f"{earlier.path} has {summary.strangers:,} results of jobs that are not in this file of jobs")


class _Faults:
    """Wrong lines, named as they are found."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._count, self._first = screen, 0, ""

    def add(self, complaint: str) -> None:
        """Count one, and name it unless there were many."""
        self._count += 1
        self._first = self._first or complaint
        if 1 < self._count <= _MOST_NAMED:
            self._screen.note(complaint)

    def refuse(self, path: str) -> None:
        """Raise when there was any."""
        if self._count > _MOST_NAMED:
            self._screen.note(f"and {self._count - _MOST_NAMED:,} more in {path}")
        if self._count:
            others = f" ({self._count - 1:,} more are wrong)" if self._count > 1 else ""
            raise UsageError(f"{self._first}; no job was run{others}")


class _BulkRun:
    """The jobs that have no result yet, and how their outcomes are written."""

    def __init__(self, jobs: JobsFile, earlier: Results | None, policy: str) -> None:
        self._jobs, self._earlier, self._policy = jobs, earlier, policy
        self.sink: _ResultSink = _StandardOutput() if earlier is None else earlier
        self._digests: dict[str, str] = {}  # of the jobs in flight

    def __iter__(self) -> Iterator[Job]:
        """Each job, when the engine has room for it."""
        for line in self._jobs.jobs():
            if self._earlier is None or self._earlier.of(line) is None:
                self._digests[line.job.id] = line.digest
                yield line.job

    def write(self, outcome: poet_engine.Outcome) -> None:
        """Append the result of a job."""
        self.sink.append(result_line(outcome, self._digests.pop(outcome.job_id), self._policy))


def _run(screen: Screen, order: Order, work: _BulkRun, summary: Summary, clock: Callable[[], float]) -> None:
    began = clock()
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(_engine(order))
        outcomes = engine.map(work, concurrency=order.concurrency, ordered=False)
        stack.enter_context(contextlib.closing(outcomes))
        ticker = stack.enter_context(Ticker(screen, summary.todo, clock))
        try:
            for outcome in outcomes:
                work.write(outcome)
                summary.count(outcome)
                ticker.tick(ok=outcome.status is Status.OK)
        except (KeyboardInterrupt, PoetError) as error:
            outcomes.close()
            screen.note(_how_to_go_on(order, summary, interrupted=isinstance(error, KeyboardInterrupt)))
            raise
    summary.seconds = clock() - began


def _how_to_go_on(order: Order, summary: Summary, *, interrupted: bool) -> str:
    so_far = f"{summary.earlier + summary.ran:,} of {summary.jobs:,} results"
    ended = "interrupted" if interrupted else "ended early"
    if order.out == _STDOUT:
        return f"{ended}: {so_far} were printed; with --out FILE, a run can be gone on with"
    return f"{ended}: {so_far} are in {order.out}; the same command goes on from there"


def _engine(order: Order) -> poet_engine.Engine:
    sandbox, runtime = order.where
    return poet_engine.Engine.open(policy=order.policy, sandbox=sandbox, runtime=runtime)
