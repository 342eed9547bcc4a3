"""Sources made to hurt whoever parses them: each is answered with a rejection, and the next source is scanned.

No clock is read here: the kernel ends a worker by its processor time, and `benchmarks/gate.py` prints how long answers
take. What a worker may hold is asserted, from the kernel's own count.
"""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from poet_engine.gate import Gate, frames
from poet_engine.gate.worker_client import SECOND
from poet_engine.policy import Policy

RESTRICTED = Policy.load("restricted")
CLEAN = "def f(x: int) -> int:\n    return x + 1\n"
SIZE = 250_000  # just under the cap of the default policy, so that the parser sees it
MEMORY = 256 * 2**20


def _fill(unit: str, tail: str = "", head: str = "", size: int = SIZE) -> str:
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


def _nest(head: str, left: str, middle: str, right: str, times: int) -> str:
    return head + left * times + middle + right * times


def _indented(line: str, last: str, levels: int) -> str:
    return "".join(" " * level + line + "\n" for level in range(levels)) + " " * levels + last + "\n"


HOSTILE: dict[str, str] = {
    "operators": _fill("1+", "1", "x="),
    "powers": _fill("1**", "1", "x="),
    "matrix products": _fill("a@", "a", "x="),
    "comparisons": _fill("1<", "1", "x="),
    "minus signs": _fill("-", "a", "x="),
    "tildes": _fill("~", "a", "x="),
    "nots": _fill("not ", "a", "x="),
    "attributes": _fill(".a", "", "x"),
    "calls": _fill("()", "", "x"),
    "subscripts": _fill("[0]", "", "x"),
    "lambdas": _fill("lambda:", "0", "x="),
    "conditionals": _fill("1 if x else ", "1", "x="),
    "awaits": _fill("await ", "x\n", "async def f():\n "),
    "yields": _nest("def f():\n x=", "(yield ", "1", ")", 190),
    "decorators": _fill("@a\n", "def f(): pass\n"),
    "comprehension of many loops": _fill(" for a in b", "]", "[1"),
    "comprehensions in comprehensions": _nest("x=", "[", "1", " for a in b]", 90),
    "match of many cases": _fill("  case 1: pass\n", "", "match x:\n"),
    "match of one long pattern": _fill("1|", "1: pass\n", "match x:\n case "),
    "match of nested patterns": _nest("match x:\n case ", "[", "", "]", 150) + ": pass\n",
    "f-strings in f-strings": _nest("x=", 'f"{', "1", '}"', 149),
    "f-string of many fields": _fill("{x!r:{y}}", "'", "x=f'"),
    "f-string formats in formats": _nest("x=f'", "{x:", "", "}", SIZE // 8) + "'",
    "f-string of brackets": _nest("x=f'{", "(", "", ")", 1000) + "}'",
    "f-string that never ends": _fill("{(", "", "x=f'"),
    "format fields in fields": _nest("x='", "{a:", "", "}", SIZE // 8) + "'.format(1)",
    "format of braces": _fill("{", "'.format(1)", "x='"),
    "constant folding by shifts": _fill("(1<<9**9)+", "1", "x="),
    "constant folding by powers": "x=9**9**9**9**9",
    "constant folding by tuples": "x=((1,)*999999999,)*999999999\ny=[0]*10**12",
    "a giant tuple": _fill("1,", ")", "x=("),
    "a giant dictionary": _fill("1:1,", "}", "x={"),
    "dictionaries unpacked": _fill("**a,", "}", "x={"),
    "a giant call": _fill("a=1,", ")", "f("),
    "a number in hexadecimal": _fill("f", "", "x=0x"),
    "a number in decimal": _fill("9", "", "x="),
    "a number in octal": _fill("7", "", "x=0o"),
    "a long text": _fill("a", "'", "x='"),
    "half characters": "x='\ud800'",
    "cookie: rot13": "# -*- coding: rot13 -*-\nvzcbeg bf\n",
    "cookie: utf-7": "#coding:utf7\n+AGEAPQAx-\n",
    "cookie: unicode_escape on line two": "#!/usr/bin/python\n# vim: set fileencoding=unicode_escape :\nx = 1\n",
    "form feeds": _fill("\f", "x=1"),
    "carriage returns": _fill("\r", ""),
    "line ends of both kinds": _fill("\r\n", "x=1"),
    "line continuations": _fill("\\\n", "1", "x="),
    "blank lines": _fill("\n", ""),
    "comments": _fill("#\n", ""),
    "indentation": _indented("if 1:", "pass", 600),
    "indentation that the parser follows": _indented("def f():", "pass", 98),
    "tabs and spaces": _fill("if 1:\n\tx\nif 1:\n        x\n", ""),
    "open brackets": _fill("(", "", "x="),
    "brackets of all kinds": _fill("([{", "", "x="),
    "brackets closed": _nest("x=", "(", "", ")", SIZE // 2 - 2),
    "brackets and braces": _nest("", "{", "a:1", "}", 100),
    "targets in brackets": _nest("del ", "(", "a", ")", 100) + "+1",
    "items of with": _fill("a as b, ", "c: pass", "with ("),
    "calls with unparenthesised generators": _nest("", "f(", "x for x in y, 1", ")", 90),
    "starred targets": _fill("*a,", "=1"),
    "statements on one line": _fill("x;", ""),
    "elif": _fill("elif x:pass\n", "", "if x:pass\n"),
    "annotations": _nest("x:", "a[", "1", "]", 5000),
    "texts that never end": _fill("'\n", ""),
    "a docstring that never ends": _fill("x\n", "", "'''"),
    "prefixes": _fill("rb'", ""),
    "dots": _fill(".", "", "x="),
    "null bytes": _fill("\0", ""),
    "two byte order marks": "\ufeff\ufeffx=1",
    "direction controls": _fill("\u202e", "'", "x='", SIZE // 3),
    "zero-width characters": _fill("x='\u200b'\n", "", size=SIZE // 2),
    "names that decompose": _fill("\u212b\n", "", size=SIZE // 2),
    "names of mixed scripts": "\n".join(f"\u0430b{number} = 1" for number in range(8000)),
    "except star": "try: pass\n" + "except* A as e: e.__traceback__\n" * 6000,
    "many unlisted imports": "\n".join(f"import a{number}" for number in range(9000)),
    "many uses of many imports": "".join(f"import a{number}\na{number}.b\n" for number in range(4900)),
    "many imports": "\n".join(f"import os as a{number}" for number in range(9000)),
    "near misses": "import math\n" + "math.sqtr\n" * 9000,
    "many special attributes": _fill("x.__class__\n", "", size=100_000),
    "many formats": _fill("'{0.__a}'.format(x)\n", "", size=180_000),
    "many loops without an end": _fill("while 1:\n x\n", "", size=100_000),
    "loops in loops in loops": _indented("while 1:", "x", 55),
    "methods in methods": _indented("def __setattr__(self, n, v):", "x.__setattr__(n, v)", 40),
    "many queries": "import hashlib\n" + "hashlib.md5(b'')\n" * 5000,
}
# They do no harm, so nothing is asked but that they are answered.
HARMLESS: dict[str, str] = {
    "and": _fill("a and ", "a", "x="),
    "texts side by side": _fill("'a' ", "", "x="),
    "a long comment": _fill("a", "", "#"),
    "colons behind a cookie": _fill(":", "", "# coding"),
    "escapes by name": _fill("\\N{LATIN SMALL LETTER A}", "'", "x='"),
    "combining characters": "x" + "\u0301" * 80_000,
    "walrus": _nest("", "(a:=", "1", ")", 90),
    "parameters": "def f(" + ",".join(f"a{number}" for number in range(24_000)) + "): pass",
    "texts for queries": _fill("'SELECT a FROM b WHERE c='+x\n", ""),
    "deep scopes": _indented("def f():", "pass", 50) + "x\n",
}


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate


def _peak(gate: Gate) -> int:
    """The most memory that the worker ever held, in bytes; 0 for one that is gone."""
    link = gate._slot.link
    try:
        status = Path(f"/proc/{link.pid}/status").read_text("ascii") if link is not None else ""
    except FileNotFoundError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bomb_is_rejected_and_the_next_source_is_scanned(gate: Gate, name: str) -> None:
    report = gate.scan(HOSTILE[name], RESTRICTED)
    assert report.rejected
    assert report.findings
    assert all(finding.message and finding.fingerprint for finding in report.findings)
    assert _peak(gate) < MEMORY
    assert gate.scan(CLEAN + f"# after {name}\n", RESTRICTED).cause is None


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_only_odd_is_answered(gate: Gate, name: str) -> None:
    gate.scan(HARMLESS[name], RESTRICTED)
    assert _peak(gate) < MEMORY
    assert gate.scan(CLEAN + f"# after {name}\n", RESTRICTED).cause is None


@pytest.mark.parametrize("head", ["", "x = ", "x = [", "'''", "def f():\n " + "x;" * 10])
def test_a_megabyte_is_answered_without_the_worker(gate: Gate, head: str) -> None:
    """The policy's cap on bytes is below it, so nobody parses it."""
    before = gate.statistics()
    report = gate.scan(head + "1+" * 2**19, RESTRICTED)
    assert (report.cause, [one.rule for one in report.findings]) == ("too_large", ["POET101"])
    assert gate.statistics().deaths == before.deaths


@pytest.mark.parametrize(
    "name", ["a giant tuple", "statements on one line", "f-string of many fields", "line continuations"]
)
def test_a_policy_that_admits_a_megabyte_has_the_same_bounds(name: str) -> None:
    wide = Policy.parse("[static]\nmax_bytes = '2MiB'\nmax_lines = 100_000\nmax_nodes = 1_000_000\n")
    with Gate() as gate:
        report = gate.scan(HOSTILE[name] * 4 if name == "statements on one line" else _grown(name), wide)
        assert report.rejected
        assert _peak(gate) < MEMORY
        assert gate.scan(CLEAN, wide).cause is None


def _grown(name: str) -> str:
    return {
        "a giant tuple": _fill("1,", ")", "x=(", 2**20),
        "f-string of many fields": _fill("{x!r:{y}}", "'", "x=f'", 2**20),
        "line continuations": _fill("\\\n", "1", "x=", 2**20),
    }[name]


def test_a_source_that_ends_bandit_is_told_apart() -> None:
    """The worker says when the allow-list is through; one that ends after that ended in the second scanner."""
    with Gate() as gate:
        gate.scan(CLEAN, RESTRICTED)
        link = gate._slot.link
        assert link is not None
        real = link._channel
        link._channel, ending = socket.socketpair()
        with real, ending:
            ending.sendall(frames.encode(SECOND))
            ending.shutdown(socket.SHUT_WR)
            report = gate.scan("x = 7", RESTRICTED)
        assert (report.cause, [one.rule for one in report.findings]) == ("scan_bandit", ["POET150"])
        assert gate.scan(CLEAN + "# again\n", RESTRICTED).cause is None
