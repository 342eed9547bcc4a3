"""bandit inside the worker: the shortened walk finds what bandit itself finds, and a crash is a finding."""

import ast
import dataclasses
import io
import subprocess
import sys
import warnings
from collections.abc import Callable

import pytest

from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance, Caps, Ruleset
from poet_engine.gate.scan import scan
from poet_engine.outcome import Finding, Severity

Scan = Callable[[str, str], tuple[tuple[Finding, ...], str | None]]

EVERYTHING = Ruleset(Allowance({}), Caps(2**20, 10_000, 100_000, 100), Severity.LOW, Severity.LOW, 2**30)
REACHING_OUT = dataclasses.replace(EVERYTHING, allowance=Allowance({"os": ["*"], "socket": ["*"], "sqlite3": ["*"]}))

SAMPLES = [
    "import pickle, subprocess as sp\nfrom os import system\nsp.Popen('x', shell=True)\nsystem('y')",
    "import hashlib\nclass A:\n    def f(a, password='x'):\n        assert password\n        hashlib.md5(b'')",
    "try:\n    pass\nexcept Exception:\n    pass\nfor i in x:\n    try:\n        y\n    except E:\n        continue",
    "def f(u):\n    q = 'SELECT a FROM t WHERE b = %s' % u\n    return '/tmp/x', '0.0.0.0', f'DELETE FROM {u}'",
    "import random, tempfile, yaml\nyaml.load(x)\ntempfile.mktemp()\nrandom.random()\nexec('1')\neval(y)\n",
    "import requests\nrequests.get('https://x', verify=False)\ntoken = 'abc'\nd = {'password': 'secret'}\ntoken == 'y'",
    "async def f():\n    with open('/tmp/a') as h:\n        return [eval(x) for x in h if x == b'\\x00']\n",
]


