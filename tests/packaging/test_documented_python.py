"""Every whole program that the README and the pages on bulk runs and scripts show runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PAGES = (_ROOT / "README.md", _ROOT / "docs" / "bulk.md", _ROOT / "docs" / "scripts.md")
_PROGRAM = re.compile(r"```python\n# file: (\S+)\n(.*?)```", re.DOTALL)
_PROGRAMS = [program for page in _PAGES for program in _PROGRAM.findall(page.read_text(encoding="utf-8"))]


def test_the_readme_shows_programs() -> None:
    """A README whose programs are not found would make the next test pass for nothing."""
    assert {name for name, _code in _PROGRAMS} >= {
        "monitoring.py",
        "bulk.py",
        "shapes.py",
        "many.py",
        "waiting.py",
        "live.py",
    }


@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize(("name", "code"), _PROGRAMS)
def test_a_program_of_the_readme_runs(name: str, code: str, tmp_path: Path) -> None:
    """It ends with 0, prints no traceback, and the comments beside its prints are true."""
    (tmp_path / name).write_text(code, encoding="utf-8")
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
    if name == "bulk.py":
        assert "ZeroDivisionError" in done.stdout
        assert "rejected POET110" in done.stdout
