"""The benchmark runs, and it gives no number for a sandbox whose walls are down."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from poet_engine.policy import Policy
from poet_engine.sandbox import walls
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "call_latency.py"


@pytest.fixture
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("call_latency", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["call_latency"] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_it_measures_and_names_the_walls_of_what_it_measured() -> None:
    done = _run("--calls", "10", "--seconds", "0.2", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["frame_ms"]["p50"] <= told["frame_ms"]["p95"] <= told["frame_ms"]["worst"]
    assert told["verdict_ms"]["p50"] > 0
    assert told["calls_per_second"] > 1
    for when in ("walls_before", "walls_after"):
        assert tuple(told[when]) == walls.NAMES
        assert not [text for text in told[when].values() if text.startswith("DOWN")]


def test_its_table_is_for_people() -> None:
    done = _run("--calls", "2", "--seconds", "0.1", "--callers", "1")

    assert done.returncode == 0, done.stderr
    assert "calls a second" in done.stdout
    assert "filesystem" in done.stdout


def test_with_a_required_wall_down_there_are_no_numbers(benchmark: ModuleType) -> None:
    policy = Policy.load("restricted")
    with (
        ProcessSandbox(policy, without=frozenset({"seccomp", "netns", "landlock"})) as sandbox,
        pytest.raises(benchmark.WallDownError, match="'network'"),
    ):
        benchmark.measure(sandbox, policy, benchmark.Plan(2, 0.1, 1), time.perf_counter)


def test_a_policy_that_does_not_exist_is_wrong_use() -> None:
    done = _run("--policy", "nonexistent")

    assert (done.returncode, done.stdout) == (2, "")
    assert "nonexistent" in done.stderr
