"""Many calls, good and hostile, leave nothing behind: benchmarks/soak.py with fewer of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"


@pytest.mark.parametrize(
    ("calls", "options"),
    [
        pytest.param("1000", (), marks=pytest.mark.sandbox, id="process"),
        pytest.param("60", ("--sandbox", "docker"), marks=pytest.mark.docker, id="docker"),
        pytest.param(
            "60",
            ("--sandbox", "docker", "--runtime", "runsc"),
            marks=[pytest.mark.docker, pytest.mark.runsc],
            id="docker-runsc",
        ),
    ],
)
@pytest.mark.slow
def test_mixed_calls_leave_the_machine_as_it_was(calls: str, options: tuple[str, ...]) -> None:
    """Processes, groups, mounts, descriptors, containers, shims: none grows, and after the end none is left."""
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), "--calls", calls, "--json", *options],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert (done.returncode, len(report["footprints"])) == (0, 10)
