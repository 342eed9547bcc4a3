"""Thousands of good and hostile calls through one sandbox: what they leave behind must not grow.

    python benchmarks/soak.py --calls 10000 [--sandbox docker --runtime runsc]

Prints processes, descriptors, cgroups, mounts, shims of containers and the host's memory as the calls go by. It ends
with 1 when any of them has grown between the first tenth and the end, when a call did not end as it should, when
something uses the processor while nobody calls, or when anything is left after the sandbox was closed (leftovers.py).
"""

import argparse
import collections
import dataclasses
import json
import os
import sys
import threading
import time
from pathlib import Path

import psutil

import leftovers
from leftovers import Census
from poet_engine._env import Settings
from poet_engine.dockerd import DEFAULT_HOST
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.docker import DockerSandbox
from poet_engine.sandbox.process import ProcessSandbox

_POLICY = """
name = "soak"
[limits]
wall = "3s"
cpu = "200ms"
memory = "24MiB"
output = "64KiB"
"""

_GOOD = "def f(x):\n    return {'x': x, 'squares': [n * n for n in range(50)]}\n"
# body → how it must end
_HOSTILE = {
    "import os\n    os._exit(0)": "no_result/early_exit",
    "import os\n    os.kill(os.getpid(), 9)": "crash/signal:SIGKILL",
    "import os\n    os.fork()": "limit/tasks",
    "import socket\n    socket.socket()": "violation/network",
    "return open('/etc/shadow').read()": "error/exception",
    "print('x' * (1 << 20))": "limit/output",
    "return bytearray(1 << 30)": "limit/memory",
    "for n in range(10**6): open(f'/tmp/{n}', 'w').close()": "limit/inodes",
    "raise ValueError": "error/exception",
    "import ctypes\n    ctypes.string_at(0)": "crash/signal:SIGSEGV",
    "while True: pass": "limit/cpu",
}
# What ends otherwise with gVisor, which tells nobody of a refused call and counts no inodes (docs/sandboxes.md).
_NOT_IN_GVISOR = ("violation/network", "limit/inodes", "limit/memory", "limit/tasks")
_WINDOW = 0.2  # seconds in which nobody calls
_MOST_BUSY_MS = 20.0  # in them: CPU time is told in hundredths of a second
_MOMENT = 20.0  # seconds that what is closed may take to be gone
_LOOPS = 400  # every so many calls, the one that takes its whole budget of time


@dataclasses.dataclass(frozen=True, slots=True)
class Footprint:
    """What the sandbox holds at one moment, as its host sees it."""

    calls: int
    lanes: int
    processes: int
    descriptors: int
    threads: int
    cgroups: int
    mounts: int
    shims: int
    busy_ms: float
    rss_mib: float

    @classmethod
    def now(cls, calls: int, lanes: int, census: Census) -> "Footprint":
        """Count everything."""
        me = psutil.Process()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").count("\n")
        return cls(
            calls=calls,
            lanes=lanes,
            processes=len(me.children(recursive=True)),
            descriptors=me.num_fds(),
            threads=threading.active_count(),
            cgroups=len(list(leftovers.lane_groups(me.pid))),
            mounts=mounts,
            shims=len(list(leftovers.shims(census.containers))),
            busy_ms=leftovers.busy_seconds(me.pid, _WINDOW, threading.Event().wait) * 1e3,
            rss_mib=me.memory_info().rss / 2**20,
        )


def opened(kind: str, runtime: str) -> Sandbox:
    """The sandbox that is tried."""
    policy = Policy.parse(_POLICY, source="soak")
    if kind == "docker":
        return DockerSandbox(policy, host=Settings.read().docker_host or DEFAULT_HOST, runtime=runtime)
    return ProcessSandbox(policy)


def soak(
    opening: Sandbox, calls: int, *, step: int, census: Census, without: tuple[str, ...] = ()
) -> tuple[list[Footprint], collections.Counter[str]]:
    """Run the calls; footprints at every step, and how often each thing happened that should not have."""
    prints: list[Footprint] = []
    wrong: collections.Counter[str] = collections.Counter()
    hostile = [(body, ends) for body, ends in _HOSTILE.items() if ends not in without]
    with opening as sandbox:
        for number in range(1, calls + 1):
            if number % 4:
                outcome = sandbox.run(Job(source=_GOOD, entry="f", args=(number,)))
                expected = "ok"
            else:
                body, expected = hostile[-1] if number % _LOOPS == 0 else hostile[number // 4 % (len(hostile) - 1)]
                outcome = sandbox.run(Job(source=f"def f():\n    {body}\n", entry="f"))
            said = str(outcome.status) if outcome.cause is None else f"{outcome.status}/{outcome.cause}"
            if said != expected:
                wrong[f"{expected} was {said}"] += 1
            if number % step == 0:
                prints.append(_settled(sandbox, number, census))
    return prints, wrong


def _settled(sandbox: Sandbox, calls: int, census: Census) -> Footprint:
    """The footprint once the keeper has armed every lane again."""
    until, statistics = time.monotonic() + 10, sandbox.statistics()
    while statistics.ready != statistics.lanes and time.monotonic() < until:
        statistics = sandbox.statistics()
    return Footprint.now(calls, statistics.lanes, census)


def grown(prints: list[Footprint]) -> list[str]:
    """What is larger at the end than at the first step with as many lanes, beyond what varies between two moments.

    Each lane or container is a few processes, mounts and descriptors, and each version has a container of its own.
    """
    last = prints[-1]
    first = next(one for one in prints if one.lanes >= last.lanes)
    if first is last and len(prints) > 1:
        return [f"lanes: {prints[-2].lanes} -> {last.lanes}"]
    slack = {"processes": 2, "descriptors": 16, "threads": 1, "cgroups": 8, "mounts": 0, "shims": 2, "rss_mib": 8.0}
    busy = [f"{one.busy_ms:.0f} ms of CPU at {one.calls}" for one in prints if one.busy_ms > _MOST_BUSY_MS]
    return busy + [
        f"{name}: {getattr(first, name):g} -> {getattr(last, name):g}"
        for name, allowed in slack.items()
        if getattr(last, name) > getattr(first, name) + allowed
    ]


def main() -> int:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--sandbox", choices=("process", "docker"), default="process")
    parser.add_argument("--runtime", choices=("runc", "runsc"), default="runc", help="of containers (default: runc)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with leftovers.noting_containers() as made:
        host = Settings.read().docker_host or DEFAULT_HOST
        census = Census(os.getpid(), leftovers.all_mounts(), made, host)
        opening = opened(options.sandbox, options.runtime)
        without = _NOT_IN_GVISOR if options.sandbox == "docker" and options.runtime == "runsc" else ()
        prints, wrong = soak(opening, options.calls, step=max(1, options.calls // 10), census=census, without=without)
        left = leftovers.settled(census.left, _MOMENT)
    problems = [*grown(prints), *(f"{count} x {what}" for what, count in wrong.items()), *left]
    if options.json:
        print(json.dumps({"footprints": [dataclasses.asdict(print_) for print_ in prints], "problems": problems}))
    else:
        for footprint in prints:
            print(footprint)
        print("flat" if not problems else "; ".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
