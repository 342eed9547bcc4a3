"""How long a sandboxed call takes, and how many there are in a second, on the walls that are required.

The walls are probed in the very sandbox that is timed, before and after: a number from a sandbox whose walls are down
would say how fast it is to have none. Usage: `python benchmarks/call_latency.py [--policy data] [--json]`.
"""

import argparse
import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import standing
from poet_engine._env import Settings
from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.docker import DockerSandbox
from poet_engine.sandbox.docker.scheduling import ContainerPoolSize as Containers
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox
from standing import Machine, Spread

_SOURCE = """
def answer(values):
    return {"total": sum(values), "count": len(values)}

def fail(values):
    raise ValueError("on purpose")
"""
_ARGUMENTS = ([1.0, 2.0, 3.0],)
_WARM_CALLS = 20  # not counted: the first calls of a lane fault in what the later ones find
_LONGEST_WAIT = 30.0
_LEAST_CALLS = 2  # of each caller, however little time there is


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
class Measurement:
    """What was measured, and on what. Times are in milliseconds.

    Attributes:
        sandbox: Which, and Docker's runtime.
        policy: The policy's name.
        fresh: How fresh each call was.
        machine: On what.
        callers: Threads that called at once.
        frame_ms: From the call of `run` to its return, when all lanes are ready: the result frame.
        verdict_ms: The same for a call that raises, which waits until its process has ended and was reaped.
        loaded_ms: The result frame, when all callers call again as soon as they have their answer, and so wait for
            payloads to be prepared.
        served_ms: Of those calls, the part from the release of a payload to its frame.
        calls_per_second: Good calls of all callers together.
        cpu_ms_per_call: CPU time of host, lanes and payloads together for each of those; of the host alone with Docker,
            whose processes are none of ours.
        walls_before: Wall → what stopped its deed, before the timing.
        walls_after: The same after it.
    """

    sandbox: str
    policy: str
    fresh: str
    machine: Machine
    callers: int
    frame_ms: Spread
    verdict_ms: Spread
    loaded_ms: Spread
    served_ms: Spread
    calls_per_second: float
    cpu_ms_per_call: float
    walls_before: dict[str, str]
    walls_after: dict[str, str]


def measure(
    sandbox: Sandbox, policy: Policy, plan: Plan, clock: Callable[[], float], *, name: str = "process"
) -> Measurement:
    """Time the calls of one open sandbox.

    Raises:
        WallDownError: A wall that the policy requires does not hold, before or after.
    """
    before = standing.standing(sandbox, policy)
    frame = _one_by_one(sandbox, "answer", Status.OK, plan.calls, clock)
    verdict = _one_by_one(sandbox, "fail", Status.ERROR, plan.calls, clock)
    loaded, served, rate, cpu_ms = _together(sandbox, plan, clock)
    return Measurement(
        sandbox=name,
        policy=policy.name,
        fresh=str(policy.isolation.fresh),
        machine=Machine.this(),
        callers=plan.callers,
        frame_ms=frame,
        verdict_ms=verdict,
        loaded_ms=loaded,
        served_ms=served,
        calls_per_second=rate,
        cpu_ms_per_call=cpu_ms,
        walls_before=before,
        walls_after=standing.standing(sandbox, policy),
    )


def _one_by_one(sandbox: Sandbox, entry: str, expected: Status, calls: int, clock: Callable[[], float]) -> Spread:
    """Each call starts when every lane is ready, so that what is timed is the call and not the refill."""
    job = Job(source=_SOURCE, entry=entry, args=_ARGUMENTS)
    taken: list[float] = []
    for number in range(_WARM_CALLS + calls):
        _await_all_lanes(sandbox, clock)
        start = clock()
        outcome = sandbox.run(job)
        if number >= _WARM_CALLS:
            taken.append((clock() - start) * 1e3)
        if outcome.status is not expected:
            raise RuntimeError(f"a call ended as {outcome.describe()}, not {expected}")
    return Spread.of(taken)


def _await_all_lanes(sandbox: Sandbox, clock: Callable[[], float]) -> None:
    pause, deadline = threading.Event(), clock() + _LONGEST_WAIT
    while (now := sandbox.statistics()).ready < max(1, now.lanes):
        if clock() > deadline:
            raise RuntimeError(f"lanes did not become ready within {_LONGEST_WAIT:.0f} s: {now}")
        pause.wait(0.0005)


