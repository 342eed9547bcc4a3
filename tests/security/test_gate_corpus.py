"""The labelled corpus of the gate: what it must block, with the rule, and what it must let through.

`corpus/block` and `corpus/allow` hold many sources to a file. `# case: title` or `# ok: title` begins one, `(data)`
behind the title names another policy than `restricted`, and `# ruleid: ID` stands on the line before the blocked one.
"""

import dataclasses
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.scripts import script

from poet_engine.gate.rules import RULES
from poet_engine.gate.ruleset import Allowance, Caps, Ruleset
from poet_engine.gate.scan import scan
from poet_engine.outcome import Finding
from poet_engine.policy import Policy

EXAMPLES = script("rule_pages").EXAMPLES
CORPUS = Path(__file__).parent / "corpus"
LEAST = 150

_HEAD = re.compile(r"# (?:case|ok): (?P<title>.*?)(?: \((?P<policy>\w+)\))?")
_LABEL = re.compile(r"\s*# ruleid: (?P<rule>\w+)")
# the scan that does not finish cannot be written down as a small source: tests/integration/test_gate_bombs.py has them
# and syntax that no rule judges has none in every version: tests/unit/gate/test_syntax.py has it
NO_SMALL_SOURCE = frozenset({"POET100", "POET101", "POET105", "POET150"})

