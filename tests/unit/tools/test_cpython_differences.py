"""The published differences from CPython are those of tools/cpython_differences.py, each with a program."""

from pathlib import Path

from tests.scripts import script

PROGRAMS = Path(__file__).resolve().parents[2] / "conformance" / "differences"
differences = script("cpython_differences")


def test_the_page_is_the_one_of_the_code() -> None:
    assert differences.PAGE.read_text(encoding="utf-8") == differences.page(), (
        f"bring the page up to date with: {differences.COMMAND}"
    )


def test_each_line_has_its_program_and_each_program_its_line() -> None:
    assert sorted(row.program for row in differences.DEPARTURES) == sorted(path.stem for path in PROGRAMS.glob("*.py"))
    assert not any("|" in text for row in differences.DEPARTURES for text in row)
