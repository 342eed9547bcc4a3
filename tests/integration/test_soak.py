"""Many calls, good and hostile, leave nothing behind: benchmarks/soak.py with fewer of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"


@pytest.mark.sandbox
@pytest.mark.slow
def test_a_thousand_mixed_calls_leave_the_machine_as_it_was() -> None:
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), "--calls", "1000", "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert (done.returncode, len(report["footprints"])) == (0, 10)
