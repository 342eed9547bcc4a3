"""The published table of differences is the one in the code, and names tests that exist.

Run as a script, this file writes the table of docs/sandboxes.md anew.
"""

import re
from pathlib import Path

import pytest

from poet_engine.sandbox.docker.differences import DIFFERENCES, Difference, of

TESTS = Path(__file__).resolve().parents[3]
PAGE = TESTS.parent / "docs" / "sandboxes.md"
COMMAND = "python tests/unit/sandbox/docker/test_differences.py"
BEGIN, END = f"<!-- table: `{COMMAND}` writes it anew -->\n", "<!-- end of table -->\n"


def table() -> str:
    rows = [
        f"| {row.name} | {row.process} | {row.runc or 'the same'} "
        f"| {row.runsc or ('the same' if row.runc is None else 'as with runc')} | {row.why} |"
        for row in DIFFERENCES
    ]
    return "\n".join(["| what | process | docker (runc) | docker (runsc) | why |", "|---|---|---|---|---|", *rows, ""])


def with_table(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def test_the_page_has_the_table_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    if page != with_table(page):
        pytest.fail(f"docs/sandboxes.md and DIFFERENCES differ; bring the page up to date with: {COMMAND}")


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: row.name)
def test_each_difference_is_one_and_is_shown_by_a_test(row: Difference) -> None:
    assert row.runc is not None or row.runsc is not None
    assert not any("|" in text for text in row if text is not None)
    file, _, function = row.test.partition("::")
    assert f"def {function}(" in (TESTS / file).read_text(encoding="utf-8")


def test_names_are_unique_and_found() -> None:
    assert [of(row.name) for row in DIFFERENCES] == list(DIFFERENCES)
    with pytest.raises(KeyError):
        of("nothing")


def test_what_the_contract_excuses_is_in_the_table() -> None:
    suite = "".join(path.read_text(encoding="utf-8") for path in (TESTS / "conformance").glob("test_*.py"))
    excused = set(re.findall(r'differs\("([^"]+)"\)', suite))

    assert excused
    assert excused <= {row.name for row in DIFFERENCES}


def test_a_difference_of_runc_is_one_of_gvisor_too() -> None:
    both, one = of("one version"), of("inodes")
    assert (both.applies_to("runc"), both.applies_to("runsc")) == (True, True)
    assert (one.applies_to("runc"), one.applies_to("runsc")) == (False, True)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