Scan = Callable[["Case"], tuple[tuple[Finding, ...], str | None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One source of the corpus.

    Attributes:
        title: File and title.
        policy: The preset that it is scanned under.
        text: The source, labels and all.
        expected: The rule and line of each finding that it is labelled with.
    """

    title: str
    policy: str
    text: str
    expected: frozenset[tuple[str, int]]


def _cases(folder: str) -> Iterator[Case]:
    for path in sorted((CORPUS / folder).glob("*.py")):
        head: re.Match[str] | None = None
        lines: list[str] = []
        for line in [*path.read_text("utf-8").split("\n"), "# case: end"]:
            found = _HEAD.fullmatch(line)
            if found is None:
                lines.append(line)
                continue
            if head is not None:
                labels = {(label["rule"], n + 2) for n, one in enumerate(lines) if (label := _LABEL.fullmatch(one))}
                text = "\n".join([*lines, ""])
                yield Case(f"{path.stem}: {head['title']}", head["policy"] or "restricted", text, frozenset(labels))
            head, lines = found, []


BLOCK, ALLOW = list(_cases("block")), list(_cases("allow"))


@pytest.fixture(scope="module")
def scanned() -> Scan:
    rulesets = {name: _ruleset(Policy.load(name)) for name in ("restricted", "data")}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # bandit's own use of stevedore
        from poet_engine.gate.bandit_scan import BanditScan  # noqa: PLC0415 - loading it is what warns

        bandit = BanditScan()
    known: dict[Case, tuple[tuple[Finding, ...], str | None]] = {}

    def judged(case: Case) -> tuple[tuple[Finding, ...], str | None]:
        if case not in known:
            with warnings.catch_warnings(action="ignore", category=SyntaxWarning):  # of the sources themselves
                known[case] = scan(case.text, rulesets[case.policy], bandit.check)
        return known[case]

    return judged


def _ruleset(policy: Policy) -> Ruleset:
    static = policy.static
    return Ruleset(
        Allowance(static.imports),
        Caps(static.max_bytes, static.max_lines, static.max_nodes, static.max_depth),
        static.bandit_severity,
        static.bandit_confidence,
        policy.limits.memory,
    )


def _titles(cases: list[Case]) -> list[str]:
    return [case.title for case in cases]


@pytest.mark.parametrize("case", BLOCK, ids=_titles(BLOCK))
def test_a_hostile_source_is_blocked_by_the_rule_that_it_is_labelled_with(scanned: Scan, case: Case) -> None:
    findings, cause = scanned(case)
    assert case.expected, "a hostile source needs a label"
    assert cause is not None
    assert case.expected <= {(one.rule, one.line) for one in findings}


@pytest.mark.parametrize("case", ALLOW, ids=_titles(ALLOW))
def test_an_ordinary_source_passes(scanned: Scan, case: Case) -> None:
    findings, cause = scanned(case)
    assert [(one.rule, one.line, one.message) for one in findings] == []
    assert cause is None


def test_the_corpus_is_large_and_its_rates_are_printed(
    scanned: Scan, record_property: Callable[[str, float], None]
) -> None:
    blocked = sum(scanned(case)[1] is not None for case in BLOCK)
    rejected = sum(scanned(case)[1] is not None for case in ALLOW)
    rates = {"block rate": blocked / len(BLOCK), "false-rejection rate": rejected / len(ALLOW)}
    print(f"\nblock rate {blocked}/{len(BLOCK)}, false-rejection rate {rejected}/{len(ALLOW)}")  # noqa: T201 - the figures
    for name, rate in rates.items():
        record_property(name, rate)
    assert len(BLOCK) >= LEAST
    assert len(ALLOW) >= LEAST
    assert len({case.text for case in BLOCK}) == len(BLOCK)
    assert len({case.text for case in ALLOW}) == len(ALLOW)
    assert rates == {"block rate": 1.0, "false-rejection rate": 0.0}


@pytest.mark.parametrize("rule", [*sorted(RULES.keys() - NO_SMALL_SOURCE), "B324"])
def test_without_any_one_rule_something_hostile_passes(scanned: Scan, rule: str) -> None:
    """So no rule can be lost without this corpus noticing: each is the only one that stops some source of it."""
    passing = [case.title for case in BLOCK if {one.rule for one in scanned(case)[0]} == {rule}]
    assert passing


@pytest.mark.parametrize("rule", sorted(EXAMPLES))
def test_the_example_of_a_rule_is_stopped_by_it_and_its_counterpart_passes(scanned: Scan, rule: str) -> None:
    example = EXAMPLES[rule]
    if rule in NO_SMALL_SOURCE:
        assert example.words
        return
    findings, _ = scanned(Case(f"{rule}, rejected", "restricted", example.rejected, frozenset()))
    assert {one.rule for one in findings} == {rule}
    assert scanned(Case(f"{rule}, accepted", "restricted", example.accepted, frozenset())) == ((), None)


def test_the_false_rejections_that_are_published_are_still_the_case(scanned: Scan) -> None:
    """docs/gate.md lists them; one that passes now is to be taken off the list."""
    passing = [title for title, text in FALSE_REJECTIONS.items() if scanned(_restricted(title, text))[1] is None]
    assert passing == []


def _restricted(title: str, text: str) -> Case:
    return Case(title, "restricted", text, frozenset())


FALSE_REJECTIONS: Mapping[str, str] = {
    "a template that is a parameter": "def f(template, x):\n    return template.format(x)\n",
    "a module or nothing": "try:\n    import math\nexcept ImportError:\n    math = None\n",
    "the attributes as a dictionary": "class A:\n    def plain(self):\n        return self.__dict__\n",
    "attributes from a dictionary": "class A:\n    def __init__(self, **kw):\n        for k in kw:\n"
    "            setattr(self, k, kw[k])\n",
    "leaving as at a prompt": "if __name__ == '__main__':\n    exit(0)\n",
    "the attributes as a dictionary, by vars": "def f(x):\n    return vars(x)\n",
    "fields by their names": "from dataclasses import fields\ndef f(x):\n"
    "    return [getattr(x, f.name) for f in fields(x)]\n",
    "attributes of another object": "class A:\n    def __getattr__(self, name):\n"
    "        return getattr(self.inner, name)\n",
    "state for copying": "class A:\n    def __getstate__(self):\n        return {}\n",
    "annotations of a function": "def f(x: int):\n    return f.__annotations__\n",
    "the order of bases": "class A:\n    pass\nprint(A.__mro__)\n",
    "members from elsewhere": "from enum import Enum\ndef f(names):\n    return Enum('E', names)\n",
    "a program on several threads": "import threading\nthreading.Thread(target=print).start()\n",
    "tests in the documentation": "if __name__ == '__main__':\n    import doctest\n    doctest.testmod()\n",
    "a loop of events": "import asyncio\n",
    "MD5 for a checksum": "import hashlib\ndef f(x):\n    return hashlib.md5(x).hexdigest()\n",
    "a private attribute of a value that was not asked": "import threading\nclass A:\n    _value = 1\n"
    "    def __lt__(self, other: 'A'):\n        return self._value < other._value\n",
    "a private attribute of items": "import threading\nclass A:\n    _value = 1\n    def f(self):\n"
    "        return [item._value for item in self.items]\n",
    "a private attribute behind a property by lambda": "import threading\nclass A:\n    _value = 1\n"
    "    value = property(lambda self: self._value)\n",
    "a method that is called by way of its class": "import threading\nclass A:\n    _value = 1\n    def rank(self):\n"
    "        return self._value\nsorted([A()], key=A.rank)\n",
    "an attribute called obj beside a caught exception": "def f(x):\n    try:\n        return x.obj\n"
    "    except KeyError as error:\n        return str(error)\n",
    "a decorator that copies more": "from functools import wraps\ndef d(f):\n    return wraps(f, updated=())\n",
}
