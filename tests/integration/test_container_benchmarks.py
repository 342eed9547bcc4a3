"""The benchmarks of containers run, and say on which runtime and behind which walls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from poet_engine.sandbox import walls

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("base_image")]

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RUNTIMES = ["runc", pytest.param("runsc", marks=pytest.mark.runsc)]


def _run(script: str, *arguments: str) -> str:
    program = [sys.executable, str(BENCHMARKS / f"{script}.py"), *arguments]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_calls_in_containers_are_timed_and_the_walls_around_them_named(runtime: str) -> None:
    asked = ("--sandbox", "docker", "--runtime", runtime)

    told = json.loads(_run("call_latency", *asked, "--calls", "2", "--seconds", "0.1", "--callers", "1", "--json"))

    assert told["sandbox"] == f"docker, {runtime}"
    for times in ("frame_ms", "verdict_ms", "loaded_ms", "served_ms"):
        assert 0 < told[times]["p50"] <= told[times]["p95"] <= told[times]["worst"]
    assert told["calls_per_second"] > 0
    for when in ("walls_before", "walls_after"):
        assert tuple(told[when]) == walls.NAMES
        assert not [text for text in told[when].values() if text.startswith("DOWN")]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_containers_cost_is_timed(runtime: str) -> None:
    told = json.loads(_run("containers", "--runtime", runtime, "--rounds", "2", "--containers", "1", "--json"))

    assert (told["runtime"], told["containers"]) == (runtime, 1)
    for times in ("first_ms", "exec_ms", "close_ms"):
        assert 0 < told[times]["p50"] <= told[times]["worst"]
    assert told["refills_per_second"] > 0


def test_their_tables_are_for_people() -> None:
    asked = ("--runtime", "runc")

    calls = _run("call_latency", "--sandbox", "docker", *asked, "--calls", "2", "--seconds", "0.1", "--callers", "1")
    containers = _run("containers", *asked, "--rounds", "2", "--containers", "1")

    assert "sandbox docker, runc" in calls
    assert "calls a second" in calls
    assert "runtime runc" in containers
    assert "containers made in a second" in containers
