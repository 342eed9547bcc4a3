"""The published table of differences is the one of tools/sandbox_differences.py, and names tests that exist."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.scripts import script

if TYPE_CHECKING:
    from sandbox_differences import Difference

TESTS = Path(__file__).resolve().parents[2]
differences = script("sandbox_differences")
of = differences.of


def test_the_page_has_the_table_of_the_code() -> None:
    page = differences.PAGE.read_text(encoding="utf-8")
    assert page.count(differences.BEGIN) == page.count(differences.END) == 1
    if page != differences.with_table(page):
        pytest.fail(f"docs/sandboxes.md and DIFFERENCES differ; bring the page up to date with: {differences.COMMAND}")


@pytest.mark.parametrize("row", differences.DIFFERENCES, ids=lambda row: row.name)
def test_each_difference_is_one_and_is_shown_by_a_test(row: "Difference") -> None:
    assert row.runc is not None or row.runsc is not None
    assert not any("|" in text for text in row if text is not None)
    file, _, function = row.test.partition("::")
    assert f"def {function}(" in (TESTS / file).read_text(encoding="utf-8")


def test_names_are_unique_and_found() -> None:
    assert [of(row.name) for row in differences.DIFFERENCES] == list(differences.DIFFERENCES)
    with pytest.raises(KeyError):
        of("nothing")


def test_what_the_contract_excuses_is_in_the_table() -> None:
    suite = "".join(path.read_text(encoding="utf-8") for path in (TESTS / "conformance").glob("test_*.py"))
    excused = set(re.findall(r'differs\("([^"]+)"\)', suite))

    assert excused
    assert excused <= {row.name for row in differences.DIFFERENCES}


def test_a_difference_of_runc_is_one_of_gvisor_too() -> None:
    both, one = of("one version"), of("inodes")
    assert (both.applies_to("runc"), both.applies_to("runsc")) == (True, True)
    assert (one.applies_to("runc"), one.applies_to("runsc")) == (False, True)
