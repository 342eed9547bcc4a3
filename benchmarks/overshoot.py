"""How far beyond its budgets a call gets, and how long its end takes.

python benchmarks/overshoot.py --calls 100
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence

import standing
from poet_engine.job import Job
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
from standing import Machine, Spread

_WALL_S, _CPU_S, _MEMORY_MIB = 0.05, 0.05, 24
_POLICY = f"""
version = 1
name = "overshoot"
extends = "restricted"
[limits]
wall = "2s"
cpu = "{_CPU_S:g}s"
memory = "{_MEMORY_MIB}MiB"
"""
_SLEEP = Job(source="import time\ndef f():\n    time.sleep(60)\n", entry="f", wall=_WALL_S)
_SPIN = Job(source="def f():\n    while True:\n        pass\n", entry="f")
_HOARD = Job(source="import mmap\ndef f():\n    m = mmap.mmap(-1, 1 << 28)\n    m.write(b'x' * (1 << 28))\n", entry="f")
_GOOD = Job(source="def f():\n    return 1\n", entry="f")


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured.

    Attributes:
        machine: On what.
        calls: Of each kind.
        wall_ms: Milliseconds from the deadline to the confirmed verdict, the process being reaped.
        cpu_ms: CPU milliseconds beyond the budget.
        memory_bytes: The most bytes charged beyond the budget of memory.
        close_ms: Milliseconds to end a whole sandbox: zygote, lanes, cgroups.
        walls: Wall → what stopped its deed.
    """

    machine: Machine
    calls: int
    wall_ms: Spread
    cpu_ms: Spread
    memory_bytes: int
    close_ms: Spread
    walls: dict[str, str]


def measure(policy: Policy, calls: int, closings: int) -> Measurement:
    """Use up each budget so many times."""
    with ProcessSandbox(policy) as sandbox:
        walls = standing.standing(sandbox, policy)
        wall: list[float] = []
        for _ in range(calls):
            sandbox.run(_GOOD)
            start = time.perf_counter()
            _expect(sandbox.run(_SLEEP), "limit/wall")
            wall.append((time.perf_counter() - start - _WALL_S) * 1e3)
        cpu = [_expect(sandbox.run(_SPIN), "limit/cpu").usage.cpu_ms - _CPU_S * 1e3 for _ in range(calls)]
        peaks = [_expect(sandbox.run(_HOARD), "limit/memory").usage.memory_peak_bytes or 0 for _ in range(calls)]
    return Measurement(
        machine=Machine.this(),
        calls=calls,
        wall_ms=Spread.of(wall),
        cpu_ms=Spread.of(cpu),
        memory_bytes=max(0, max(peaks) - _MEMORY_MIB * 2**20),
        close_ms=Spread.of([_closing(policy) for _ in range(closings)]),
        walls=walls,
    )


def _expect(outcome: Outcome, how: str) -> Outcome:
    if f"{outcome.status}/{outcome.cause}" != how:
        raise RuntimeError(f"a call ended as {outcome.describe()}, not {how}")
    return outcome


def _closing(policy: Policy) -> float:
    sandbox = ProcessSandbox(policy)
    sandbox.run(_GOOD)
    start = time.perf_counter()
    sandbox.close()
    return (time.perf_counter() - start) * 1e3


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"{found.calls} calls of each kind · {found.machine}"
    yield f"{'':36}{'p50':>9}{'p95':>9}{'p99':>9}{'worst':>9}"
    for label, times in (
        ("deadline to confirmed end", found.wall_ms),
        ("CPU time beyond the budget", found.cpu_ms),
        ("closing a whole sandbox", found.close_ms),
    ):
        yield f"{label:36}{times.p50:6.1f} ms{times.p95:6.1f} ms{times.p99:6.1f} ms{times.worst:6.1f} ms"
    yield f"{'memory beyond the budget':36}{found.memory_bytes:6} bytes"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure how far beyond its budgets a call gets.")
    parser.add_argument("--calls", type=int, default=100, help="calls of each kind (default: 100)")
    parser.add_argument("--closings", type=int, default=20, help="sandboxes that are closed (default: 20)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    policy = Policy.parse(_POLICY)
    return standing.main(lambda: measure(policy, max(2, asked.calls), max(2, asked.closings)), table, asked)


if __name__ == "__main__":
    sys.exit(main())
