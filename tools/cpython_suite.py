"""Run the interpreter's own tests in the process sandbox and outside, and write docs/cpython-suite.md from it.

    python tools/cpython_suite.py [--only MODULE ...] [--json] [--write]

Each module of CPython's `test` package runs twice in this interpreter: plainly, and as a script in the sandbox, one
module at a time. A test whose outcome differs needs a reason. Two are observed: one that starts other programs or opens
a network connection outside is not tried inside. The others are in tools/cpython_suite.toml. What has not ended in its
time is killed, and is unexplained. Exit status 1 when something is unexplained.

`--write` keeps the numbers of this version of Python in tools/cpython_suite_results.json, and makes the page from those
of all versions that are there.
"""

import argparse
import collections
import contextlib
import dataclasses
import fnmatch
import functools
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from poet_engine.job import Script
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "cpython-suite.md"
DRIVER = HERE / "cpython_suite_driver.py"
RESULTS = HERE / "cpython_suite_results.json"
VERSION = ".".join(map(str, sys.version_info[:2]))
LOG, SKIPPED = "log.jsonl", "skipped.json"
_SECONDS = 240  # that a run of a module may take
_SECONDS_OF_RESTARTS = 480  # after so long inside, no further run is begun
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

_HEAD = """# CPython's own tests in the sandbox

Modules of the `test` package of CPython, run as scripts in the process sandbox and compared with a run outside, test by
test. A test that differs has a reason, or is unexplained, which is a fault. This page is made by
`python tools/cpython_suite.py --write` in an interpreter of each version; `make test-cpython` runs all modules in its
own, and `make test` six of them."""

Outcomes = Mapping[str, str]


class ModuleNumbers(TypedDict):
    """What is kept of the results of a module."""

    tests: int
    same: int
    reasons: dict[str, int]
    unexplained: int


class VersionNumbers(TypedDict):
    """What is kept of the results of a version of Python."""

    python: str
    modules: dict[str, ModuleNumbers]


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
    only = data["only"].get(VERSION, {})
    expected = {reason: (*data["expected"].get(reason, ()), *only.get(reason, ())) for reason in data["reasons"]}
    return Suite(tuple(data["modules"]), tuple(data["sample"]), data["reasons"], expected)


def present(modules: Iterable[str]) -> list[str]:
    """Return those of the modules that this version of Python has."""
    return [module for module in modules if importlib.util.find_spec(f"test.{module}") is not None]


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
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder, SKIPPED).write_text("[]", encoding="utf-8")
        quiet = subprocess.DEVNULL
        run = subprocess.Popen(
            [sys.executable, str(DRIVER), module],
            cwd=folder,
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            start_new_session=True,
        )
        ended = True
        try:
            run.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            ended = False
        finally:
            _kill_group(run)
        log = Path(folder, LOG)
        outcomes, observed = _read(log.read_text(encoding="utf-8") if log.exists() else "")
        if not ended:
            outcomes[f"run of {module}"] = f"killed outside after {_SECONDS} s"
        return outcomes, observed


