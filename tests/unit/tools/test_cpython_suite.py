"""How the suite of CPython's own tests judges what it finds; no test of CPython runs here."""

from pathlib import Path

import pytest
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
    ran = suite.numbers([_compared({"a": "budget", "b": "budget"}, {"c": "ok, inside failure"})])
    page = suite.page({"3.11": ran, "3.13": {"python": "3.13.9", "modules": {}}})

    assert "| test_shutil | 2 of 5, 1 unexplained | not there |\n" in page
    assert "| budget | 2 | 0 |" in page
    assert "| 3.13.9 | 0 | 0 | 0 | 0 | 0 |\n" in page


def test_the_published_page_is_made_of_the_numbers_that_are_kept() -> None:
    assert suite.PAGE.read_text(encoding="utf-8") == suite.page(suite.kept())


@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_of_each_version_enough_is_kept_and_nothing_is_unexplained(version: str) -> None:
    modules = suite.kept()[version]["modules"]

    assert len(modules) >= 110
    assert modules.keys() <= set(suite.suite().modules)
    assert [name for name, module in modules.items() if module["unexplained"]] == []


def test_a_module_that_this_python_does_not_have_is_left_out() -> None:
    assert suite.present(["test_that_nobody_wrote"]) == []


def test_a_run_outside_that_does_not_end_is_killed_and_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import os, time\n"
        "os.fork()\n"
        'open(\'log.jsonl\', \'a\').write(\'{"test": "a", "outcome": "begun", "observed": ""}\\n\')\n'
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(suite, "DRIVER", driver)
    monkeypatch.setattr(suite, "_SECONDS", 1)

    outcomes, _observed = suite._outside("test_shutil")

    assert outcomes == {"a": "begun", "run of test_shutil": "killed outside after 1 s"}
