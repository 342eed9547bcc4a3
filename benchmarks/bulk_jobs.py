"""Many jobs, good and hostile, through `poet run --jobs`, which is killed twice in between and gone on with.

    python benchmarks/bulk_jobs.py --jobs 100000

Makes the file of jobs, starts the command, kills it with SIGKILL at random points, starts it again, and at the end
compares what is in the file of results with what must be: one result for each job, with the status that its code
deserves, and no more memory in the second half of a run than in the first. Exit code 1 when anything is otherwise.
"""

import argparse
import collections
import dataclasses
import json
import random  # noqa: TID251 - chooses where to kill; the seed is printed
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

# The gate only looks on, so that hostile code reaches the walls.
_POLICY = """
name = "bulk"
[static]
mode = "audit"
[limits]
wall = "5s"
cpu = "200ms"
memory = "24MiB"
output = "64KiB"
"""

# name → source of `f`, and how it must end; a bulk user has a few shapes of code and many arguments
_GOOD = {
    "squares": "def f(n):\n    return [k * k for k in range(n % 50)]\n",
    "words": "def f(n):\n    text = 'the quick fox ' * (n % 7)\n    return {w: text.count(w) for w in text.split()}\n",
    "primes": "def f(n):\n    return [k for k in range(2, n % 200) if all(k % d for d in range(2, k))]\n",
    "tuples": "def f(n):\n    return (n, {n}, float('inf'), b'bytes')\n",
    "printing": "def f(n):\n    print('job', n)\n    return n\n",
}
_HOSTILE = {
    "raises": ("def f(n):\n    raise ValueError(n)\n", "error"),
    "broken": ("def f(n:\n", "error"),
    "missing": ("def g(n):\n    return n\n", "error"),
    "leaves": ("import os\ndef f(n):\n    os._exit(0)\n", "no_result"),
    "forks": ("import os\ndef f(n):\n    os.fork()\n", "limit"),
    "connects": ("import socket\ndef f(n):\n    socket.socket()\n", "violation"),
    "crashes": ("import ctypes\ndef f(n):\n    ctypes.string_at(0)\n", "crash"),
    "floods": ("def f(n):\n    print('x' * (1 << 20))\n", "limit"),
    "hoards": ("def f(n):\n    return bytearray(1 << 30)\n", "limit"),
    "opens": ("def f(n):\n    return open('/etc/passwd').read()\n", "error"),
}
_LOOPS = ("def f(n):\n    while True:\n        pass\n", "limit")
_HOSTILE_EVERY, _LOOP_EVERY, _DEEP_EVERY = 20, 1000, 500
_SLACK_MIB = 16.0  # what two moments of a run differ by anyhow, and a short one grows by while it starts
_POLL_S = 0.05


