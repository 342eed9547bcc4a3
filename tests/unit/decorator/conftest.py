"""A workshop for decorated functions: a wiring whose sandbox answers from a script, everything else is the real thing.

The scripted sandbox runs candidates right here, so trials are true; these candidates are the product's own built-in
code. What a stored version answers is up to the test.
"""

import asyncio
import copy
import dataclasses
import importlib.util
import inspect
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.unit.resilience.clocks import Clock

from poet_engine import decorator
from poet_engine.decorator import PoetHandle, wiring
from poet_engine.decorator.modes import Mode
from poet_engine.decorator.mutation_check import FILENAME
from poet_engine.engine import Engine
from poet_engine.events import Event, EventFactory, ExecutionEvent, RecordingEvent
from poet_engine.gate import Gate
from poet_engine.job import Job
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.policy.layers import PolicyContext, policy_context
from poet_engine.resilience.breaker import BreakerRegistry, BreakerSettings
from poet_engine.resilience.drivers import Pauses
from poet_engine.resilience.pipeline import Pipeline
from poet_engine.sandbox.fake import Answer, ScriptedSandbox, ok

DETECTOR = '''\
from poet_engine.decorator import poet

calls = []


@poet(domain="ml_monitoring")
def detect_drift(current, reference):
    """Tell whether the data has drifted."""
    return {"drift_detected": False, "score": 0.0}
'''


# What is said of it where a version answers, before anything else is said.
REPLACED = (
    "detect_drift is answered by v1, since its own body ignores 'reference'; let the body use it, or leave out "
    "domain=, to keep what the body answers (.original is the body)"
)