def _kill_group(run: "subprocess.Popen[bytes]") -> None:
    """Kill a run with all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def _inside(module: str, left_out: Iterable[str], sandbox: ProcessSandbox) -> Outcomes:
    """Return the outcomes in the sandbox. A test that ends the run has that for its outcome; the rest runs again."""
    source, done = DRIVER.read_text(encoding="utf-8"), dict[str, str]()
    until = time.monotonic() + _SECONDS_OF_RESTARTS
    for _ in range(_MOST_RESTARTS):
        if time.monotonic() > until:
            done[f"run of {module}"] = f"given up inside after {_SECONDS_OF_RESTARTS} s"
            break
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


def _read(log: str) -> tuple[dict[str, str], dict[str, str]]:
    outcomes: dict[str, str] = {}
    observed: dict[str, str] = {}
    for line in log.splitlines():
        entry = json.loads(line)
        outcomes[entry["test"]] = entry["outcome"]
        if entry["observed"]:
            observed[entry["test"]] = entry["observed"]
    return outcomes, observed


def numbers(results: Iterable[Compared]) -> VersionNumbers:
    """Return what is kept of the results of one version of Python: numbers, and the reasons of those that differ."""
    modules = dict[str, ModuleNumbers]()
    for result in results:
        reasons = collections.Counter(result.explained.values())
        modules[result.module] = {
            "tests": result.tests,
            "same": result.same,
            "reasons": dict(sorted(reasons.items())),
            "unexplained": len(result.unexplained),
        }
    return {"python": sys.version.split()[0], "modules": modules}


def kept() -> dict[str, VersionNumbers]:
    """Return the numbers of all versions of Python that the suite has been run with."""
    found: dict[str, VersionNumbers] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return dict(sorted(found.items()))


def page(versions: Mapping[str, VersionNumbers]) -> str:
    """Return docs/cpython-suite.md for the numbers of some versions."""
    names = list(versions)
    used = {name: collections.Counter[str]() for name in names}
    for name in names:
        for module in versions[name]["modules"].values():
            used[name].update(module["reasons"])
    titles = " | ".join(names)
    lines = [_HEAD, "", "| version | modules | tests outside | the same inside | differ with reason | unexplained |"]
    lines += ["|---|---|---|---|---|---|", *(_sums(versions[name]) for name in names), ""]
    lines += [f"| reason | {titles} | meaning |", "|---" * (len(names) + 2) + "|"]
    for reason, text in suite().reasons.items():
        if any(used[name][reason] for name in names):
            counts = " | ".join(str(used[name][reason]) for name in names)
            lines.append(f"| {reason} | {counts} | {text} |")
    lines += [
        "",
        "Of each module and version: tests the same of all tests, and how many are unexplained, if any are.",
        "",
    ]
    lines += [f"| module | {titles} |", "|---" * (len(names) + 1) + "|"]
    for title in suite().modules:
        cells = " | ".join(_cell(versions[name]["modules"].get(title)) for name in names)
        lines.append(f"| {title} | {cells} |")
    return "\n".join([*lines, ""])


def _sums(version: VersionNumbers) -> str:
    modules = version["modules"].values()
    tests, same = sum(module["tests"] for module in modules), sum(module["same"] for module in modules)
    unexplained = sum(module["unexplained"] for module in modules)
    differ = sum(sum(module["reasons"].values()) for module in modules)
    return f"| {version['python']} | {len(modules)} | {tests} | {same} | {differ} | {unexplained} |"


def _cell(module: ModuleNumbers | None) -> str:
    if module is None:
        return "not there"
    unexplained = f", {module['unexplained']} unexplained" if module["unexplained"] else ""
    return f"{module['same']} of {module['tests']}{unexplained}"


def _run(modules: Sequence[str], *, as_json: bool) -> list[Compared]:
    """Run the modules, one at a time, and tell of each; on a terminal also which one runs."""
    results, shows = [], sys.stderr.isatty()
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # as in the background, where the runs outside would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with opened() as sandbox:
        for number, module in enumerate(modules, 1):
            if shows:
                print(f"\r\x1b[K[{number}/{len(modules)}] {module} ", end="", file=sys.stderr, flush=True)
            results.append(result := compare(module, sandbox))
            if shows:
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            if as_json:
                print(json.dumps(dataclasses.asdict(result)), flush=True)
                continue
            print(f"{module:<28}{result.same:>5} of {result.tests} the same", flush=True)
            for test, text in result.unexplained.items():
                print(f"    {test}: {text}", flush=True)
    return results


def main() -> int:
    """Run the modules, print what is unexplained, and return the exit status."""
    parser = argparse.ArgumentParser(description="Compare CPython's own tests in the sandbox with a run outside.")
    parser.add_argument("--only", nargs="+", default=None, metavar="MODULE")
    parser.add_argument("--json", action="store_true", help="print one JSON object a module")
    parser.add_argument("--write", action="store_true", help="keep the numbers and write docs/cpython-suite.md anew")
    options = parser.parse_args()
    results = _run(present(options.only or suite().modules), as_json=options.json)
    if options.write:
        versions = kept()
        ran = numbers(results)
        if options.only and VERSION in versions:  # the other modules keep theirs
            ran["modules"] = versions[VERSION]["modules"] | ran["modules"]
        versions[VERSION] = ran
        RESULTS.write_text(json.dumps(dict(sorted(versions.items())), indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(page(kept()), encoding="utf-8")
    gone = mended(results)
    for pattern in gone:
        text = f"no longer differs, take it out of tools/cpython_suite.toml: {pattern}"
        print(text, file=sys.stderr if options.json else sys.stdout)
    return int(bool(gone) or any(result.unexplained for result in results))


def opened() -> ProcessSandbox:
    """Return a sandbox under the policy of the suite."""
    return ProcessSandbox(_POLICY)


if __name__ == "__main__":
    sys.exit(main())
