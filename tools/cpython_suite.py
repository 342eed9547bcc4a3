"""Run the interpreter's own tests in the process sandbox and outside, and write docs/cpython-suite.md from it.

    python tools/cpython_suite.py [--only MODULE ...] [--write]

Each module of CPython's `test` package runs twice in this interpreter: plainly, and as a script in the sandbox. A test
whose outcome differs needs a reason. Two are observed: one that starts other programs or opens a network connection
outside is not tried inside. The others are in tools/cpython_suite.toml. Exit status 1 when something is unexplained.
"""

import argparse
import collections
import dataclasses
import fnmatch
import functools
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from poet_engine.job import Script
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "cpython-suite.md"
DRIVER = HERE / "cpython_suite_driver.py"
LOG, SKIPPED = "log.jsonl", "skipped.json"
_SECONDS = 240  # that a module may take
_MOST_RESTARTS = 100  # a test that ends its run is left out of the next one
_POLICY = Policy.parse(f"""
name = "cpython-suite"
extends = "restricted"
[static]
mode = "warn"
[limits]
wall = "{_SECONDS}s"
cpu = "{_SECONDS}s"
memory = "2GiB"
processes = 16
threads = 256
open_files = 1024
disk = "256MiB"
inodes = 8192
output = "16MiB"
result = "64MiB"
""")

Outcomes = Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Suite:
    """The data file: modules, a sample of them, the texts of reasons, and which tests differ for which of them."""

    modules: tuple[str, ...]
    sample: tuple[str, ...]
    reasons: Mapping[str, str]
    expected: Mapping[str, tuple[str, ...]]

    def reason(self, test: str) -> str | None:
        """Return the name of the reason for which a test may differ; None where there is none."""
        for reason, patterns in self.expected.items():
            if any(fnmatch.fnmatchcase(test, pattern) for pattern in patterns):
                return reason
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """A module of tests, outside and inside: how many are the same, and what the others differ in."""

    module: str
    tests: int
    same: int
    explained: Mapping[str, str]
    unexplained: Mapping[str, str]


@functools.cache
def suite() -> Suite:
    """Read the data file."""
    data = tomllib.loads((HERE / "cpython_suite.toml").read_text(encoding="utf-8"))
    expected = {reason: tuple(patterns) for reason, patterns in data["expected"].items()}
    return Suite(tuple(data["modules"]), tuple(data["sample"]), data["reasons"], expected)


def compare(module: str, sandbox: ProcessSandbox) -> Compared:
    """Run one module outside and inside."""
    outside, observed = _outside(module)
    inside = _inside(module, sorted(observed), sandbox)
    differ = {
        test: f"{outcome}, inside {inside.get(test, 'not run')}"
        for test, outcome in outside.items()
        if test not in observed and inside.get(test, "not run") != outcome
    }
    if (ended := f"import of {module}") in inside:  # one fault, not one for each of its tests
        differ = {test: text for test, text in differ.items() if not text.endswith("not run")}
        differ[ended] = inside[ended]
    differ |= {test: f"not run, inside {outcome}" for test, outcome in inside.items() if test not in outside}
    reasons = {test: reason for test in differ if (reason := suite().reason(test)) is not None}
    # what the machine outside kept a test from doing is no loss inside
    reasons |= {test: "more" for test in differ if (outside.get(test), inside.get(test)) == ("skipped", "ok")}
    unexplained = {test: text for test, text in differ.items() if test not in reasons}
    same = sum(test not in observed and inside.get(test) == outcome for test, outcome in outside.items())
    return Compared(module, len(outside), same, {**observed, **reasons}, unexplained)


def mended(results: Iterable[Compared]) -> list[str]:
    """Return the entries of the data file that say `pending` of tests that no longer differ."""
    ran, differing = set[str](), set[str]()
    for result in results:
        ran.add(result.module)
        differing |= result.explained.keys() | result.unexplained.keys()
    return [
        pattern
        for pattern in suite().expected["pending"]
        if (pattern.split(".")[1] if "." in pattern else pattern.split()[-1]) in ran
        and not fnmatch.filter(differing, pattern)
    ]


