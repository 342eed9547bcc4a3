"""The benchmark of large values runs, and says on which walls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from poet_engine.sandbox import isolation_checks

pytestmark = pytest.mark.sandbox

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "values.py"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_it_measures_and_names_the_walls_of_what_it_measured(form: list[str]) -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--calls", "1", *form], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    if not form:
        assert "argument in copies" in done.stdout
        return
    told = json.loads(done.stdout)
    assert min(told[name] for name in told if name.endswith("_ms")) > 0
    assert told["host_growth_bytes"] < 50_000_000
    for when in ("walls_before", "walls_after"):
        assert tuple(told[when]) == isolation_checks.NAMES
        assert not [text for text in told[when].values() if text.startswith("DOWN")]
