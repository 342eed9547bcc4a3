"""Wrong use ends in one sentence and exit code 2, before anything else is loaded or written."""

import io
import json
import sys
from pathlib import Path

import pytest

from poet_engine.cli import main


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_help_and_version_are_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert main(["--help"]) == 0
    assert main(["run", "--help"]) == 0
    assert "Run a function in the sandbox, or with --jobs many of them." in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("poet 0.")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nope"], "No such command 'nope'; see 'poet --help'"),
        (["run"], "Missing argument 'TARGET', or --jobs FILE for many functions; see 'poet run --help'"),
        (["run", "a.py:f", "--jobs", "jobs.jsonl", "--out", "out.jsonl"], "leave out one of them"),
        (["run", "--jobs", "jobs.jsonl", "--out", "out.jsonl", "--args", "[1]"], "--args is for TARGET"),
        (["run", "--jobs", "jobs.jsonl"], "--jobs needs --out FILE"),
        (["run", "a.py:f", "--out", "out.jsonl"], "--out and --concurrency are for --jobs"),
        (["run", "a.py:f", "--concurrency", "2"], "--out and --concurrency are for --jobs"),
        (["run", "--jobs", "nowhere.jsonl", "--out", "out.jsonl"], "cannot read nowhere.jsonl: No such file"),
        (["run", "--jobs", "a", "--out", "b", "--concurrency", "many"], "--concurrency"),
        (["run", "--jobs", "a", "--out", "b", "--concurrency", "0"], "'--concurrency': Input should be greater"),
        (["run", "a.py:f", "--polcy", "data"], "--polcy"),
        (["run", "a.py:f", "--sandbox", "none"], "'none'"),
        (["images", "build", "torch"], "there is no recipe for an image 'torch'; there are: base, data"),
        (["images", "build", "--base", "x", "--from-host"], "leave out one of them"),
        (["images", "list", "x"], "see 'poet images list --help'"),
        (["scan"], "see 'poet scan --help'"),
    ],
)
def test_a_wrong_spelling_is_one_sentence(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("poet: error: ")
    assert printed.err.count("\n") == 1
    assert complaint in printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_spelling_with_json_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--json"]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["exit_code"] == 2
    assert printed.err.startswith("poet: error: ")


def test_a_scan_has_one_form_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "a.py", "--json", "--sarif"]) == 2
    assert "--json and --sarif are two forms" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_sarif_is_one_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\n")
    assert main(["scan", "a.py", "--sarif"]) == 1
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [("POET110", "error")]


class _InterruptedStream(io.StringIO):
    """Standard output whose reader presses Ctrl-C."""

    def write(self, text: str) -> int:
        del text
        raise KeyboardInterrupt


def test_an_interrupt_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends with the exit code that shells give it, and without a traceback."""
    monkeypatch.setattr(sys, "stdout", _InterruptedStream())
    assert main(["--version"]) == 130
    assert capsys.readouterr().err == ""
