"""What it costs to pass large values into and out of a sandbox, beside one copy of the same bytes in the same run.

The times are medians of calls on ready lanes. The walls are probed in the very sandbox that is timed, before and after.
Usage: `python benchmarks/values.py [--calls 9] [--json]`.
"""

import argparse
import dataclasses
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import standing
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox
from standing import Machine

_SOURCE = """
import numpy as np

def last(x):
    return float(x[-1])

def total(x):
    return float(x.sum())

def made(x):
    return np.arange(len(x), dtype="f8")
"""
_ARGUMENT, _RESULT, _SMALL = 100_000_000, 8_000_000, 800  # bytes
_POLICY = 'version = 1\nname = "values"\nextends = "data"\n[limits]\nresult = "16MiB"\n'
_LONGEST_WAIT = 30.0

Array = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and on what. Times are medians in milliseconds; memory in bytes.

    Attributes:
        machine: On what.
        calls: Calls of each kind.
        copy_ms: One copy of 100 MB into memory that was touched before.
        fresh_copy_ms: One copy of them into memory that was not.
        argument_ms: A call that reads one number of a 100 MB array.
        summed_argument_ms: A call that adds all its numbers up.
        sum_ms: Adding them up on the host.
        result_ms: A call that makes and returns an array of 8 MB.
        small_ms: A call that reads one number of an array of 800 bytes.
        ratio: What the argument takes beyond a small call, in copies into touched memory.
        host_growth_bytes: How far the host's peak of resident memory rose above its resident memory before.
        walls_before: Wall → what stopped its deed, before the timing.
        walls_after: The same after it.
    """

    machine: Machine
    calls: int
    copy_ms: float
    fresh_copy_ms: float
    argument_ms: float
    summed_argument_ms: float
    sum_ms: float
    result_ms: float
    small_ms: float
    ratio: float
    host_growth_bytes: int
    walls_before: dict[str, str]
    walls_after: dict[str, str]


class Bench:
    """Times calls of one open sandbox, each on a ready lane.

    Args:
        sandbox: Where they run.
        calls: How many of each kind; one more comes first and is not counted.
        clock: Seconds.
    """

    def __init__(self, sandbox: ProcessSandbox, calls: int, clock: Callable[[], float]) -> None:
        self._sandbox, self._calls, self._clock = sandbox, calls, clock

    def median(self, deed: Callable[[], object], *, ready: bool = True) -> float:
        """Milliseconds of a deed; `ready` waits for a lane each time before the clock starts."""
        taken: list[float] = []
        for _ in range(1 + self._calls):
            if ready:
                self._await_a_ready_lane()
            start = self._clock()
            deed()
            taken.append((self._clock() - start) * 1e3)
        return statistics.median(taken[1:])

    def call(self, entry: str, value: Array) -> Callable[[], object]:
        """A deed: one call, which must end well."""

        def run() -> object:
            outcome = self._sandbox.run(Job(source=_SOURCE, entry=entry, args=(value,)))
            if not outcome.ok:
                raise RuntimeError(f"a call ended as {outcome.describe()}")
            return outcome

        return run

    def _await_a_ready_lane(self) -> None:
        pause, deadline = threading.Event(), self._clock() + _LONGEST_WAIT
        while not self._sandbox.statistics().ready:
            if self._clock() > deadline:
                raise RuntimeError(f"no lane became ready within {_LONGEST_WAIT:.0f} s")
            pause.wait(0.0005)


def measure(sandbox: ProcessSandbox, policy: Policy, calls: int) -> Measurement:
    """Time the calls.

    Raises:
        WallDownError: A wall that the policy requires does not hold, before or after.
    """
    before = standing.standing(sandbox, policy)
    bench = Bench(sandbox, calls, time.perf_counter)
    large, small, output = (np.arange(size // 8, dtype="f8") for size in (_ARGUMENT, _SMALL, _RESULT))
    resident = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak
    argument = bench.median(bench.call("last", large))
    growth = _status("VmHWM") - resident
    summed = bench.median(bench.call("total", large))
    small_ms = bench.median(bench.call("last", small))
    target = np.ones_like(large)
    copy = bench.median(lambda: np.copyto(target, large), ready=False)
    return Measurement(
        machine=Machine.this(),
        calls=calls,
        copy_ms=copy,
        fresh_copy_ms=bench.median(large.copy, ready=False),
        argument_ms=argument,
        summed_argument_ms=summed,
        sum_ms=bench.median(large.sum, ready=False),
        result_ms=bench.median(bench.call("made", output)),
        small_ms=small_ms,
        ratio=(argument - small_ms) / copy,
        host_growth_bytes=growth,
        walls_before=before,
        walls_after=standing.standing(sandbox, policy),
    )


def _status(name: str) -> int:
    """A field of this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) << 10


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"{found.machine} · medians of {found.calls} calls"
    for label, value in (
        ("copy of 100 MB, touched memory", found.copy_ms),
        ("copy of 100 MB, fresh memory", found.fresh_copy_ms),
        ("call with 100 MB", found.argument_ms),
        ("call with 100 MB, all of it read", found.summed_argument_ms),
        ("the same sum on the host", found.sum_ms),
        ("call that takes and returns 8 MB", found.result_ms),
        ("call with 800 bytes", found.small_ms),
    ):
        yield f"{label:36}{value:9.2f} ms"
    yield f"{'argument in copies':36}{found.ratio:9.2f}"
    yield f"{'growth of the host':36}{found.host_growth_bytes / 1e6:9.2f} MB"
    yield "walls of these lanes, before | after:"
    for wall, stopped_by in found.walls_before.items():
        yield f"  {wall:12}{stopped_by} | {found.walls_after[wall]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure what large values cost.")
    parser.add_argument("--calls", type=int, default=9, help="timed calls of each kind (default: 9)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)

    def measured() -> Measurement:
        policy = Policy.parse(_POLICY)
        with ProcessSandbox(policy, size=PoolSize(least=2, most=2)) as sandbox:
            return measure(sandbox, policy, max(1, asked.calls))

    return standing.main(measured, table, asked)


if __name__ == "__main__":
    sys.exit(main())
