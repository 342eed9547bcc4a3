"""What the host adds to a call: the pipeline, the rules of arguments, the event; and what `@poet` and the import cost.

The sandbox here answers at once and runs nothing, so this says nothing about walls: benchmarks/call_latency.py does.
Usage: `python benchmarks/host_overhead.py [--calls 5000] [--json]`.
"""

import argparse
import dataclasses
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import standing
from poet_engine import _wiring, decorator, poet
from poet_engine.engine import Engine
from poet_engine.gate import Gate
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.resilience.attempts import AttemptResult, Transient
from poet_engine.resilience.breaker import Breaker, BreakerSettings
from poet_engine.resilience.breaker_gates import BreakerGuard, of_backend, of_version
from poet_engine.resilience.bulkhead import Bulkhead
from poet_engine.resilience.call_limits import EXECUTIONS, FALLBACKS
from poet_engine.resilience.call_report import CallReport, Rung
from poet_engine.resilience.drivers import perform
from poet_engine.resilience.pipeline import Attempt, CallPlan
from poet_engine.resilience.retry_budget import RetryBudget
from poet_engine.sandbox.fake import ScriptedSandbox, ok
from standing import Machine, Spread

_MODULE = '''
from poet_engine import poet


@poet
def total(values: list, factor: float = 1.0):
    """Add them up. factor must be positive."""
    return sum(values) * factor


@poet
def hosted(values: list, factor: float = 1.0):
    """Add them up. factor must be positive."""
    return sum(values) * factor
'''
_VERSION = "def total(values, factor=1.0):\n    return sum(values) * factor\n"
_MANY = 200  # functions that are decorated for one number


class Instant(_wiring.Shared):
    """The product's own wiring, but for a sandbox that answers at once."""

    def __init__(self, home: Path, gate: Gate) -> None:
        super().__init__()
        self._home, self._gate = home, gate
        self.opened: list[Engine] = []

    def engine(self, policy: Policy) -> Engine:
        """One."""
        if not self.opened:
            engine = Engine(
                policy=policy,
                sandbox=ScriptedSandbox([ok(6.0)]),
                gate=self._gate,
                recorder=None,
                new_id=self.new_id,
                clock=self.now,
            )
            self.opened.append(engine)
        return self.opened[0]

    def home(self) -> Path:
        """A folder of the benchmark's own."""
        return self._home


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """Microseconds, but for the imports.

    Attributes:
        machine: On what.
        pipeline_us: The steps of one call with two breakers, a bulkhead, a budget and a deadline, and nothing in it.
        attempt_us: `Engine.attempt` on a sandbox that answers at once, as a yardstick.
        sandboxed_us: A call of a decorated function on the same engine, with its rules and its event.
        hosted_us: A call of a decorated function whose original runs in the host, with the same.
        decorate_us: `@poet` on one function.
        import_ms: `import poet_engine`, in a process of its own.
        import_poet_ms: `from poet_engine import poet`, the same.
    """

    machine: Machine
    pipeline_us: Spread
    attempt_us: Spread
    sandboxed_us: Spread
    hosted_us: Spread
    decorate_us: Spread
    import_ms: Spread
    import_poet_ms: Spread


def measure(calls: int, starts: int, clock: Callable[[], float]) -> Measurement:
    """Time them one after the other, in this thread."""
    with tempfile.TemporaryDirectory() as folder, Gate() as gate:
        wiring = Instant(Path(folder) / "home", gate)
        wiring.home().mkdir()
        decorator.install(wiring)
        module = _module(Path(folder))
        total, hosted = vars(module)["total"], vars(module)["hosted"]
        total.poet.adopt(_VERSION)
        engine = wiring.opened[0]
        job = Job(source=_VERSION, entry="total", args=([1.0, 2.0, 3.0],))
        found = Measurement(
            machine=Machine.this(),
            pipeline_us=_spread(_pipeline(wiring), calls, clock),
            attempt_us=_spread(lambda: engine.attempt(job), calls, clock),
            sandboxed_us=_spread(lambda: total([1.0, 2.0, 3.0]), calls, clock),
            hosted_us=_spread(lambda: hosted([1.0, 2.0, 3.0]), calls, clock),
            decorate_us=_decorating(clock),
            import_ms=_imports("import poet_engine", starts),
            import_poet_ms=_imports("from poet_engine import poet", starts),
        )
        if total.poet.call([1.0]).served_by != Rung.GENERATED:
            raise RuntimeError(f"the version did not serve: {total.poet!r}")
        wiring.close()
        engine.close()
    return found