def _stock(text: str) -> list[tuple[str, int, int]]:
    """What bandit's own walk finds, nosec ignored."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        from bandit.core import config, meta_ast, metrics, node_visitor, test_set  # noqa: PLC0415 - loading it warns

        checks = test_set.BanditTestSet(config.BanditConfig(), {})
        data = io.BytesIO(text.encode())
        visitor = node_visitor.BanditNodeVisitor(
            "generated.py", data, meta_ast.BanditMetaAst(), checks, False, {}, metrics.Metrics()
        )
        visitor.process(text)
    return sorted((one.test_id, one.lineno, one.col_offset) for one in visitor.tester.results)


@pytest.mark.parametrize("text", SAMPLES)
def test_our_walk_finds_what_bandit_finds(scan_with: Scan, text: str) -> None:
    from poet_engine.gate.bandit_scan import BanditScan  # noqa: PLC0415 - `scan_with` has loaded it, warnings aside

    found, _ = scan(text, REACHING_OUT, BanditScan().check)
    ours = sorted({(one.rule, one.line, one.column) for one in found if one.scanner == "bandit"})
    stock = sorted(set(_stock(text)))
    assert stock
    assert ours == stock
    assert scan_with(text, "data")[1] is not None or text.startswith(("try", "def f(u)"))


@pytest.mark.parametrize("text", ["DEFAULT = '0.0.0.0'", "PATH = '/tmp/x'"])
def test_a_text_alone_rejects_only_where_something_could_use_it(scan_with: Scan, text: str) -> None:
    """An address and a path are texts like others, unless the policy lists what listens there or writes to it."""
    from poet_engine.gate.bandit_scan import BanditScan  # noqa: PLC0415 - `scan_with` has loaded it, warnings aside

    assert scan_with(text, "restricted") == ((), None)
    assert scan(text, REACHING_OUT, BanditScan().check)[1] == "scan_bandit"


def test_a_crash_of_the_second_scanner_is_a_finding_and_a_rejection(scan_with: Scan) -> None:
    """Both ways: an exception that leaves bandit, and one that bandit swallows and logs."""
    assert scan_with("x = 1", "restricted")[1] is None
    from poet_engine.gate import bandit_scan  # noqa: PLC0415 - `scan_with` has loaded it, warnings aside

    second = bandit_scan.BanditScan()

    def broken_check(_: object) -> None:
        raise RuntimeError("a check is broken")

    broken_check._test_id = "B999"  # type: ignore[attr-defined]  # how bandit knows its checks
    second._checks.tests.setdefault("Call", []).append(broken_check)
    findings, cause = scan("print(1)", EVERYTHING, second.check)
    assert cause == "scan_bandit"
    assert "POET150" in {one.rule for one in findings}

    second._checks.tests["Call"] = 3
    findings, cause = scan("print(1)", EVERYTHING, second.check)
    assert cause == "scan_bandit"
    assert [one.rule for one in findings] == ["POET150"]
    assert "TypeError" in findings[0].message


def test_a_scan_without_a_second_scanner_still_has_the_first() -> None:
    def nothing(tree: ast.Module, text: str, rules: Ruleset, reporter: Reporter) -> None:
        assert (len(tree.body), text, rules, reporter.cause) == (1, "import os", EVERYTHING, "scan_ast")

    findings, cause = scan("import os", EVERYTHING, nothing)
    assert ([one.rule for one in findings], cause) == (["POET110"], "scan_ast")


def test_the_scanner_is_loaded_without_what_only_its_command_shows() -> None:
    """In a process of its own; whoever wants rich after that gets rich."""
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); import poet_engine.gate.worker;"
        "assert 'rich' not in sys.modules; import rich.progress; rich.progress.track"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "rule", "modules"),
    [
        ("def extra(a, b):\n    return a\ndef f(x):\n    return extra(x, x)", "B610", {"django": ["*"]}),
        ("def f(u, log):\n    log.execute(f'select a from b where c = {u}')", "B608", {"sqlite3": ["*"]}),
        ("def f(u, log):\n    log.execute(f'select a from b where c = {u}')", "B608", {"pandas": ["read_sql"]}),
        ("def f(u, log):\n    log.execute(f'select a from b where c = {u}')", "B608", {"a_new_driver": ["*"]}),
        ("def chmod(a, b):\n    return a\ndef f(x):\n    return chmod(x, 0o777)", "B103", {"os": ["*"]}),
        ("def f(run, x):\n    return run(x, shell=True)", "B604", {"subprocess": ["run"]}),
        ("def f(requests, x):\n    return requests.get(x)", "B113", {"requests": ["get"]}),
    ],
)
def test_an_issue_about_a_library_needs_the_library(text: str, rule: str, modules: dict[str, list[str]]) -> None:
    """It stands where the policy lists the library or one that nobody knows, and where the source imports it anyway."""
    from poet_engine.gate.bandit_scan import BanditScan  # noqa: PLC0415 - `scan_with` has loaded it, warnings aside

    def rules_found(source: str, listed: dict[str, list[str]]) -> set[str]:
        rules = dataclasses.replace(EVERYTHING, allowance=Allowance({"math": ["*"], **listed}))
        return {one.rule for one in scan(source, rules, BanditScan().check)[0]}

    assert rule not in rules_found(text, {})
    assert rule in rules_found(text, modules)
    assert rule in rules_found(f"import {next(iter(modules))}\n{text}", {}) or modules.get("pandas")


def test_every_check_of_bandit_is_about_a_library_or_the_language() -> None:
    """What a new version of bandit brings is looked at before it counts as either."""
    from bandit.core import config, extension_loader, test_set  # noqa: PLC0415 - loading it warns

    from poet_engine.gate.bandit_libraries import CHECKS  # noqa: PLC0415 - with the others

    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        tests = test_set.BanditTestSet(config.BanditConfig(), {}).tests
    found = {test._test_id for kind in tests.values() for test in kind}
    found |= {entry["id"] for entries in extension_loader.MANAGER.blacklist.values() for entry in entries}
    language = {"B001", "B101", "B102", "B105", "B106", "B107", "B110", "B112", "B307", "B613"}
    imports = {rule for rule in found if rule.startswith("B4")}  # an import statement is about its module
    assert found - language - imports == CHECKS.keys()
