"""The README's first example runs as it is shown wherever no version serves, and without the extras."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = re.compile(r"(numpy|scipy|pandas)\b|(numpy|scipy|pandas)[-_.]", re.IGNORECASE)
_FOUND = re.search(r"```python\n# file: monitoring.py\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
EXAMPLE = "" if _FOUND is None else _FOUND[1]
COMPUTES = EXAMPLE.replace('{"drift_detected": False}', '{"drift_detected": sum(current) > 2 * sum(reference)}')


@pytest.fixture(scope="module")
def without_extras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has all that this one has but numpy, scipy and pandas."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    linked = folder / "linked"
    linked.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not EXTRAS.match(entry.name):
            (linked / entry.name).symlink_to(entry)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    paths = folder / "lib" / version / "site-packages" / "linked.pth"
    paths.write_text(f"{linked}\n{ROOT / 'engine'}\n")
    return folder / "bin" / "python"


def run(python: str | Path, tmp_path: Path, text: str = EXAMPLE, **environment: str) -> tuple[list[str], str]:
    """The lines that the example prints, and what it logs."""
    (tmp_path / "monitoring.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(python), "monitoring.py"],
        cwd=tmp_path,
        env={"POET_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines(), done.stderr


def is_original(lines: list[str]) -> bool:
    """Whether the original answered, and the last line tells who did, its usage and its event."""
    told = re.fullmatch(r"original original Usage\(wall_ms=[\d.e-]+, cpu_ms=0\.0, .*\) [0-9a-f-]{36}", lines[2])
    return told is not None and lines[0] == lines[1]


def test_the_example_is_there() -> None:
    """It names `.outcome.usage`, which was the trouble."""
    assert "execution.outcome.usage" in EXAMPLE
    assert COMPUTES != EXAMPLE


@pytest.mark.sandbox
def test_without_the_extras(without_extras: Path, tmp_path: Path) -> None:
    """The original answers; the log names what to install."""
    done = subprocess.run([str(without_extras), "-c", "import numpy"], capture_output=True, check=False)
    assert done.returncode == 1  # the control
    lines, said = run(without_extras, tmp_path)
    assert is_original(lines)
    assert "pip install 'poet-engine[data]'" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        pytest.param(EXAMPLE, {"POET_MODE": "off"}, id="off"),
        pytest.param(
            EXAMPLE, {"POET_SANDBOX": "docker", "DOCKER_HOST": "unix:///nowhere/docker.sock"}, id="no sandbox"
        ),
        pytest.param(COMPUTES, {}, id="a body that computes"),
        pytest.param(EXAMPLE.replace('@poet(domain="ml_monitoring")', "@poet"), {}, id="no domain"),
        pytest.param(
            EXAMPLE.replace("def detect_drift(current, reference)", "def detect_drift(a, b)"), {}, id="declined"
        ),
    ],
)
def test_wherever_no_version_serves(tmp_path: Path, text: str, environment: dict[str, str]) -> None:
    """The call has an outcome, a version called `original`, and an event."""
    lines, _said = run(sys.executable, tmp_path, text, **environment)
    assert is_original(lines)


def test_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Without any place for a journal there is no event, and the rest is as everywhere."""
    (tmp_path / "home").write_text("no folder")
    sealed = "from poet_engine.decorator import folders\n\nfolders.writable = lambda _folder: False\n"
    text = EXAMPLE.replace("import poet\n", f"import poet\n{sealed}")
    lines, said = run(sys.executable, tmp_path, text)
    assert lines[2].startswith("original original Usage(wall_ms=")
    assert "leaves no events" in said


@pytest.mark.sandbox
def test_where_the_version_serves(tmp_path: Path) -> None:
    """The comments beside the prints are true; the control."""
    lines, said = run(sys.executable, tmp_path)
    assert "ks_2samp" in lines[0]
    assert lines[1] == "{'drift_detected': False}"
    assert re.fullmatch(r"generated v1 Usage\(.*\) [0-9a-f-]{36}", lines[2])
    assert "ignores 'reference'" in said


def test_an_event_is_there_for_each_call(tmp_path: Path) -> None:
    """Two calls of the decorated function, two events; `.original` leaves none."""
    run(sys.executable, tmp_path, EXAMPLE, POET_MODE="off")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("poet")), "show", "monitoring.py:detect_drift"],
        cwd=tmp_path,
        env={"POET_HOME": str(tmp_path / "home"), "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "POET_MODE is off" in done.stdout