def _module(folder: Path) -> types.ModuleType:
    path = folder / "app.py"
    path.write_text(_MODULE, encoding="utf-8")
    module = types.ModuleType("app")
    exec(compile(_MODULE, str(path), "exec"), vars(module))  # noqa: S102 - the text above
    return module


def _pipeline(wiring: Instant) -> Callable[[], object]:
    pipeline, answer = wiring.pipeline, AttemptResult(value=1)
    breakers = [
        Breaker(name, BreakerSettings(), clock=time.monotonic, random=lambda: 0.5) for name in ("version", "backend")
    ]
    plan = CallPlan(
        first=Rung.GENERATED,
        timeout=5.0,
        transient=Transient.of((ConnectionError, TimeoutError)),
        budget=RetryBudget(time.monotonic),
        fallback=Bulkhead(FALLBACKS),
        guards=(BreakerGuard(breakers[0], of_version), BreakerGuard(breakers[1], of_backend)),
        bulkhead=Bulkhead(EXECUTIONS),
    )

    def attempt(_step: Attempt) -> AttemptResult:
        return answer

    def call() -> CallReport:
        report = CallReport(function_name="f", execution_id="one", start=0.0)
        return perform(pipeline.steps(plan, report), attempt, wiring.pauses)

    return call


def _spread(call: Callable[[], object], calls: int, clock: Callable[[], float]) -> Spread:
    for _ in range(calls // 10 + 10):
        call()
    taken: list[float] = []
    for _ in range(calls):
        start = clock()
        call()
        taken.append((clock() - start) * 1e6)
    return Spread.of(taken)


def _decorating(clock: Callable[[], float]) -> Spread:
    taken: list[float] = []
    for _ in range(20):
        functions = [types.FunctionType(_plain.__code__, globals(), f"f{number}") for number in range(_MANY)]
        start = clock()
        for function in functions:
            poet(function)
        taken.append((clock() - start) * 1e6 / _MANY)
    return Spread.of(taken)


def _plain(values: list[float]) -> float:
    return sum(values)


def _imports(statement: str, starts: int) -> Spread:
    program = f"import time\nstart = time.perf_counter()\n{statement}\nprint((time.perf_counter() - start) * 1e3)"
    taken = [
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)
        for _ in range(starts)
    ]
    return Spread.of(taken)


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"the host's own part · {found.machine}"
    yield f"{'':34}{'p50':>10}{'p95':>10}"
    for label, times, unit in (
        ("pipeline alone", found.pipeline_us, "µs"),
        ("Engine.attempt, instant sandbox", found.attempt_us, "µs"),
        ("decorated call on that, with event", found.sandboxed_us, "µs"),
        ("decorated call in the host", found.hosted_us, "µs"),
        ("@poet on a function", found.decorate_us, "µs"),
        ("import poet_engine", found.import_ms, "ms"),
        ("from poet_engine import poet", found.import_poet_ms, "ms"),
    ):
        yield f"{label:34}{times.p50:7.1f} {unit}{times.p95:7.1f} {unit}"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure what the host adds to a call.")
    parser.add_argument("--calls", type=int, default=5000, help="timed calls of each kind (default: 5000)")
    parser.add_argument("--starts", type=int, default=7, help="processes for the imports (default: 7)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    return standing.main(lambda: measure(max(2, asked.calls), max(2, asked.starts), time.perf_counter), table, asked)


if __name__ == "__main__":
    sys.exit(main())
