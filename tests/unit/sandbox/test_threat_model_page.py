"""The threat model says something of every wall, and the tests that it names exist."""

import re
from pathlib import Path

import pytest

from poet_engine.guest import codec, seccomp, syscalls
from poet_engine.guest.frames import FrameKind
from poet_engine.sandbox import isolation_checks

TESTS = Path(__file__).resolve().parents[2]
PAGE = (TESTS.parent / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:\w+/)?test_\w+\.py(?:::\w+)?)`", PAGE)))

MOST_UNCHARGED = 2.0  # CPU seconds of the host for each that is on the budget of a run


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


def _host_costs() -> dict[str, list[str]]:
    """Order → what the host spends on it."""
    lines = [line.strip("|").split("|") for line in _section("What code can order from the host").splitlines()]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines[2:] if len(cells) > 1}


def test_the_host_costs_of_whatever_code_can_send_or_try_are_in_the_table() -> None:
    kinds = {f"frame {kind.name}" for kind in FrameKind}
    tags = {f"tag {tag}" for tag in codec.DECODERS}
    denied = {f"denied {name}" for name in seccomp.DENIALS if name in syscalls.NUMBERS}
    others = {
        "frame RESULT, byte by byte",
        "frame EXCEPTION, byte by byte",
        "output",
        "output, byte by byte",
        "plain JSON",
        "refused process",
        "forbidden call, which ends the run",
    }
    assert set(_host_costs()) - {"order", "---"} == kinds | tags | denied | others


def test_no_second_of_the_code_buys_more_than_two_of_the_host_that_nobody_is_charged() -> None:
    for order, cells in _host_costs().items():
        if order in ("order", "---"):
            continue
        host = float(cells[1].removesuffix(" s"))
        charged = float(cells[2].removesuffix("%")) / 100
        assert host * (1 - charged) / (1 + host * charged) <= MOST_UNCHARGED, order
