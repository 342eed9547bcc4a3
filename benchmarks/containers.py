"""What containers cost: a container for each call, refilling the pool, and the first call on a cold machine.

python benchmarks/containers.py --runtime runsc
"""

import argparse
import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import standing
from poet_engine._env import Settings
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox
from poet_engine.sandbox.docker.scheduling import ContainerPoolSize
from standing import Machine, Spread

_ONCE = 'name = "once"\nextends = "{name}"\n[isolation]\nfresh = "exec"\n'
_LONGEST_WAIT = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """Times are in milliseconds.

    Attributes:
        machine: On what.
        policy: The policy's name.
        runtime: What ran the containers.
        first_ms: A sandbox that is opened, and its first call: images are built, no container runs.
        exec_ms: A call with `fresh = "exec"` when a container waits.
        refills_per_second: Containers made in a second, from the first call to the moment when all were replaced.
        close_ms: Closing a sandbox with so many idle containers.
        containers: How many those were.
    """

    machine: Machine
    policy: str
    runtime: str
    first_ms: Spread
    exec_ms: Spread
    refills_per_second: float
    close_ms: Spread
    containers: int


def measure(name: str, runtime: str | None, rounds: int, containers: int, clock: Callable[[], float]) -> Measurement:
    """Open, call, drain and close so many times."""
    host = Settings.read().docker_host
    policy = Policy.load(name)
    first, closed, calls, refills, ran_on = [], [], [], [], ""
    for _ in range(rounds):
        start = clock()
        with DockerSandbox(policy, host=host, runtime=runtime) as sandbox:
            _call(sandbox, 0)
            first.append((clock() - start) * 1e3)
            ran_on = sandbox.runtime
    once = Policy.parse(_ONCE.format(name=name))
    for _ in range(rounds):
        size = ContainerPoolSize(spare=containers, most=containers)
        with DockerSandbox(once, host=host, runtime=runtime, size=size) as sandbox:
            _await_ready(sandbox, containers, clock)
            start = clock()
            calls += [_call(sandbox, number, clock) for number in range(containers)]
            _await_ready(sandbox, containers, clock)
            refills.append(containers / (clock() - start))
            start = clock()
        closed.append((clock() - start) * 1e3)
    return Measurement(
        Machine.this(), name, ran_on, Spread.of(first), Spread.of(calls), max(refills), Spread.of(closed), containers
    )


def _call(sandbox: DockerSandbox, number: int, clock: Callable[[], float] = time.perf_counter) -> float:
    job = Job(source=f"def f(x):\n    return x + {number}\n", entry="f", args=(1,))
    start = clock()
    sandbox.run(job).unwrap()
    return (clock() - start) * 1e3


def _await_ready(sandbox: DockerSandbox, containers: int, clock: Callable[[], float]) -> None:
    pause, deadline = threading.Event(), clock() + _LONGEST_WAIT
    while (now := sandbox.statistics()).ready < containers:
        if clock() > deadline:
            raise RuntimeError(f"containers did not become ready within {_LONGEST_WAIT:.0f} s: {now}")
        pause.wait(0.001)


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"policy {found.policy}, runtime {found.runtime} · {found.machine}"
    yield f"{'':36}{'p50':>10}{'worst':>10}"
    for label, times in (
        ("open and first call, cold", found.first_ms),
        ('a call with fresh = "exec"', found.exec_ms),
        (f"closing with {found.containers} containers", found.close_ms),
    ):
        yield f"{label:36}{times.p50:7.1f} ms{times.worst:7.1f} ms"
    yield f"{'containers made in a second':36}{found.refills_per_second:7.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure what containers cost.")
    parser.add_argument("--policy", default="restricted", help="a preset's name or a file (default: restricted)")
    parser.add_argument("--runtime", help="such as runsc (default: Docker's own)")
    parser.add_argument("--rounds", type=int, default=5, help="sandboxes of each kind (default: 5)")
    parser.add_argument("--containers", type=int, default=8, help='with fresh = "exec" (default: 8)')
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    rounds, containers = max(2, asked.rounds), max(1, asked.containers)
    return standing.main(
        lambda: measure(asked.policy, asked.runtime, rounds, containers, time.perf_counter), table, asked
    )


if __name__ == "__main__":
    sys.exit(main())
