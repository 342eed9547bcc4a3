"""The engine, the one use case: gate → sandbox → outcome → event."""

import contextlib
import dataclasses
import hashlib
import os
import types
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self, TypeVar

from poet_engine import _located_job, _missing_modules, _notebook, _project_files, bulk
from poet_engine._bound_function import BoundFunction
from poet_engine._cancellation import Cancellation
from poet_engine._job_validation import validate_callback, validate_entry, validate_job, validate_source
from poet_engine._located_job import LocatedScript
from poet_engine.errors import ClosedError, InfraError, UsageError
from poet_engine.gate import Gate, ScanReport
from poet_engine.gate.cell_findings import in_cells
from poet_engine.gate.module_exports import ModuleExports
from poet_engine.gate.policy_scan import annotate, policy_scan
from poet_engine.gate.project_scan import SourceNames, project_scan
from poet_engine.job import Job, OutputCallback, Script
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Evidence, Outcome, Status, decisive
from poet_engine.policy import Policy
from poet_engine.resilience.call_limits import EXECUTIONS, CallLimits
from poet_engine.resilience.call_report import CallReport
from poet_engine.sandbox import input_files
from poet_engine.sandbox.base import Diagnosis, IsolationCheck, Sandbox, SandboxStatistics
from poet_engine.sandbox.verdict import blame_for

_Result = TypeVar("_Result")
_DIGEST_DIGITS = 12
_NO_MODULES: Mapping[str, str | bytes] = types.MappingProxyType({})
_NO_FILES: Mapping[str, bytes | Path] = types.MappingProxyType({})


class Opener(Protocol):
    """The signature of `Engine.open`'s implementation, in `_wiring`, which knows the sandboxes."""

    def __call__(
        self,
        policy: Policy | str | Path | None,
        sandbox: str,
        journal: Path | str | None,
        *,
        runtime: str | None,
        wait: bool,
    ) -> "Engine":
        """Return an engine with everything that it needs."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A run and the event that was recorded of it.

    Attributes:
        outcome: The outcome of the run.
        event_id: The id of its event; empty without a recorder.
    """

    outcome: Outcome
    event_id: str


