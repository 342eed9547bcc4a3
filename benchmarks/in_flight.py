"""Hundreds of calls in flight at once, each of which sleeps: all must be answered, and lanes must be small.

    python benchmarks/in_flight.py --calls 500

Prints how many of them ended how, how long all of it took, and what the kernel charges to each lane.
"""

import argparse
import collections
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil

import standing
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
from standing import Machine, Spread

_SOURCE = "import time\ndef f(number, seconds):\n    time.sleep(seconds)\n    return number\n"
_LANE = "poet-lane"


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What came of it.

    Attributes:
        machine: On what.
        calls: In flight at once.
        seconds: That each sleeps.
        ended: Status and cause → how many.
        wrong: How many had another call's value.
        took_s: Seconds until the last was answered.
        lanes: At the end.
        lane_own_mib: Memory of each lane's processes that nobody shares.
        walls: Wall → what stopped its deed.
    """

    machine: Machine
    calls: int
    seconds: float
    ended: dict[str, int]
    wrong: int
    took_s: float
    lanes: int
    lane_own_mib: Spread
    walls: dict[str, str]


def measure(policy: Policy, calls: int, seconds: float) -> Measurement:
    """Open a sandbox, flood it once, and look at its lanes."""
    with ProcessSandbox(policy) as sandbox, ThreadPoolExecutor(calls) as callers:
        walls = standing.standing(sandbox, policy)
        start = time.perf_counter()
        jobs = [Job(source=_SOURCE, entry="f", args=(number, seconds)) for number in range(calls)]
        outcomes = list(callers.map(sandbox.run, jobs))
        took = time.perf_counter() - start
        ended = collections.Counter(f"{outcome.status}/{outcome.cause or '-'}" for outcome in outcomes)
        return Measurement(
            machine=Machine.this(),
            calls=calls,
            seconds=seconds,
            ended=dict(ended),
            wrong=sum(outcome.ok and outcome.value != number for number, outcome in enumerate(outcomes)),
            took_s=took,
            lanes=sandbox.statistics().lanes,
            lane_own_mib=Spread.of(_own_memory()),
            walls=walls,
        )


def _own_memory() -> list[float]:
    """MiB of each lane: its first process and the payload that waits in it."""
    kept: dict[int, int] = collections.defaultdict(int)
    lanes: set[int] = set()
    for process in psutil.Process().children(recursive=True):
        try:
            name, parent, own = process.name(), process.ppid(), int(process.memory_full_info().uss)
        except psutil.NoSuchProcess:
            continue  # a lane that was idle for long enough has ended in the meantime
        if name == _LANE:
            lanes.add(process.pid)
        kept[process.pid if name == _LANE else parent] += own
    return [kept[lane] / 2**20 for lane in lanes]


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"{found.calls} calls at once, each sleeping {found.seconds:g} s · {found.machine}"
    for how, number in sorted(found.ended.items()):
        yield f"  {how:24}{number:6}"
    yield f"  {'with a wrong value':24}{found.wrong:6}"
    yield f"all answered after {found.took_s:.1f} s by {found.lanes} lanes"
    own = found.lane_own_mib
    yield f"own memory of a lane: p50 {own.p50:.2f} MiB, p95 {own.p95:.2f} MiB, worst {own.worst:.2f} MiB"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure calls that are in flight at once.")
    parser.add_argument("--policy", default="restricted", help="a preset's name or a file (default: restricted)")
    parser.add_argument("--calls", type=int, default=500, help="how many at once (default: 500)")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each sleeps (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    return standing.main(lambda: measure(Policy.load(asked.policy), max(1, asked.calls), asked.seconds), table, asked)


if __name__ == "__main__":
    sys.exit(main())
