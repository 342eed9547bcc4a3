"""A source gains nothing by naming something: what is private is its own on values that are surely its own.

The sources are those of `tests/security/corpus/block/privileges.py`, which the corpus tests hold to the labelled lines.
The word in front of a title says which check it is that stops the source: with that one down it passes the gate, and
in plain Python it reaches what it was after.
"""

import dataclasses
import functools
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from poet_engine.gate import check_dynamic, check_names, check_plots
from poet_engine.gate.attributes import Attributes
from poet_engine.gate.own_classes import OwnClasses
from poet_engine.gate.ruleset import Allowance, Caps, Ruleset
from poet_engine.gate.scan import scan
from poet_engine.gate.source_model import Source
from poet_engine.policy import Policy

PRIVILEGES = Path(__file__).parents[1] / "security/corpus/block/privileges.py"
LEAST = 200

_HEAD = re.compile(r"# case: (?P<check>\w+): (?P<title>.*?)(?: \((?P<policy>\w+)\))?")
_LABEL = re.compile(r"\s*# ruleid: (?P<rule>\w+)")


class RunPlainly(Protocol):
    """Runs a script as plain CPython does, in an empty folder."""

    def __call__(self, source: str, stdin: str = "") -> "Ended":
        """What came of it."""
        ...


class Ended(Protocol):
    """A script that ran in plain CPython."""

    stdout: str


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One hostile source, the check that stops it, and the rule."""

    check: str
    title: str
    policy: str
    text: str
    rule: str


def _cases() -> Iterator[Case]:
    head: re.Match[str] | None = None
    lines: list[str] = []
    for line in [*PRIVILEGES.read_text("utf-8").splitlines(), "# case: end: end"]:
        found = _HEAD.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        if head is not None:
            labels = [label["rule"] for one in lines if (label := _LABEL.fullmatch(one))]
            text = "\n".join([*lines, ""])
            yield Case(head["check"], head["title"], head["policy"] or "restricted", text, labels[0])
        head, lines = found, []


CASES = list(_cases())


def _allow(*_: object) -> bool:
    return True


def _refuse(*_: object) -> bool:
    return False


def _pass(*_: object) -> None:
    """Stand where a check would."""


def _asked_by_name(call: object, _: object) -> bool:
    """What `isinstance` and its like were before: anything by that name."""
    return getattr(getattr(call, "func", None), "id", "") in {"isinstance", "issubclass", "map"}


# The word in front of a title → what is put in the place of the check.
_DOWN: Mapping[str, tuple[tuple[object, str, object], ...]] = {
    "own": ((Attributes, "owns", _allow), (Attributes, "owns_start", _allow), (Attributes, "owns_field", _allow)),
    "registered": ((OwnClasses, "admits", _refuse),),
    "builtin": ((check_names, "_only_asks", _asked_by_name),),
    "super": ((Source, "is_super", _allow),),
    "hook": ((check_dynamic, "_method", _pass),),
    "plot": ((check_plots, "check", _pass),),
}


@functools.cache
def _ruleset(name: str) -> Ruleset:
    policy = Policy.load(name)
    static = policy.static
    caps = Caps(static.max_bytes, static.max_lines, static.max_nodes, static.max_depth)
    severity, confidence = static.bandit_severity, static.bandit_confidence
    return Ruleset(Allowance(static.imports), caps, severity, confidence, policy.limits.memory)


def _rules(text: str, policy: str) -> set[str]:
    with warnings.catch_warnings(action="ignore", category=SyntaxWarning):  # of the sources themselves
        findings, _ = scan(text, _ruleset(policy), lambda *_: None)
    return {finding.rule for finding in findings}


def _titles(cases: list[Case]) -> list[str]:
    return [f"{case.check}: {case.title}" for case in cases]


def test_there_are_many_ways_to_name_something() -> None:
    """None of them is lost from the corpus unnoticed, and each kind of check stops some."""
    assert len(CASES) >= LEAST
    assert {case.check for case in CASES} == _DOWN.keys()


@pytest.mark.parametrize("case", CASES, ids=_titles(CASES))
def test_a_source_gains_nothing_by_naming_something(case: Case) -> None:
    """Each is stopped, and by the one rule alone that its kind of reach has."""
    assert _rules(case.text, case.policy) == {case.rule}


@pytest.mark.parametrize("case", CASES, ids=_titles(CASES))
def test_it_is_the_check_that_stops_it(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the one check down, nothing else of the gate sees the source."""
    for owner, name, instead in _DOWN[case.check]:
        monkeypatch.setattr(owner, name, instead)
    assert _rules(case.text, case.policy) == set()


# Some of every kind. What is private in the library of one version may have another name in the next.
_DEEDS = (
    "class attribute", "bare annotation", "slot", "getattr computed", "unbound", "unbound via helper", "property fget",
    "plain function self", "self by walrus", "own decorator", "mixin", "library base", "new gives other",
    "metaclass bases", "class decorator", "annotated parameter", "ABC register", "isinstance loop", "isinstance shadow",
    "attribute by descriptor", "method of heir gives", "own type by isinstance", "own super setattr", "obj helper",
    "obj virtual pattern", "wrapper keeps", "private class by alias",
)  # fmt: skip


@pytest.mark.parametrize("title", _DEEDS)
def test_in_plain_python_it_gets_what_it_is_after(title: str, cpython: RunPlainly) -> None:
    """The sources are no straw men: what the gate keeps them from, they reach without it."""
    (case,) = [one for one in CASES if one.title == title]
    assert "reached" in cpython(case.text).stdout
