"""How long a scan takes, the allow-list alone and with bandit, and how long hostile sources take to be turned down.

What a caller of a warm gate waits: the source goes to the worker, is scanned there, and the report comes back. The part
of the allow-list is measured in this process, with the same sources. Beside the times stands the CPU time, which a busy
machine stretches less. Usage: `python benchmarks/gate.py [--scans 200] [--json]`.
"""

import argparse
import ast
import dataclasses
import gc
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Concatenate, ParamSpec

import standing
from poet_engine.gate import Gate
from poet_engine.gate.ruleset import Allowance, Caps, Ruleset
from poet_engine.gate.scan import scan
from poet_engine.policy import Policy
from standing import Machine, Spread

# 98 lines of the kind that models write: classes, loops, comprehensions, text, a little mathematics.
_MODULE = '''
import heapq
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(order=True)
class Task:
    """One thing to do."""

    priority: int
    name: str = field(compare=False)
    needs: list[str] = field(default_factory=list, compare=False)

    def describe(self) -> str:
        return f"{self.name} ({self.priority})" + (f" after {', '.join(self.needs)}" if self.needs else "")


class Planner:
    def __init__(self, tasks):
        self._tasks = {task.name: task for task in tasks}
        self._followers = defaultdict(list)
        self._waiting = Counter()
        for task in tasks:
            for need in task.needs:
                if need not in self._tasks:
                    raise ValueError(f"{task.name} needs {need}, which nobody does")
                self._followers[need].append(task.name)
                self._waiting[task.name] += 1

    def __len__(self):
        return len(self._tasks)

    def order(self) -> list[str]:
        ready = [task for name, task in self._tasks.items() if not self._waiting[name]]
        heapq.heapify(ready)
        waiting, done = Counter(self._waiting), []
        while ready:
            task = heapq.heappop(ready)
            done.append(task.name)
            for follower in self._followers[task.name]:
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    heapq.heappush(ready, self._tasks[follower])
        if len(done) != len(self._tasks):
            raise ValueError("tasks wait for each other: " + ", ".join(sorted(set(self._tasks) - set(done))))
        return done


@lru_cache(maxsize=None)
def distance(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return distance(a[1:], b[1:])
    return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))


def nearest(word, words, limit=3):
    scored = sorted((distance(word.lower(), other.lower()), other) for other in words)
    return [other for score, other in scored if score <= limit]


def summary(values):
    numbers = [float(value) for value in values if value is not None and not math.isnan(float(value))]
    if not numbers:
        return {"count": 0, "mean": None, "deviation": None, "low": None, "high": None}
    mean = math.fsum(numbers) / len(numbers)
    spread = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / max(1, len(numbers) - 1))
    return {
        "count": len(numbers),
        "mean": round(mean, 6),
        "deviation": round(spread, 6),
        "low": min(numbers),
        "high": max(numbers),
    }


def table(rows, columns):
    widths = {name: max([len(name), *(len(str(row.get(name, ""))) for row in rows)]) for name in columns}
    lines = [" | ".join(name.ljust(widths[name]) for name in columns)]
    lines.append("-+-".join("-" * widths[name] for name in columns))
    for row in rows:
        lines.append(" | ".join(str(row.get(name, "")).ljust(widths[name]) for name in columns))
    return "\\n".join(lines)


if __name__ == "__main__":
    plan = Planner([Task(2, "eat", ["cook"]), Task(1, "cook", ["shop"]), Task(3, "shop")])
    print(plan.order(), nearest("appel", ["apple", "pear"]), summary([1, 2, 3.5, None]))
    for task in ("eat", "cook"):
        print(table([{"task": task, "first": plan.order()[0]}], ["task", "first"]))
'''
_BOMBS: Mapping[str, str] = {
    "1 MB of operators": "x=" + "1+" * 524_288 + "1",
    "250 kB of operators": "x=" + "1+" * 125_000 + "1",
    "250 kB of minus signs": "x=" + "-" * 250_000 + "1",
    "250 kB of commas": "x=(" + "1," * 125_000 + ")",
    "250 kB of f-string fields": "x=f'" + "{x!r:{y}}" * 27_000 + "'",
    "250 kB of statements": "x;" * 125_000,
    "150 f-strings in each other": "x=" + 'f"{' * 149 + "1" + '}"' * 149,
    "open brackets": "x=" + "(" * 250_000,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and on what. Times are in milliseconds.

    Attributes:
        machine: On what.
        lines: Of the module that is scanned.
        allow_list_ms: Parsing and every rule of the allow-list, in this process.
        parse_cpu_ms: Median CPU time of parsing alone.
        allow_list_cpu_ms: The same of parsing and the allow-list.
        scan_cpu_ms: Mean CPU time that the worker took for a scan.
        scan_ms: Everything, as a caller of a warm gate sees it.
        cached_ms: The same source again.
        start_ms: From nothing to the first report.
        bomb_ms: Hostile source → until it was turned down.
        restart_ms: The slowest first scan after a bomb that ended its worker.
    """

    machine: Machine
    lines: int
    allow_list_ms: Spread
    parse_cpu_ms: float
    allow_list_cpu_ms: float
    scan_cpu_ms: float
    scan_ms: Spread
    cached_ms: Spread
    start_ms: float
    bomb_ms: dict[str, float]
    restart_ms: float


def measure(scans: int, clock: Callable[[], float]) -> Measurement:
    """Time `scans` scans of each kind."""
    policy = Policy.load("restricted")
    began = clock()
    with Gate() as gate:
        _clean(gate, policy, "x = 1")
        start_ms = (clock() - began) * 1e3
        for number in range(10):  # not counted: the worker's code is specialised while it runs
            _clean(gate, policy, _numbered(-number))
        cpu = _children_seconds()
        taken = [_timed(clock, _clean, gate, policy, _numbered(number)) for number in range(1, scans + 1)]
        scan_cpu_ms = (_children_seconds() - cpu) / scans * 1e3
        again = [_timed(clock, _clean, gate, policy, _numbered(number)) for number in range(1, scans + 1)]
        bombs: dict[str, float] = {}
        restarts = []
        for name, source in _BOMBS.items():
            bombs[name] = _timed(clock, gate.scan, source, policy)
            restarts.append(_timed(clock, _clean, gate, policy, f"x = {name!r}"))
    rules = _rules(policy)
    return Measurement(
        machine=Machine.this(),
        lines=_MODULE.strip().count("\n") + 1,
        allow_list_ms=Spread.of(_alone(clock, scans, scan, rules, _nothing)),
        parse_cpu_ms=Spread.of(_alone(time.process_time, scans, ast.parse)).p50,
        allow_list_cpu_ms=Spread.of(_alone(time.process_time, scans, scan, rules, _nothing)).p50,
        scan_cpu_ms=scan_cpu_ms,
        scan_ms=Spread.of(taken),
        cached_ms=Spread.of(again),
        start_ms=start_ms,
        bomb_ms=bombs,
        restart_ms=max(restarts),
    )


def _children_seconds() -> float:
    return standing.cpu_seconds() - time.process_time()


def _numbered(number: int) -> str:
    """The module, new to the gate each time."""
    return f"{_MODULE}\nNUMBER = {number}\n"


_P = ParamSpec("_P")


def _timed(clock: Callable[[], float], work: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> float:
    began = clock()
    work(*args, **kwargs)
    return (clock() - began) * 1e3


def _clean(gate: Gate, policy: Policy, source: str) -> None:
    report = gate.scan(source, policy)
    if report.cause is not None:
        raise RuntimeError(f"the module was rejected: {report.findings[0].message}")


def _rules(policy: Policy) -> Ruleset:
    static = policy.static
    return Ruleset(
        Allowance(static.imports),
        Caps(static.max_bytes, static.max_lines, static.max_nodes, static.max_depth),
        static.bandit_severity,
        static.bandit_confidence,
        policy.limits.memory,
    )


def _nothing(*_: object) -> None:
    """Stands where bandit would."""


def _alone(
    clock: Callable[[], float],
    times: int,
    work: Callable[Concatenate[str, _P], object],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> list[float]:
    """What `work(source, *args)` takes in this process; the collector runs in between, as it does in the worker."""
    taken = []
    gc.disable()
    try:
        for number in range(times):
            taken.append(_timed(clock, work, _numbered(number), *args, **kwargs))
            gc.collect()
    finally:
        gc.enable()
    return taken


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"a module of {found.lines} lines · {found.machine}"
    yield f"{'':30}{'p50':>9}{'p95':>9}{'p99':>9}{'worst':>9}"
    for label, times in (
        ("allow-list, parsing included", found.allow_list_ms),
        ("whole scan, warm worker", found.scan_ms),
        ("the same source again", found.cached_ms),
    ):
        yield f"{label:30}{times.p50:6.2f} ms{times.p95:6.2f} ms{times.p99:6.2f} ms{times.worst:6.1f} ms"
    yield f"{'CPU time of a scan':30}{found.scan_cpu_ms:6.2f} ms in the worker"
    yield f"{'  of the allow-list':30}{found.allow_list_cpu_ms:6.2f} ms, {found.parse_cpu_ms:.2f} ms of it for parsing"
    yield f"{'first report of a new gate':30}{found.start_ms:6.0f} ms"
    yield "hostile sources, until they are turned down:"
    for name, taken in found.bomb_ms.items():
        yield f"  {name:28}{taken:6.0f} ms"
    yield f"{'a scan right after those':30}{found.restart_ms:6.0f} ms at most"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure the gate: scans, kept reports, hostile sources.")
    parser.add_argument("--scans", type=int, default=200, help="timed scans of each kind (default: 200)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    return standing.main(lambda: measure(max(2, asked.scans), time.perf_counter), table, asked)


if __name__ == "__main__":
    sys.exit(main())