class Engine:
    """Run generated code under one policy. Thread-safe; a context manager. Create one with `Engine.open`.

    Each run is a single attempt without retries and fallbacks: those belong to the pipeline that `@poet` puts around it
    (docs/resilience.md).

    Args:
        policy: The limits and permissions of calls.
        sandbox: The sandbox of the calls; closed with the engine.
        gate: The scanner of sources; closed with the engine.
        recorder: The recorder of an event for each run, if there is one; closed with the engine.
        clock: Seconds since the epoch.
        new_id: Returns execution ids.
    """

    opener: ClassVar[Opener | None] = None

    def __init__(
        self,
        *,
        policy: Policy,
        sandbox: Sandbox,
        gate: Gate,
        recorder: Recorder | None,
        new_id: Callable[[], str],
        clock: Callable[[], float],
        admission: CallLimits | None = None,
    ) -> None:
        self.policy = policy
        self.admission = CallLimits.of(EXECUTIONS) if admission is None else admission
        self._sandbox, self._gate, self._recorder = sandbox, gate, recorder
        self._new_id, self._clock = new_id, clock
        self._threads = bulk.Threads("poet-call")
        self._closed = False
        self._project: Mapping[str, str | bytes] | None = None
        self._owner = os.getpid()

    def __repr__(self) -> str:
        return f"<Engine policy={self.policy.name} {self._sandbox!r}>"

    @classmethod
    def open(
        cls,
        policy: Policy | str | Path | None = None,
        sandbox: str = "auto",
        *,
        runtime: str | None = None,
        journal: Path | str | None = None,
        wait: bool = True,
    ) -> "Engine":
        """Return an engine on the first sandbox that passes the isolation checks of the policy.

        Args:
            policy: A policy, a preset's name (`restricted`, `data`, `api`, `baseline`, `lab`), or a file; by default
                `POET_POLICY`, or else the policy of the layers around the working folder (docs/policies.md).
            sandbox: `process`, `docker`, or `auto`: that of `POET_SANDBOX`, or else the first of them that works.
            runtime: The container runtime of Docker, such as `runsc`; by default the policy's, or else Docker's own.
            journal: The file for the event of each run; by default one in the state folder (`POET_HOME`).
            wait: Whether to return after the isolation checks. If not, the sandbox is opened and checked meanwhile: the
                first calls wait for that, and all end as `infra/setup` where a check fails.

        Raises:
            PolicyError: The policy cannot be used.
            SandboxUnavailableError: No sandbox passes the required isolation checks; the message names each and its
                remedy.
        """
        if Engine.opener is None:
            raise UsageError("import Engine from poet_engine, which knows the sandboxes, instead of poet_engine.engine")
        return Engine.opener(policy, sandbox, journal, runtime=runtime, wait=wait)

    @property
    def closed(self) -> bool:
        """Whether the engine cannot be used: it was closed, or belongs to the process that this one forked from."""
        return self._closed or os.getpid() != self._owner

    @property
    def sandbox_name(self) -> str:
        """The name of the engine's sandbox."""
        return self._sandbox.name

    def scan(self, source: str, *names: str) -> ScanReport:
        """Return the gate's report on a source, without running it.

        Args:
            source: The whole text of the source.
            *names: Names for the policy's waivers: the function's, and the file's path in any spelling.
        """
        validate_source(source)
        for name in names:
            validate_entry(name)
        return self._scan(source, *_located_job.names_and_file(names))

    def _scan(self, source: str, names: Iterable[str], file: str | None) -> ScanReport:
        self._refuse_if_closed()
        return policy_scan(self._gate, source, self.policy, names=names, file=file, now=self._clock())

    def _scan_job(self, job: Job | Script) -> ScanReport:
        names, file = _located_job.origin(job)
        cells = job.cells if isinstance(job, Script) else ()
        if not job.modules:
            return in_cells(self._scan(job.source, names, file), cells)
        self._refuse_if_closed()
        sources = {path: text for path, text in job.modules.items() if isinstance(text, str) and path.endswith(".py")}
        return project_scan(
            self._gate,
            job.source,
            self.policy,
            sources,
            module=job.module if isinstance(job, Job) else "",
            subject=SourceNames(names, file, self._clock(), cells),
        )

    def undecorate(self, source: str) -> str:
        """Return the source without its `@poet` decorators and `poet_engine` imports; lines keep their numbers.

        Raises:
            UsageError: The source cannot be parsed.
        """
        self._refuse_if_closed()
        validate_source(source)
        return self._gate.undecorate(source)

    def exports(self, source: str, package: str = "") -> ModuleExports:
        """Return the names that a module offers to others and those that it imports, read by the gate's worker.

        Args:
            source: The module.
            package: The package that its relative imports begin in.
        """
        self._refuse_if_closed()
        return self._gate.exports(source, package)

    def run(
        self,
        source: str,
        entry: str,
        /,
        *args: object,
        modules: Mapping[str, str | bytes] = _NO_MODULES,
        on_output: OutputCallback | None = None,
        **kwargs: object,
    ) -> Outcome:
        """Scan and run one call. Never raises for what the code did.

        Args:
            source: The whole text of a module.
            entry: The name of a function at its top level.
            *args: Its positional arguments.
            modules: Modules that the source may import: dotted name → source, each scanned like `source`, and data
                files beside them: relative path with a slash → content. The call has a copy of its own.
            on_output: Called while the code runs with `"stdout"` or `"stderr"` and the next piece of its text: in
                order, one call at a time, in a thread of its own, and for the last time before this returns. All pieces
                joined are the texts of the outcome. One that raises is logged and called no more.
            **kwargs: Its keyword arguments. One that is called `modules` or `on_output` goes through `run_job`.

        Raises:
            UsageError: The source is no text, the entry no name of a function, or a module's name cannot be imported,
                or is taken by the policy or Python.
            SerializationError: An argument has no safe form; the error names it.
            ClosedError: The engine was closed.
        """
        job = Job(source=source, entry=entry, args=args, kwargs=kwargs, modules=modules, on_output=on_output)
        return self.run_job(job)

    async def arun(
        self, source: str, entry: str, /, *args: object, on_output: OutputCallback | None = None, **kwargs: object
    ) -> Outcome:
        """Run one call as `run` does, for asyncio: hundreds may be in flight, each with a thread of its own.

        Cancelling the task ends the run, and waits until it has ended. `on_output` is called in the event loop.

        Raises:
            InfraError: The machine has no room for one more thread.
        """
        if on_output is not None:
            validate_callback(on_output)
            on_output = bulk.in_event_loop(on_output)
        job = Job(source=source, entry=entry, args=args, kwargs=kwargs, on_output=on_output)
        return await self._in_thread(lambda cancellation: self.run_job(job, cancellation=cancellation))

    async def _in_thread(self, run: Callable[[Cancellation], _Result]) -> _Result:
        self._refuse_if_closed()
        return await self._threads.wait_for(run)

    def run_script(
        self,
        source: str,
        /,
        *,
        stdin: bytes | str = b"",
        argv: Sequence[str] = (),
        files_in: Mapping[str, bytes | Path] = _NO_FILES,
        files_out: Sequence[str] = (),
        modules: Mapping[str, str | bytes] = _NO_MODULES,
        wall: float | None = None,
        on_output: OutputCallback | None = None,
    ) -> Outcome:
        """Scan and run a whole script as `__main__`, in an empty folder of its own (docs/scripts.md).

        Args:
            source: The whole text of the script.
            stdin: The content of its standard input.
            argv: The arguments after its name in `sys.argv`.
            files_in: Relative name → content, or a file of this machine to read it from.
            files_out: Relative names and patterns (`*`, `?`, `[...]`, `**`) of the files in `outcome.files`; it has
                them however the script ends. `outcome.files_skipped` has the reason for each missing one.
            modules: As those of `run`.
            wall: Seconds that it may take, if less than the policy's limit.
            on_output: As that of `run`.

        Raises:
            UsageError: A name or an argument is not plain, a file cannot be read, there is no room for them, or a
                module has a name that `run` would not take.
            SerializationError: A file is given as neither bytes nor a path.
            ClosedError: The engine was closed.
        """
        self._refuse_if_closed()
        script = Script(
            source=source,
            stdin=input_files.encode(stdin),
            argv=argv,
            files_in=input_files.read(files_in, self.policy.limits),
            files_out=files_out,
            modules=modules,
            wall=wall,
            on_output=on_output,
        )
        return self.execute(script).outcome

    def run_notebook(
        self,
        notebook: str | Sequence[str] | Path,
        /,
        *,
        stdin: bytes | str = b"",
        files_in: Mapping[str, bytes | Path] = _NO_FILES,
        files_out: Sequence[str] = (),
        modules: Mapping[str, str | bytes] = _NO_MODULES,
        wall: float | None = None,
        on_output: OutputCallback | None = None,
    ) -> Outcome:
        """Scan and run the cells of a notebook one after the other, as Jupyter does (docs/notebooks.md).

        The outcome's `value` is that of the last cell's last expression; its text is in `value_text` where it cannot
        travel. Cells may `await` at their top level and call `display`.

        Args:
            notebook: The text of its cells, a text for one cell, or the path of an `.ipynb` file that is read here.
            stdin: As that of `run_script`.
            files_in: As those of `run_script`.
            files_out: As those of `run_script`.
            modules: As those of `run`.
            wall: Seconds that it may take, if less than the policy's limit.
            on_output: As that of `run`.

        Raises:
            UsageError: It is no notebook in Python, or as for `run_script`.
            SerializationError: As for `run_script`.
            ClosedError: The engine was closed.
        """
        script = self.notebook_script(notebook)
        given = dataclasses.replace(
            script,
            stdin=input_files.encode(stdin),
            files_in=input_files.read(files_in, self.policy.limits),
            files_out=files_out,
            modules=modules,
            wall=wall,
            on_output=on_output,
        )
        return self.execute(given).outcome

    def notebook_script(self, notebook: str | Sequence[str] | Path, /) -> Script:
        """Return a notebook as what `execute` runs; its magics are written as Python by the gate's worker.

        Args:
            notebook: As that of `run_notebook`.

        Raises:
            UsageError: It is no notebook in Python.
        """
        self._refuse_if_closed()
        name, cells = _notebook.cells_of(notebook)
        texts = self._gate.python_cells([cell.text for cell in cells])
        python = _notebook.joined([_notebook.Cell(cell.number, text) for cell, text in zip(cells, texts, strict=True)])
        if isinstance(notebook, Path):
            return LocatedScript(source=python.text, filename=name, cells=python.cells, path=str(notebook))
        return Script(source=python.text, filename=name, cells=python.cells)

    def map(
        self, jobs: Iterable[Job], *, concurrency: int | None = None, ordered: bool = True
    ) -> Generator[Outcome, None, None]:
        """Run many jobs, a bounded number at once; docs/bulk.md has examples.

        Jobs are pulled when there is room for them, in the caller's thread, so the generator may be endless. A job that
        cannot be started (its entry is no name, an argument cannot be serialized) has an outcome too: `refused/input`.
        Leaving the loop for good (close the iterator where that is not certain), an error of `jobs` and closing the
        engine end all running jobs, so that none runs on unnoticed.

        Args:
            jobs: The jobs; outcomes carry their `id` as `job_id`.
            concurrency: The number of jobs at once, 1 to 1,000; that of the cores by default, since more make CPU-bound
                code exceed its wall limit. More help code that waits.
            ordered: Whether outcomes come in the order of the jobs (at most `4 * concurrency` are kept for that), or as
                jobs end.

        Raises:
            UsageError: The concurrency is out of range.
            ClosedError: The engine was closed, perhaps in the middle.
        """
        self._refuse_if_closed()
        return bulk.outcomes(
            jobs,
            lambda job, cancellation: self.run_job(job, cancellation=cancellation),
            self._threads.start,
            concurrency=len(os.sched_getaffinity(0)) if concurrency is None else concurrency,
            ordered=ordered,
        )

    def run_job(self, job: Job, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run a job, which may name a shorter limit; `cancellation` lets another thread end it."""
        return self.execute(job, cancellation=cancellation).outcome

    def execute(self, job: Job | Script, *, cancellation: Cancellation | None = None) -> Recorded:
        """Scan, run and record one job or script."""
        start = self._clock()
        outcome = self.attempt(job, cancellation=cancellation)
        if self._recorder is None:
            return Recorded(outcome, "")
        report = CallReport(
            function_name=job.filename if isinstance(job, Script) else job.entry,
            version=hashlib.sha256(job.source.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_DIGITS],
            execution_id=outcome.execution_id,
            start=start,
            end=self._clock(),
            outcome=outcome,
            served_by="generated" if outcome.ok else "none",
            attempts=1,
            policy=self.policy,
        )
        return Recorded(outcome, self._recorder.record(report))

    def attempt(
        self, job: Job | Script, *, cancellation: Cancellation | None = None, execution_id: str | None = None
    ) -> Outcome:
        """Scan and run one job or script without recording an event, for callers that record their own.

        Args:
            job: The job or script.
            cancellation: Lets another thread end it.
            execution_id: The outcome's id, where it is an attempt of a call that has an id.
        """
        validate_job(job)
        job = self._with_project(job)
        execution_id = self._new_id() if execution_id is None else execution_id
        try:
            report = self._scan_job(job)
        except InfraError as error:
            outcome = _no_gate(error)
        else:
            if report.absent:
                job = dataclasses.replace(job, absent=report.absent)
            outcome = _rejected(report) if report.rejected else self._run_in_sandbox(job, cancellation)
            outcome = _missing_modules.with_remedy(annotate(outcome, report, self.policy), self.policy)
        return dataclasses.replace(outcome, execution_id=execution_id, sandbox=self.sandbox_name, job_id=job.id)

    def _with_project(self, job: Job | Script) -> Job | Script:
        """Return the job with the modules of its project in the one form that gate and sandbox read."""
        if not (job.modules or self.policy.isolation.project):
            return job
        given = _project_files.normalized({**self._project_of_policy(), **job.modules}, self.policy.static.imports)
        return dataclasses.replace(job, modules=given)

    def _project_of_policy(self) -> Mapping[str, str | bytes]:
        """Return the modules that the policy names, as they were at the first use."""
        if self._project is None:
            self._project = _project_files.read(self.policy.isolation.project)
        return self._project

    async def aattempt(self, job: Job, *, execution_id: str | None = None) -> Outcome:
        """Scan and run one job as `attempt` does, for asyncio; see `arun`."""
        return await self._in_thread(
            lambda cancellation: self.attempt(job, cancellation=cancellation, execution_id=execution_id)
        )

    def _run_in_sandbox(self, job: Job | Script, cancellation: Cancellation | None) -> Outcome:
        if isinstance(job, Script):
            return self._sandbox.run_script(job, cancellation=cancellation)
        return self._sandbox.run(job, cancellation=cancellation)

    def load(self, source: str, entry: str, *, modules: Mapping[str, str | bytes] = _NO_MODULES) -> BoundFunction:
        """Return a version to be called many times: `fn(...)` is the value or raises, `fn.call(...)` is the outcome.

        Args:
            source: The whole text of a module.
            entry: The name of a function at its top level.
            modules: As those of `run`.

        Raises:
            RejectedError: The gate rejects the source.
            UsageError: The source is no text, or the entry no name of a function.
        """
        version = Job(source=source, entry=entry, modules=modules)
        validate_job(version)
        job = self._with_project(version)
        report = self._scan_job(job)
        if report.rejected:
            _rejected(report).unwrap()
        return BoundFunction(self, source, entry, modules)

    def doctor(self) -> tuple[IsolationCheck, ...]:
        """Run every isolation check of the sandbox from inside."""
        return self.diagnose().walls

    def diagnose(self) -> Diagnosis:
        """Run every isolation check, and return the results with the mechanisms behind them and the remarks."""
        self._refuse_if_closed()
        sandbox = self._sandbox
        return Diagnosis(self.sandbox_name, sandbox.walls(thorough=True), sandbox.means(), sandbox.remarks())

    def statistics(self) -> SandboxStatistics:
        """Return the sandbox's counters as a frozen snapshot."""
        return self._sandbox.statistics()

    def flush(self) -> None:
        """Wait until every event so far is on the disk."""
        if self._recorder is not None:
            self._recorder.flush()

    def close(self) -> None:
        """End all running calls and release all resources. Idempotent."""
        if self._closed:
            return
        self._closed = True
        with contextlib.ExitStack() as closing:  # in the reverse order, and each of them even if others fail
            if self._recorder is not None:
                closing.callback(self._recorder.close)
            closing.callback(self._gate.close)
            closing.callback(self._threads.close)  # once the sandbox has ended their runs, which still record events
            closing.callback(self._sandbox.close)

    def _refuse_if_closed(self) -> None:
        if self.closed:
            raise ClosedError(
                "this engine was closed, or belongs to the process that this one forked from; open one here"
            )

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close the engine."""
        self.close()


def _no_gate(error: InfraError) -> Outcome:
    evidence = Evidence("gate", str(error), source="host")
    return Outcome(status=Status.INFRA, cause="setup", blame=blame_for(Status.INFRA, "setup"), evidence=evidence)


def _rejected(report: ScanReport) -> Outcome:
    first = decisive(report.findings)
    rule = first.rule if first is not None else report.cause
    return Outcome(
        status=Status.REJECTED,
        cause=report.cause,
        blame=blame_for(Status.REJECTED, report.cause),
        evidence=Evidence(rule or "scan", source="gate"),
        findings=report.findings,
    )
