"""How long a program waits for its first answer: import, `Engine.open`, first call, in a process of its own each time.

python benchmarks/cold_start.py --policy data
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence

import standing
from standing import Machine, Spread

_PROGRAM = """
import json, sys, time
start = time.perf_counter()
from poet_engine import Engine
imported = time.perf_counter()
with Engine.open(sys.argv[1], journal=sys.argv[2], wait=False) as engine:
    opened = time.perf_counter()
    engine.run("def f(x):\\n    return x\\n", "f", 1).unwrap()
    answered = time.perf_counter()
    engine.run("def f(x):\\n    return x + 1\\n", "f", 1).unwrap()
    again = time.perf_counter()
times = (start, imported, opened, answered, again)
print(json.dumps([(after - before) * 1e3 for before, after in zip(times, times[1:])]))
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """Milliseconds of each part. No call runs before the walls were tried, and each is refused when one is down.

    Attributes:
        machine: On what.
        policy: The policy's name.
        import_ms: `from poet_engine import Engine`.
        open_ms: `Engine.open` with `wait=False`.
        first_ms: The first call, which waits for the walls to be tried, with the scan of its source.
        second_ms: A call of another source.
        answer_ms: `Engine.open` and the first call together.
    """

    machine: Machine
    policy: str
    import_ms: Spread
    open_ms: Spread
    first_ms: Spread
    second_ms: Spread
    answer_ms: Spread


def measure(policy: str, starts: int) -> Measurement:
    """Start so many processes, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-c", _PROGRAM, policy, f"{folder}/journal.db"]
        parts = [json.loads(subprocess.run(program, capture_output=True, check=True).stdout) for _ in range(starts)]
    imported, opened, first, second = (Spread.of(list(column)) for column in zip(*parts, strict=True))
    answer = Spread.of([part[1] + part[2] for part in parts])
    return Measurement(Machine.this(), policy, imported, opened, first, second, answer)


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"policy {found.policy} · {found.machine}"
    yield f"{'':28}{'p50':>10}{'worst':>10}"
    for label, times in (
        ("import", found.import_ms),
        ("open", found.open_ms),
        ("first call, walls tried", found.first_ms),
        ("open and first call", found.answer_ms),
        ("a call of another source", found.second_ms),
    ):
        yield f"{label:28}{times.p50:7.1f} ms{times.worst:7.1f} ms"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure how long a program waits for its first answer.")
    parser.add_argument("--policy", default="restricted", help="a preset's name or a file (default: restricted)")
    parser.add_argument("--starts", type=int, default=7, help="processes, one after the other (default: 7)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    return standing.main(lambda: measure(asked.policy, max(2, asked.starts)), table, asked)


if __name__ == "__main__":
    sys.exit(main())
