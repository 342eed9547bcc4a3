"""Every whole program that the README and the pages on bulk runs, notebooks and scripts show runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PAGES = (_ROOT / "README.md", *(_ROOT / "docs" / name for name in ("bulk.md", "notebooks.md", "scripts.md")))
_PROGRAM = re.compile(r"```python\n# file: (\S+)\n(.*?)```", re.DOTALL)
_SHOWN = {page: dict(_PROGRAM.findall(page.read_text(encoding="utf-8"))) for page in _PAGES}


def test_the_readme_shows_programs() -> None:
    """A README whose programs are not found would make the next test pass for nothing."""
    assert {name for programs in _SHOWN.values() for name in programs} >= {
        "monitoring.py",
        "bulk.py",
        "shapes.py",
        "many.py",
        "waiting.py",
        "live.py",
        "cells.py",
    }


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize(("page", "name"), [(page, name) for page, programs in _SHOWN.items() for name in programs])
def test_a_program_of_the_readme_runs(page: Path, name: str, tmp_path: Path) -> None:
    """It ends with 0, prints no traceback, and the comments beside its prints are true."""
    for other, code in _SHOWN[page].items():  # it may import what the page shows beside it
        (tmp_path / other).write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, name],
        cwd=tmp_path,
        env={"POET_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    # The one program whose version answers instead of its body says so.
    said = "since its own body ignores 'reference'" if name == "monitoring.py" else ""
    assert (done.returncode, len(done.stderr.splitlines())) == (0, int(bool(said)))
    assert said in done.stderr
    if name == "monitoring.py":
        assert "ks_2samp" in done.stdout
        assert "generated v1" in done.stdout
    if name == "many.py":
        assert done.stdout.splitlines()[:2] == ["job-0 ok 0", "job-1 ok 1"]
        assert "refused input" in done.stdout
    if name == "waiting.py":
        assert done.stdout == "[0, 1, 4, 9, 16]\n"
    if name == "live.py":
        assert done.stdout == "step 0\nstep 1\nstep 2\n3 ['step 0', 'step 1', 'step 2']\n"
    if name == "cells.py":
        assert done.stdout == "[0, 1, 4, 9]\n'squares'\n\n"
    if name == "bulk.py":
        assert "ZeroDivisionError" in done.stdout
        assert "rejected POET110" in done.stdout
