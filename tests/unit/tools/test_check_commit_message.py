"""The commit-message check lets through what CONTRIBUTING.md asks for, and names what is wrong with the rest."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "check_commit_message.py"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_commit_message", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "message",
    [
        "Fix the tasks probe for policies with processes\n\nThe probe counted threads alone.\n",
        "Add a row\n# Please enter the commit message\n",
        "Bring files out of containers",
        "Merge branch 'main' into a-branch-whose-name-is-so-long-that-no-subject-could-ever-hold-it",
        "Speed up scans\n\nwhy\n# ------------------------ >8 ------------------------\nx" + "y" * 100,
    ],
)
def test_a_good_message_passes(check: ModuleType, message: str) -> None:
    assert check.problems(message) == []


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("", "is empty"),
        ("\n# only comments\n", "is empty"),
        ("Fix " + "x" * 70, "has 74 characters"),
        ("Fixed the probe", "Begin with what to do"),
        ("Fixing the probe", "Begin with what to do"),
        ("fix the probe", "capital letter"),
        ("Fix the probe.", "full stop"),
        ("Fix the probe\nand the rest", "second line"),
    ],
)
def test_a_bad_message_is_told_what_is_wrong(check: ModuleType, message: str, complaint: str) -> None:
    assert any(complaint in problem for problem in check.problems(message))


def test_the_hook_refuses_by_its_exit_status(
    check: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good").write_text("Fix the probe\n", encoding="utf-8")
    (tmp_path / "bad").write_text("Fixed the probe\n", encoding="utf-8")

    assert check.main([str(tmp_path / "good")]) == 0
    assert check.main([str(tmp_path / "bad")]) == 1
    assert "Fixed" in capsys.readouterr().err
