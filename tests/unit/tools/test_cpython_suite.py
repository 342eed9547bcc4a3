"""How the suite of CPython's own tests judges what it finds; no test of CPython runs here."""

import re

from tests.scripts import script

suite = script("cpython_suite")


def _compared(explained: dict[str, str], unexplained: dict[str, str]) -> object:
    return suite.Compared("test_shutil", 5, 2, explained, unexplained)


def test_a_reason_is_found_by_its_pattern() -> None:
    assert suite.suite().reason("test.test_io.CIOTest.test_large_file_ops") == "budget"
    assert suite.suite().reason("test.test_json.TestC.test_anything") is None


def test_an_entry_that_is_to_be_mended_fails_the_suite_when_it_is() -> None:
    entry = "test.test_shutil.TestMisc.test_chown"

    assert entry in suite.mended([_compared({}, {})])
    assert entry not in suite.mended([_compared({entry: "pending"}, {})])
    assert suite.mended([]) == []


def test_the_page_counts_what_differs() -> None:
    page = suite.page([_compared({"a": "budget", "b": "budget"}, {"c": "ok, inside failure"})])

    assert "| test_shutil | 5 | 2 | 2 | 0 | 1 |\n" in page
    assert "| budget | 2 |" in page


def test_the_published_page_has_every_module_and_nothing_unexplained() -> None:
    page = suite.PAGE.read_text(encoding="utf-8")

    assert re.findall(r"^\| (test_\w+) ", page, re.MULTILINE) == list(suite.suite().modules)
    assert re.findall(r"^\| test_\w+ (?:\| \d+ ){4}\| ([1-9]\d*) \|$", page, re.MULTILINE) == []
