"""How long a sandboxed call takes, and how many there are in a second, on the walls that are required.

The walls are probed in the very sandbox that is timed, before and after: a number from a sandbox whose walls are down
would say how fast it is to have none. Usage: `python benchmarks/call_latency.py [--policy data] [--json]`.
"""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from poet_engine.errors import PoetError
from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox import walls
from poet_engine.sandbox.process import ProcessSandbox
from poet_engine.sandbox.process.schedule import Size
from poet_engine.sandbox.protocol import WallReport

_SOURCE = """
def answer(values):
    return {"total": sum(values), "count": len(values)}

def fail(values):
    raise ValueError("on purpose")
"""
_ARGUMENTS = ([1.0, 2.0, 3.0],)
_WARM_CALLS = 20  # not counted: the first calls of a lane fault in what the later ones find
_LONGEST_WAIT = 30.0


class WallDownError(Exception):
    """A required wall does not hold, so there is nothing worth measuring."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    Attributes:
        calls: Timed calls of each kind, one after the other.
        seconds: How long the callers go on together.
        callers: Threads that call at once.
    """

    calls: int
    seconds: float
    callers: int


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one kind of call."""

    p50: float
    p95: float
    worst: float


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and on what.

    Attributes:
        policy: The policy's name.
        python: Version of the interpreter.
        kernel: Release of the kernel.
        cores: Cores that this process may use.
        callers: Threads that called at once.
        frame_ms: From the call of `run` to its return, when a lane is ready: the result frame.
        verdict_ms: The same for a call that raises, which waits until its process has ended and was reaped.
        calls_per_second: Good calls of all callers together.
        walls_before: Wall → what stopped its deed, before the timing.
        walls_after: The same after it.
    """

    policy: str
    python: str
    kernel: str
    cores: int
    callers: int
    frame_ms: Times
    verdict_ms: Times
    calls_per_second: float
    walls_before: dict[str, str]
    walls_after: dict[str, str]


def measure(sandbox: ProcessSandbox, policy: Policy, plan: Plan, clock: Callable[[], float]) -> Measurement:
    """Time the calls of one open sandbox.

    Raises:
        WallDownError: A wall that the policy requires does not hold, before or after.
    """
    before = _standing(sandbox, policy)
    frame = _one_by_one(sandbox, "answer", Status.OK, plan.calls, clock)
    verdict = _one_by_one(sandbox, "fail", Status.ERROR, plan.calls, clock)
    rate = _together(sandbox, plan, clock)
    after = _standing(sandbox, policy)
    return Measurement(
        policy=policy.name,
        python=platform.python_version(),
        kernel=platform.release(),
        cores=len(os.sched_getaffinity(0)),
        callers=plan.callers,
        frame_ms=frame,
        verdict_ms=verdict,
        calls_per_second=rate,
        walls_before=before,
        walls_after=after,
    )


def _standing(sandbox: ProcessSandbox, policy: Policy) -> dict[str, str]:
    reports = sandbox.walls()
    lacking = walls.missing(reports, frozenset(str(wall) for wall in policy.isolation.require))
    if lacking:
        raise WallDownError("; ".join(_complaint(report) for report in lacking))
    return {report.wall: report.stopped_by if report.held else f"DOWN: {report.stopped_by}" for report in reports}


def _complaint(report: WallReport) -> str:
    return f"wall {report.wall!r} does not hold ({report.stopped_by}); {report.remedy}"


def _one_by_one(sandbox: ProcessSandbox, entry: str, expected: Status, calls: int, clock: Callable[[], float]) -> Times:
    """Each call starts when a payload is ready, so that what is timed is the call and not the refill."""
    job = Job(source=_SOURCE, entry=entry, args=_ARGUMENTS)
    taken: list[float] = []
    for number in range(_WARM_CALLS + calls):
        _await_a_ready_lane(sandbox, clock)
        start = clock()
        outcome = sandbox.run(job)
        if number >= _WARM_CALLS:
            taken.append((clock() - start) * 1e3)
        if outcome.status is not expected:
            raise RuntimeError(f"a call ended as {outcome.describe()}, not {expected}")
    hundredths = statistics.quantiles(taken, n=100, method="inclusive")
    return Times(p50=hundredths[49], p95=hundredths[94], worst=max(taken))


def _await_a_ready_lane(sandbox: ProcessSandbox, clock: Callable[[], float]) -> None:
    pause, deadline = threading.Event(), clock() + _LONGEST_WAIT
    while not sandbox.statistics().ready:
        if clock() > deadline:
            raise RuntimeError(f"no lane became ready within {_LONGEST_WAIT:.0f} s")
        pause.wait(0.0005)


def _together(sandbox: ProcessSandbox, plan: Plan, clock: Callable[[], float]) -> float:
    """Calls a second of all callers, each of which calls again as soon as it has its answer."""
    job = Job(source=_SOURCE, entry="answer", args=_ARGUMENTS)
    start = clock()

    def caller(_number: int) -> int:
        done = 0
        while clock() - start < plan.seconds:
            outcome = sandbox.run(job)
            if not outcome.ok:
                raise RuntimeError(f"a call ended as {outcome.describe()}")
            done += 1
        return done

    with ThreadPoolExecutor(plan.callers) as threads:
        done = sum(threads.map(caller, range(plan.callers)))
    return done / (clock() - start)


def _show(found: Measurement) -> None:
    print(f"policy {found.policy} · Python {found.python} · Linux {found.kernel} · {found.cores} cores")
    print(f"{'':24}{'p50':>9}{'p95':>9}{'worst':>9}")
    for label, times in (("result frame, idle", found.frame_ms), ("confirmed verdict", found.verdict_ms)):
        print(f"{label:24}{times.p50:6.2f} ms{times.p95:6.2f} ms{times.worst:6.1f} ms")
    print(f"{'calls a second':24}{found.calls_per_second:6.0f}    with {found.callers} callers")
    print("walls of these lanes, before | after:")
    for wall, stopped_by in found.walls_before.items():
        print(f"  {wall:12}{stopped_by} | {found.walls_after[wall]}")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description="Measure the latency of a sandboxed call and the calls a second.")
    parser.add_argument("--policy", default="restricted", help="a preset's name or a file (default: restricted)")
    parser.add_argument("--calls", type=int, default=400, help="timed calls of each kind (default: 400)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long to count calls (default: 4)")
    parser.add_argument("--callers", type=int, default=cores, help=f"threads that call at once (default: {cores})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 when a required wall is down, 2 when there is no sandbox or no such policy."""
    asked = _arguments(arguments)
    plan = Plan(calls=max(2, asked.calls), seconds=asked.seconds, callers=max(1, asked.callers))
    try:
        policy = Policy.load(asked.policy)
        with ProcessSandbox(policy, size=Size(least=plan.callers, most=max(plan.callers, 2))) as sandbox:
            found = measure(sandbox, policy, plan, time.perf_counter)
    except WallDownError as error:
        print(f"no numbers: {error}", file=sys.stderr)
        return 1
    except PoetError as error:
        print(f"no numbers: {error}", file=sys.stderr)
        return 2
    if asked.json:
        print(json.dumps(dataclasses.asdict(found), indent=2))
    else:
        _show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