def job(number: int) -> tuple[dict[str, object], str]:
    """One line of the file of jobs, and the status that it must have."""
    name = f"job-{number:07}"
    if number % _LOOP_EVERY == _LOOP_EVERY - 1:
        source, status = _LOOPS
    elif number % _DEEP_EVERY == 0:  # an argument that cannot travel: 150 lists in one another
        deep: list[object] = []
        for _ in range(150):
            deep = [deep]
        return {"id": name, "source": _GOOD["tuples"], "entry": "f", "args": [deep]}, "refused"
    elif number % _HOSTILE_EVERY == 1:
        source, status = list(_HOSTILE.values())[number // _HOSTILE_EVERY % len(_HOSTILE)]
    else:
        source, status = list(_GOOD.values())[number % len(_GOOD)], "ok"
    return {"id": name, "source": source, "entry": "f", "args": [number]}, status


@dataclasses.dataclass(frozen=True, slots=True)
class Leg:
    """One start of the command, to its end or to its kill.

    Attributes:
        results: Lines in the file of results when it ended.
        seconds: How long it ran.
        first_half_mib: The most memory that the process had in the first half of its time.
        second_half_mib: The same of the second half.
        killed: Whether it was killed.
        code: Its exit code.
    """

    results: int
    seconds: float
    first_half_mib: float
    second_half_mib: float
    killed: bool
    code: int


class Counter:
    """Counts the lines of a growing file, each byte of it once."""

    def __init__(self, path: Path) -> None:
        self._path, self._place, self.lines = path, 0, 0

    def look(self) -> int:
        """Lines that are there now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._place)
                while chunk := file.read(1 << 20):
                    self._place += len(chunk)
                    self.lines += chunk.count(b"\n")
        return self.lines


def leg(command: list[str], out: Path, kill_at: int | None) -> Leg:
    """Run the command until it ends or has written so many results."""
    began = time.monotonic()
    counter, samples = Counter(out), list[float]()
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process = psutil.Process(running.pid)
    killed = False
    while running.poll() is None:
        try:
            running.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            samples.append(_memory(process))
        if kill_at is not None and not killed and counter.look() >= kill_at:
            running.kill()
            killed = True
    half = len(samples) // 2
    first, second = max(samples[:half], default=0.0), max(samples[half:], default=0.0)
    return Leg(Counter(out).look(), time.monotonic() - began, first, second, killed, running.returncode)


def _memory(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**20
    except psutil.Error:
        return 0.0


def compare(jobs: int, out: Path) -> tuple[collections.Counter[str], list[str]]:
    """Results by status, and everything in the file of results that should be otherwise."""
    statuses: collections.Counter[str] = collections.Counter()
    wrong: collections.Counter[str] = collections.Counter()
    seen = bytearray(jobs)
    with out.open("rb") as lines:
        for line in lines:
            result = json.loads(line)
            number = int(result["id"].removeprefix("job-"))
            statuses[result["status"]] += 1
            wrong["results that are there twice"] += seen[number]
            seen[number] = 1
            expected = job(number)[1]
            if result["status"] != expected:
                wrong[f"{expected} was {result['status']}/{result['cause']}"] += 1
    wrong["jobs without a result"] += jobs - sum(seen)
    return statuses, [f"{count} x {what}" for what, count in wrong.items() if count]


def measure(jobs: int, kills: int, seed: int, concurrency: int | None) -> dict[str, object]:
    """Make the jobs, run them, kill and go on, compare."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory(prefix="poet-bulk-") as folder:
        here = Path(folder)
        (here / "bulk.toml").write_text(_POLICY, encoding="utf-8")
        with (here / "jobs.jsonl").open("w", encoding="utf-8") as file:
            for number in range(jobs):
                file.write(json.dumps(job(number)[0]) + "\n")
        out = here / "out.jsonl"
        command = [
            *("env", f"POET_HOME={here}", str(Path(sys.executable).with_name("poet")), "run"),
            *("--jobs", str(here / "jobs.jsonl"), "--out", str(out), "--policy", str(here / "bulk.toml")),
            *(() if concurrency is None else ("--concurrency", str(concurrency))),
        ]
        points = sorted(chance.randrange(jobs // 10, jobs * 9 // 10) for _ in range(kills))
        legs = [leg(command, out, point) for point in [*points, None]]
        statuses, problems = compare(jobs, out)
    for number, ended in enumerate(legs, 1):
        if ended.second_half_mib > ended.first_half_mib + _SLACK_MIB:
            problems.append(f"run {number} grew from {ended.first_half_mib:.0f} to {ended.second_half_mib:.0f} MiB")
        if ended.killed != (number <= kills) or (not ended.killed and ended.code != 1):
            problems.append(f"run {number} ended with {ended.code}, {'killed' if ended.killed else 'not killed'}")
    seconds = sum(ended.seconds for ended in legs)
    return {
        "jobs": jobs,
        "seed": seed,
        "runs": [dataclasses.asdict(ended) for ended in legs],
        "statuses": dict(statuses.most_common()),
        "jobs_per_second": round(jobs / seconds, 1),
        "problems": problems,
    }


def main() -> int:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--concurrency", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = measure(options.jobs, options.kills, options.seed, options.concurrency)
    if options.json:
        print(json.dumps(report))
    else:
        _print(report)
    return 1 if report["problems"] else 0


def _print(report: dict[str, object]) -> None:
    print(f"{report['jobs']} jobs, seed {report['seed']}, {report['jobs_per_second']} jobs/s, starts included")
    runs = report["runs"]
    print(f"{'run':>3}  {'results':>8}  {'seconds':>8}  {'MiB, 1st half':>13}  {'2nd half':>8}  ended")
    for number, ended in enumerate(runs if isinstance(runs, list) else [], 1):
        how = "SIGKILL" if ended["killed"] else f"exit {ended['code']}"
        memory = f"{ended['first_half_mib']:>13.1f}  {ended['second_half_mib']:>8.1f}"
        print(f"{number:>3}  {ended['results']:>8}  {ended['seconds']:>8.1f}  {memory}  {how}")
    statuses = report["statuses"]
    for status, count in (statuses if isinstance(statuses, dict) else {}).items():
        print(f"{status:>12}: {count}")
    problems = report["problems"]
    print("\n".join(problems) if isinstance(problems, list) and problems else "every job has one result, as it must be")


if __name__ == "__main__":
    sys.exit(main())
