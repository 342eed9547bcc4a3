"""Thousands of good and hostile calls through one sandbox: what they leave behind must not grow.

    python benchmarks/soak.py --calls 10000

Prints processes, descriptors, cgroups, mounts and the host's memory as the calls go by, and ends with 1 when any of
them has grown between the first tenth and the end, or when a call did not end as it should.
"""

import argparse
import collections
import dataclasses
import json
import sys
import threading
import time
from pathlib import Path

import psutil

from poet_engine.job import Job
from poet_engine.policy import Policy
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
    "return open('/etc/passwd').read()": "error/exception",
    "print('x' * (1 << 20))": "limit/output",
    "return bytearray(1 << 30)": "limit/memory",
    "for n in range(10**6): open(f'/tmp/{n}', 'w').close()": "limit/inodes",
    "raise ValueError": "error/exception",
    "import ctypes\n    ctypes.string_at(0)": "crash/signal:SIGSEGV",
    "while True: pass": "limit/cpu",
}
_LOOPS = 400  # every so many calls, the one that takes its whole budget of time


@dataclasses.dataclass(frozen=True, slots=True)
class Footprint:
    """What the sandbox holds at one moment, as its host sees it."""

    calls: int
    processes: int
    descriptors: int
    threads: int
    cgroups: int
    mounts: int
    rss_mib: float

    @classmethod
    def now(cls, calls: int) -> "Footprint":
        """Count everything."""
        me = psutil.Process()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").count("\n")
        return cls(
            calls=calls,
            processes=len(me.children(recursive=True)),
            descriptors=me.num_fds(),
            threads=threading.active_count(),
            cgroups=sum(1 for _ in Path("/sys/fs/cgroup").glob(f"**/poet-*{me.pid}-*/lane-*")),
            mounts=mounts,
            rss_mib=me.memory_info().rss / 2**20,
        )


def soak(calls: int, *, step: int) -> tuple[list[Footprint], collections.Counter[str]]:
    """Run the calls; footprints at every step, and how often each thing happened that should not have."""
    prints: list[Footprint] = []
    wrong: collections.Counter[str] = collections.Counter()
    hostile = list(_HOSTILE.items())
    with ProcessSandbox(Policy.parse(_POLICY, source="soak")) as sandbox:
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
                prints.append(_settled(sandbox, number))
    return prints, wrong


def _settled(sandbox: ProcessSandbox, calls: int) -> Footprint:
    """The footprint once the keeper has armed every lane again."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        statistics = sandbox.statistics()
        if statistics.ready == statistics.lanes:
            break
    return Footprint.now(calls)


def grown(prints: list[Footprint]) -> list[str]:
    """What is larger at the end than at the first step, beyond what varies between any two moments."""
    first, last = prints[0], prints[-1]
    slack = {"processes": 2, "descriptors": 16, "threads": 1, "cgroups": 8, "mounts": 0, "rss_mib": 8.0}
    return [
        f"{name}: {getattr(first, name):g} -> {getattr(last, name):g}"
        for name, allowed in slack.items()
        if getattr(last, name) > getattr(first, name) + allowed
    ]


def main() -> int:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    prints, wrong = soak(options.calls, step=max(1, options.calls // 10))
    problems = [*grown(prints), *(f"{count} x {what}" for what, count in wrong.items())]
    if options.json:
        print(json.dumps({"footprints": [dataclasses.asdict(print_) for print_ in prints], "problems": problems}))
    else:
        for footprint in prints:
            print(footprint)
        print("flat" if not problems else "; ".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
