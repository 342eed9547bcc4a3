"""The benchmarks of containers run, and say on which runtime and behind which walls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from poet_engine.sandbox import isolation_checks

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("base_image")]

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _run(script: str, *arguments: str) -> str:
    program = [sys.executable, str(BENCHMARKS / f"{script}.py"), *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


FEW_CALLS = ("--sandbox", "docker", "--calls", "2", "--seconds", "0.1", "--callers", "1")
FEW_CONTAINERS = ("--rounds", "2", "--containers", "1")


def test_calls_in_containers_are_timed_and_the_walls_around_them_named() -> None:
    told = json.loads(_run("call_latency", *FEW_CALLS, "--runtime", "runc", "--json"))

    assert told["sandbox"] == "docker, runc"
    for times in ("frame_ms", "verdict_ms", "loaded_ms", "served_ms"):
        assert 0 < told[times]["p50"] <= told[times]["p95"] <= told[times]["worst"]
    assert told["calls_per_second"] > 0
    for when in ("walls_before", "walls_after"):
        assert tuple(told[when]) == isolation_checks.NAMES
        assert not [text for text in told[when].values() if text.startswith("DOWN")]


def test_what_containers_cost_is_timed() -> None:
    told = json.loads(_run("containers", *FEW_CONTAINERS, "--runtime", "runc", "--json"))

    assert (told["runtime"], told["containers"]) == ("runc", 1)
    for times in ("first_ms", "exec_ms", "close_ms"):
        assert 0 < told[times]["p50"] <= told[times]["worst"]
    assert told["refills_per_second"] > 0


@pytest.mark.runsc
def test_their_tables_are_for_people_and_gvisor_is_measured_too() -> None:
    calls = _run("call_latency", *FEW_CALLS, "--runtime", "runsc")
    containers = _run("containers", *FEW_CONTAINERS, "--runtime", "runsc")

    assert "sandbox docker, runsc" in calls
    assert "calls a second" in calls
    assert "filesystem" in calls
    assert "runtime runsc" in containers
    assert "containers made in a second" in containers
