"""The checklists of docs/extending.md that show patches are followed: in a copy of the sources, that is all it takes.

A section's patches (blocks marked `diff`) are applied in order, then the commands of its last block marked `sh` are
run. Before, the last of them must fail: else it would not show that anything was added.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/extending.md"
FOLLOWED = ("An event field", "A gate rule", "A command")
LISTS = ("A policy key", "A limit", "An event field", "A sandbox", "A domain", "A gate rule", "A command")
_COPIED = ("benchmarks", "docs", "engine", "examples", "policies", "sandbox_images", "tests", "tools", "README.md")


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _copy(folder: Path) -> Path:
    for name in (*_COPIED, "pyproject.toml", "CHANGELOG.md"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


# Programs are those of this interpreter's folder, and the package is the copy.
_SHELL = 'export PATH="$0:$PATH" PYTHONPATH="$1" PYTHONDONTWRITEBYTECODE=1; eval "$2"'


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-c", _SHELL, str(Path(sys.executable).parent), str(folder / "engine"), command]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=600)


def test_there_is_a_checklist_for_each_and_its_files_exist() -> None:
    sections = _sections()
    assert tuple(sections) == LISTS
    named = re.findall(r"`((?:engine|tests|tools|policies)/[\w./-]+\.\w+)`", "".join(sections.values()))
    assert len(named) >= 15
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("section", FOLLOWED)
def test_a_checklist_that_is_followed_is_complete(section: str, tmp_path: Path) -> None:
    text = _sections()[section]
    patches, commands = _blocks(text, "diff"), _blocks(text, "sh")[-1].splitlines()
    folder = _copy(tmp_path / "sources")
    assert _run(commands[-1], folder).returncode != 0, "what is to be added is there already"
    for patch in patches:
        done = subprocess.run(
            ["git", "apply", "-"], cwd=folder, input=patch, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stderr}\n{patch}"
    for command in commands:
        done = _run(command, folder)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
