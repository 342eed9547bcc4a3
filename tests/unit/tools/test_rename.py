"""The table of renames is applied by meaning: two classes of one name are two, and tests and pages follow."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"
KEEPER = '''class Keeper:
    """Keeps."""

    def errand(self) -> int:
        return 1


def keeper() -> Keeper:
    return Keeper()
'''
OTHER = "class Keeper:\n    pass\n"
USER = """from poet_engine.pool.keeper import Keeper, keeper


def run() -> int:
    text = f"{keeper().errand()} of {Keeper!r}"
    return len(text)
"""
TEST = "from poet_engine.pool.keeper import Keeper\n\n\ndef test_it() -> None:\n    assert Keeper().errand() == 1\n"
PAGE = "`Keeper` is in `pool/keeper.py`.\n"
TABLE = {
    "names": {
        "pool/keeper.py:Keeper.errand": "submit",
        "pool/keeper.py:Keeper": "PoolMaintainer",
        "gone.py:Gone": "New",
    },
    "modules": {"pool/keeper.py": "pool/maintainer.py"},
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    files = {
        "engine/poet_engine/__init__.py": "",
        "engine/poet_engine/pool/__init__.py": "",
        "engine/poet_engine/pool/keeper.py": KEEPER,
        "engine/poet_engine/other.py": OTHER,
        "engine/poet_engine/user.py": USER,
        "tests/unit/pool/test_keeper.py": TEST,
        "docs/pool.md": PAGE,
        "pyproject.toml": '[tool.mypy]\nmypy_path = ["engine"]\nfiles = ["engine", "tests"]\n',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_names_modules_tests_and_pages_are_renamed_together(checkout: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(TOOLS)!r}); import pathlib, rename; "
        f"print(rename.apply(pathlib.Path({str(checkout)!r}), {TABLE!r}))"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout == "['gone.py:Gone']\n"
    package = checkout / "engine" / "poet_engine"
    assert (package / "pool" / "maintainer.py").read_text(encoding="utf-8") == KEEPER.replace(
        "errand", "submit"
    ).replace("Keeper", "PoolMaintainer")
    assert (package / "other.py").read_text(encoding="utf-8") == OTHER
    assert (package / "user.py").read_text(encoding="utf-8") == (
        USER.replace("pool.keeper", "pool.maintainer").replace("errand", "submit").replace("Keeper", "PoolMaintainer")
    )
    moved = (checkout / "tests/unit/pool/test_maintainer.py").read_text(encoding="utf-8")
    assert "from poet_engine.pool.maintainer import PoolMaintainer" in moved
    assert ".submit()" in moved
    assert (checkout / "docs/pool.md").read_text(encoding="utf-8") == "`PoolMaintainer` is in `pool/maintainer.py`.\n"
