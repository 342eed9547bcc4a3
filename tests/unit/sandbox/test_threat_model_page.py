"""The threat model says something of every wall, and the tests that it names exist."""

import re
from pathlib import Path

import pytest

from poet_engine.sandbox import isolation_checks

TESTS = Path(__file__).resolve().parents[2]
PAGE = (TESTS.parent / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:\w+/)?test_\w+\.py(?:::\w+)?)`", PAGE)))


def _section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _rows(section: str) -> dict[str, list[str]]:
    """First cell → the others, of the rows that begin with a wall's name."""
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line] for line in lines]
    return {row[0]: row[1:] for row in cells if row[0] in isolation_checks.NAMES}


@pytest.mark.parametrize("section", ["The walls", "What is shared between calls"])
def test_each_wall_has_a_full_row_that_ends_with_its_tests(section: str) -> None:
    rows = _rows(_section(section))
    assert tuple(rows) == isolation_checks.NAMES
    for wall, cells in rows.items():
        assert all(cells), wall
        assert "test_" in cells[-1], wall


@pytest.mark.parametrize("wall", isolation_checks.NAMES)
def test_it_is_said_what_each_wall_does_not_stop(wall: str) -> None:
    assert f"\n- **{wall}.** " in _section("What each wall does not stop")


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_exists(named: str) -> None:
    """Without a folder it is one of the security tests."""
    file, _, function = named.partition("::")
    path = TESTS / (file if "/" in file else f"security/{file}")
    assert path.is_file()
    assert f"def {function}" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((TESTS / "security").glob("test_*.py")), ids=lambda path: path.stem)
def test_every_family_of_attacks_is_named(path: Path) -> None:
    assert path.name in PAGE
