"""Every command that the documents show is run.

In a fenced block marked `console`, each line that starts with `$ poet` is run in a fresh folder, in which the blocks of
the same page that begin with `# file: NAME` are laid as files. `# exit 1` at the end of the line is the exit code to
expect, 0 otherwise. `$ make` lines must name a target of the Makefile.
"""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# file: ([\w.-]+)\n")
_PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def _blocks(page: Path) -> list[tuple[str, str]]:
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def _shown(program: str) -> list[tuple[Path, str]]:
    return [
        (page, line.removeprefix("$ "))
        for page in _PAGES
        for language, text in _blocks(page)
        if language == "console"
        for line in text.splitlines()
        if line.startswith(f"$ {program} ") or line == f"$ {program}"
    ]


def _name(value: object) -> str:
    return value.name if isinstance(value, Path) else str(value)


def _lay_files(page: Path, folder: Path) -> None:
    for _, text in _blocks(page):
        found = _FILE.match(text)
        if found:
            # JSON has no comments: there the first line is only ours.
            (folder / found[1]).write_text(text[found.end() :] if found[1].endswith((".jsonl", ".ipynb")) else text)


def test_some_commands_are_shown() -> None:
    assert {line.split()[1] for _, line in _shown("poet")} >= {"run", "scan", "doctor", "demo"}
    assert "make test" in {line for _, line in _shown("make")}


def _with_needs(shown: list[tuple[Path, str]]) -> list[object]:
    """The commands as parameters; those about images and containers need an engine that has them."""
    return [pytest.param(page, line, marks=_marks(line)) for page, line in shown]


def _marks(line: str) -> list[pytest.MarkDecorator]:
    if "runsc" in line:
        return [pytest.mark.docker, pytest.mark.runsc]
    return [pytest.mark.docker] if line.startswith("poet images ") or "--sandbox docker" in line else []


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize(("page", "line"), _with_needs(_shown("poet")), ids=_name)
def test_a_poet_command_does_what_the_document_says(page: Path, line: str, tmp_path: Path) -> None:
    _lay_files(page, tmp_path)
    command, _, note = line.partition("  # ")
    expected = int(note.removeprefix("exit ")) if note.startswith("exit ") else 0
    words = shlex.split(command)
    done = subprocess.run(
        [Path(sys.executable).with_name(words[0]), *words[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert "this is a bug in poet" not in done.stderr


@pytest.mark.parametrize(("page", "line"), _shown("make"), ids=_name)
def test_a_make_command_names_a_target(page: Path, line: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(line, comments=True)[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{page.name}: {done.stderr}"