def _outside(module: str) -> tuple[Outcomes, Mapping[str, str]]:
    """Return the outcomes of a plain run, and the tests that do what no sandbox lets them do."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, SKIPPED).write_text("[]", encoding="utf-8")
        command = [sys.executable, str(DRIVER), module]
        subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
        return _read(Path(folder, LOG).read_text(encoding="utf-8"))


def _inside(module: str, left_out: Iterable[str], sandbox: ProcessSandbox) -> Outcomes:
    """Return the outcomes in the sandbox. A test that ends the run has that for its outcome; the rest runs again."""
    source, done = DRIVER.read_text(encoding="utf-8"), dict[str, str]()
    for _ in range(_MOST_RESTARTS):
        files = {SKIPPED: json.dumps([*left_out, *done]).encode()}
        outcome = sandbox.run_script(Script(source=source, argv=[module], files_in=files, files_out=[LOG]))
        found, _ = _read(outcome.files.get(LOG, b"").decode())
        ended = f"{outcome.status}/{outcome.cause}"
        done |= {test: text if text != "begun" else f"the end of the run, {ended}" for test, text in found.items()}
        if "begun" not in found.values():
            if not outcome.ok:
                done[f"import of {module}"] = f"the end of the run, {ended}"
            break
    return done


def _read(log: str) -> tuple[Outcomes, Mapping[str, str]]:
    outcomes: dict[str, str] = {}
    observed: dict[str, str] = {}
    for line in log.splitlines():
        entry = json.loads(line)
        outcomes[entry["test"]] = entry["outcome"]
        if entry["observed"]:
            observed[entry["test"]] = entry["observed"]
    return outcomes, observed


def page(results: Iterable[Compared]) -> str:
    """Return docs/cpython-suite.md for these results."""
    rows, used = [], collections.Counter[str]()
    for result in results:
        used.update(result.explained.values())
        differ, unexplained = len(result.explained), len(result.unexplained)
        # where a run ends early, as one whose import ends it, the end is what differs
        not_run = max(0, result.tests - result.same - differ - unexplained)
        numbers = (result.tests, result.same, differ, not_run, unexplained)
        rows.append(f"| {result.module} | {' | '.join(map(str, numbers))} |")
    version = ".".join(map(str, sys.version_info[:2]))
    reasons = [f"| {name} | {used[name]} | {text} |" for name, text in suite().reasons.items() if used[name]]
    head = f"""# CPython's own tests in the sandbox

The `test` package of Python {version}, {len(rows)} modules of it, run as scripts in the process sandbox and compared
with a run outside, test by test. A test that differs has a reason, or is unexplained, which is a fault. This page is
made by `python tools/cpython_suite.py --write`; `make test-cpython` runs all modules, and `make test` six of them."""
    lines = [head, "", "| reason | tests | meaning |", "|---|---|---|", *reasons, ""]
    return "\n".join(
        [
            *lines,
            "| module | tests | same | differ with reason | not run for it | unexplained |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> int:
    """Run the modules, print what is unexplained, and return the exit status."""
    parser = argparse.ArgumentParser(description="Compare CPython's own tests in the sandbox with a run outside.")
    parser.add_argument("--only", nargs="+", default=None, metavar="MODULE")
    parser.add_argument("--write", action="store_true", help="write docs/cpython-suite.md anew")
    options = parser.parse_args()
    modules = options.only or suite().modules
    with ProcessSandbox(_POLICY) as sandbox, ThreadPoolExecutor(2) as pool:
        results = []
        for result in pool.map(lambda module: compare(module, sandbox), modules):
            results.append(result)
            print(f"{result.module:<28}{result.same:>5} of {result.tests} the same", flush=True)
            for test, text in result.unexplained.items():
                print(f"    {test}: {text}", flush=True)
    if options.write:
        PAGE.write_text(page(results), encoding="utf-8")
    gone = mended(results)
    for pattern in gone:
        print(f"no longer differs, take it out of tools/cpython_suite.toml: {pattern}")
    return int(bool(gone) or any(result.unexplained for result in results))


def opened() -> ProcessSandbox:
    """Return a sandbox under the policy of the suite."""
    return ProcessSandbox(_POLICY)


if __name__ == "__main__":
    sys.exit(main())
