"""A finding keeps its fingerprint when its code moves, and only then."""

from collections.abc import Callable

import pytest

from poet_engine.outcome import Finding

Scan = Callable[[str, str], tuple[tuple[Finding, ...], str | None]]

SOURCE = "def f(x):\n    return eval(x, {'a': 1})\n"


def _marks(scan_with: Scan, source: str) -> list[tuple[str, str]]:
    return [(one.rule, one.fingerprint) for one in scan_with(source, "restricted")[0]]


@pytest.mark.parametrize(
    "moved",
    [
        "# a comment\n\n" + SOURCE,
        "import math\n\nclass A:\n    def g(self, x):\n        return eval(x, {'a': 1})\n",
        'def f(x):\n    return eval(  x,\n        {"a": 1},  # why\n    )\n',
        "def f(x):\n    return eval(x, {'a': 0x1})\n",
    ],
)
def test_moving_code_does_not_change_it(scan_with: Scan, moved: str) -> None:
    assert _marks(scan_with, moved) == _marks(scan_with, SOURCE)
    assert {rule for rule, _ in _marks(scan_with, SOURCE)} == {"POET120", "B307"}


def test_other_code_and_other_rules_have_others(scan_with: Scan) -> None:
    sources = (SOURCE, "exec('1')", "import os", "import sys\nsys.exit()", "x = '\u200b'", "y = '\u200b'", "x = 1\0")
    found = [mark for source in sources for _, mark in _marks(scan_with, source)]
    assert all(len(mark) == 32 for mark in found)
    assert len(set(found)) == len(found) >= 8


def test_a_number_of_many_digits_has_one_too(scan_with: Scan) -> None:
    """Written in decimal digits, Python itself would refuse it."""
    assert [rule for rule, _ in _marks(scan_with, "x = 0x" + "f" * 5000)] == ["POET101"]