class Detector(Protocol):
    """A decorated function of two samples, as the tests use it."""

    __name__: str
    __doc__: str | None
    original: Callable[[object, object], object]
    poet: PoetHandle[[object, object]]

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Answer."""


class LentGate(Gate):
    """The gate of the whole session: its worker takes half a second to start. Engines do not close it."""

    def close(self) -> None:
        """Stay open for the next engine."""

    def end(self) -> None:
        """Close for good."""
        super().close()


class Workshop:
    """The wiring of one test.

    Args:
        folder: Where the user's modules are.
        gate: Scans for all engines.
    """

    poet_version = "0.0.test"

    def __init__(self, folder: Path, gate: Gate) -> None:
        self.folder, self.gate = folder, gate
        self.answer: Answer = ok({"drift_detected": True})
        self.refuses: Exception | None = None  # what opening an engine raises
        self.journal_refuses: Exception | None = None
        self.engines: list[Engine] = []
        self.recorders: dict[Path, Recorder] = {}
        self.jobs: list[Job] = []
        self.trials: list[Job] = []
        self.observed: list[Job] = []  # trials of the user's own body
        self.serves: Mode = "on"
        self.recorded = False  # what POET_RECORD says
        self.dice = 0.5
        self._seconds, self._ids, self._modules = itertools.count(1_000_000), itertools.count(1), itertools.count(1)
        self._noise = itertools.count(1)
        self._lock, self._recorders_lock = threading.Lock(), threading.Lock()
        self.clock = Clock()
        self.pipeline = Pipeline(clock=self.clock, now=lambda: 0.0, random=lambda: self.dice)
        self.pauses = Pauses(here=self.clock.advance, in_task=self.clock.aadvance)
        self.breakers = BreakerRegistry(
            lambda _key: self.breaker_settings, clock=self.clock, wall_clock=lambda: 0.0, random=lambda: 0.5
        )
        self.breaker_settings = BreakerSettings()

    def engine(self, policy: Policy) -> Engine:
        """One for each policy, as long as it is open."""
        if self.refuses is not None:
            raise self.refuses
        with self._lock:
            for engine in self.engines:
                if engine.policy.digest == policy.digest and not engine.closed:
                    return engine
            engine = Engine(
                policy=policy,
                sandbox=ScriptedSandbox([self._answer]),
                gate=self.gate,
                recorder=None,
                new_id=lambda: "the engine's own",
                clock=self.now,
            )
            self.engines.append(engine)
            return engine

    def surroundings(self, start: Path) -> PolicyContext:
        """Those that the test has laid around its folder; none of this machine's."""
        return policy_context(start, None, self.folder / "machine.toml")

    def recorder(self, journal: Path) -> Recorder:
        """One for each journal."""
        if self.journal_refuses is not None:
            raise self.journal_refuses
        with self._recorders_lock:
            if journal not in self.recorders:
                factory = EventFactory(self.now, self._random, "testing", "tests", self.poet_version)
                self.recorders[journal] = Recorder(Journal.open(journal), factory)
            return self.recorders[journal]

    def new_id(self) -> str:
        """Counts: `execution-1`, `execution-2` and so on."""
        return f"execution-{next(self._ids)}"

    def now(self) -> float:
        """A second later each time."""
        return float(next(self._seconds))

    def mode(self) -> Mode:
        """What the test has set."""
        return self.serves

    def records(self) -> bool:
        """What the test has set."""
        return self.recorded

    def home(self) -> Path:
        """Beside the modules, so that its use shows."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return home

    def load(self, text: str = DETECTOR, name: str = "monitoring", function: str = "detect_drift") -> Detector:
        """Write a module, import it, and hand out its function."""
        path = self.folder / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"{name}_{next(self._modules)}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # Not through the loader: it would take a cached module for a file that was rewritten within a second.
        exec(compile(text, str(path), "exec"), vars(module))  # noqa: S102 - the user's own module, as its import would
        found: Detector = vars(module)[function]
        return found

    def events(self, journal: str = ".poet/events/journal.db") -> list[ExecutionEvent]:
        """All calls that the journal below the modules' folder holds, the oldest first."""
        return [event for event in self._held(journal) if isinstance(event, ExecutionEvent)]

    def recordings(self, journal: str = ".poet/events/journal.db") -> list[RecordingEvent]:
        """All recordings that it holds, the oldest first."""
        return [event for event in self._held(journal) if isinstance(event, RecordingEvent)]

    def _held(self, journal: str) -> list[Event]:
        path = self.folder / journal
        if path in self.recorders:
            self.recorders[path].flush()
        if not path.exists():
            return []
        with Journal.open(path) as reader:
            found = reader.find(limit=1000)
        return found[::-1]

    def close(self) -> None:
        """End what is open, and what is still being opened for a call that did not wait for it."""
        for thread in threading.enumerate():
            if thread.name == "poet-preparation":
                thread.join(10)
        for engine in self.engines:
            engine.close()
        for recorder in self.recorders.values():
            recorder.close()

    def _answer(self, job: Job) -> Outcome:
        if job.filename == "<candidate>":
            self.trials.append(job)
            return run_here(job)
        if job.filename == FILENAME:
            self.observed.append(job)
            # One by one, as arguments travel: what the body changes stays where it runs.
            args, kwargs = [copy.deepcopy(value) for value in job.args], copy.deepcopy(dict(job.kwargs))
            return run_here(dataclasses.replace(job, args=args, kwargs=kwargs))
        self.jobs.append(job)
        return self.answer(job) if callable(self.answer) else self.answer

    def _random(self, count: int) -> bytes:
        return next(self._noise).to_bytes(count)


def run_here(job: Job) -> Outcome:
    """Run the product's own built-in code as a sandbox would answer."""
    namespace: dict[str, object] = {"__name__": "generated"}
    exec(compile(job.source, job.filename, "exec"), namespace)  # noqa: S102 - what the domain wrote, and nothing else
    entry = namespace[job.entry]
    assert callable(entry)
    try:
        value = entry(*job.args, **job.kwargs)
        return ok(asyncio.run(value) if inspect.iscoroutine(value) else value)
    except ValueError as error:
        info = ErrorInfo(type(error).__name__, str(error))
        return Outcome(status=Status.ERROR, cause="exception", blame=Blame.CODE, error=info)


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    lent = LentGate()
    yield lent
    lent.end()


@pytest.fixture
def workshop(tmp_path: Path, gate: Gate) -> Iterator[Workshop]:
    """What decorated functions use for the length of one test."""
    before = list(wiring._installed)
    shop = Workshop(tmp_path, gate)
    decorator.install(shop)
    yield shop
    shop.close()  # a preparation that goes on still asks for what is installed
    wiring._installed[:] = before