def _together(sandbox: Sandbox, plan: Plan, clock: Callable[[], float]) -> tuple[Spread, Spread, float, float]:
    """Each caller calls again as soon as it has its answer.

    Returns:
        Times as the callers see them, times from release to frame, calls a second, and CPU milliseconds for each.
    """
    job = Job(source=_SOURCE, entry="answer", args=_ARGUMENTS)
    cpu, start = standing.cpu_seconds(), clock()

    def caller(_number: int) -> list[tuple[float, float]]:
        taken: list[tuple[float, float]] = []
        while (began := clock()) - start < plan.seconds or len(taken) < _LEAST_CALLS:
            outcome = sandbox.run(job)
            taken.append(((clock() - began) * 1e3, outcome.usage.wall_ms))
            if not outcome.ok:
                raise RuntimeError(f"a call ended as {outcome.describe()}")
        return taken

    with ThreadPoolExecutor(plan.callers) as threads:
        taken = [time for times in threads.map(caller, range(plan.callers)) for time in times]
    passed, used = clock() - start, standing.cpu_seconds() - cpu
    seen, served = zip(*taken, strict=True)
    return Spread.of(seen), Spread.of(served), len(taken) / passed, used / len(taken) * 1e3


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"sandbox {found.sandbox}, policy {found.policy}, fresh = {found.fresh} · {found.machine}"
    yield f"{'':28}{'p50':>9}{'p95':>9}{'p99':>9}{'worst':>9}"
    for label, times in (
        ("result frame, idle", found.frame_ms),
        ("confirmed verdict, idle", found.verdict_ms),
        (f"result frame, {found.callers} callers", found.loaded_ms),
        ("  from release to frame", found.served_ms),
    ):
        yield f"{label:28}{times.p50:6.2f} ms{times.p95:6.2f} ms{times.p99:6.2f} ms{times.worst:6.1f} ms"
    yield f"{'calls a second':28}{found.calls_per_second:6.0f}    with {found.callers} callers"
    yield f"{'CPU time a call':28}{found.cpu_ms_per_call:6.2f} ms host, lanes and payloads"
    yield "walls of these lanes, before | after:"
    for wall, stopped_by in found.walls_before.items():
        yield f"  {wall:12}{stopped_by} | {found.walls_after[wall]}"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    cores = Machine.this().cores
    parser = argparse.ArgumentParser(description="Measure the latency of a sandboxed call and the calls a second.")
    parser.add_argument("--policy", default="restricted", help="a preset's name or a file (default: restricted)")
    parser.add_argument("--fresh", choices=("process", "none"), help="how fresh a call is (default: the policy's)")
    parser.add_argument("--sandbox", choices=("process", "docker"), default="process")
    parser.add_argument("--runtime", help="of Docker, such as runsc (default: Docker's own)")
    parser.add_argument("--calls", type=int, default=400, help="timed calls of each kind (default: 400)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long to count calls (default: 4)")
    parser.add_argument("--callers", type=int, default=cores, help=f"threads that call at once (default: {cores})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    return parser.parse_args(arguments)


def _policy(name: str, fresh: str | None) -> Policy:
    if fresh is None:
        return Policy.load(name)
    return Policy.parse(f'version = 1\nname = "{name}"\nextends = "{name}"\n[isolation]\nfresh = "{fresh}"\n')


def _opened(policy: Policy, callers: int, asked: argparse.Namespace) -> Sandbox:
    if asked.sandbox == "process":
        return ProcessSandbox(policy, size=PoolSize(least=callers + 1, most=callers + 1))
    host = Settings.read().docker_host
    return DockerSandbox(policy, host=host, runtime=asked.runtime, size=Containers(spare=1, most=callers))


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    asked = _arguments(arguments)
    plan = Plan(calls=max(2, asked.calls), seconds=asked.seconds, callers=max(1, asked.callers))

    def measured() -> Measurement:
        policy = _policy(asked.policy, asked.fresh)
        with _opened(policy, plan.callers, asked) as sandbox:
            name = asked.sandbox if asked.sandbox == "process" else f"docker, {asked.runtime or 'default runtime'}"
            return measure(sandbox, policy, plan, time.perf_counter, name=name)

    return standing.main(measured, table, asked)


if __name__ == "__main__":
    sys.exit(main())
