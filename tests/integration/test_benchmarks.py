"""The benchmarks run, and they give no number for a sandbox whose walls are down."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from poet_engine.guest import codec
from poet_engine.policy import Policy
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("call_latency")


def _run(*arguments: str, script: str = "call_latency") -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, str(BENCHMARKS / f"{script}.py"), *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_it_measures_and_names_the_walls_of_what_it_measured() -> None:
    done = _run("--calls", "10", "--seconds", "0.2", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["frame_ms"]["p50"] <= told["frame_ms"]["p95"] <= told["frame_ms"]["worst"]
    assert told["verdict_ms"]["p50"] > 0
    assert told["calls_per_second"] > 1
    for when in ("walls_before", "walls_after"):
        assert tuple(told[when]) == isolation_checks.NAMES
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
        pytest.raises(benchmark.standing.WallDownError, match="'network'"),
    ):
        benchmark.measure(sandbox, policy, benchmark.Plan(2, 0.1, 1), time.perf_counter)


def test_a_policy_that_does_not_exist_is_wrong_use() -> None:
    done = _run("--policy", "nonexistent")

    assert (done.returncode, done.stdout) == (2, "")
    assert "nonexistent" in done.stderr


def test_kept_payloads_are_timed_as_such() -> None:
    done = _run("--fresh", "none", "--calls", "2", "--seconds", "0.1")

    assert done.returncode == 0, done.stderr
    assert "fresh = none" in done.stdout


def test_calls_in_flight_are_all_answered_each_with_its_own_value() -> None:
    done = _run("--calls", "12", "--seconds", "0.1", "--json", script="in_flight")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["ended"], told["wrong"]) == ({"ok/-": 12}, 0)
    assert 0 < told["lane_own_mib"]["p50"] < 20


def test_no_memory_is_given_beyond_the_budget() -> None:
    done = _run("--calls", "2", "--closings", "2", "--json", script="overshoot")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["memory_bytes"] == 0
    assert told["wall_ms"]["p50"] > 0


def test_a_cold_start_is_timed_part_by_part() -> None:
    done = _run("--starts", "2", script="cold_start")

    assert done.returncode == 0, done.stderr
    assert "open and first call" in done.stdout


def test_the_hosts_own_part_is_timed() -> None:
    done = _run("--calls", "20", "--starts", "2", "--json", script="host_overhead")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["pipeline_us"]["p50"] < told["sandboxed_us"]["p50"]
    assert told["import_ms"]["p50"] < told["import_poet_ms"]["p50"]


def test_the_gate_is_measured() -> None:
    done = _run("--scans", "3", "--json", script="gate")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 90 <= told["lines"] <= 110
    assert 0 < told["parse_cpu_ms"] < told["allow_list_cpu_ms"]
    assert told["cached_ms"]["p50"] < told["scan_ms"]["p50"]
    assert len(told["bomb_ms"]) > 5


def test_decoding_is_timed_for_every_tag() -> None:
    done = _run("--size", "0.05", "--attempts", "1", "--json", script="decoding")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["decodings"]
    assert {name.partition(":")[0] for name in told} == {"JSON", *codec.DECODERS}
    assert min(one["paid_ms"] for one in told.values()) > 0


def test_the_host_costs_of_every_order_are_measured() -> None:
    done = _run("--size", "0.02", "--attempts", "1", "--json", script="host_costs")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["costs"]
    assert {f"tag {tag}" for tag in codec.DECODERS} < set(told)
    assert told["refused process"]["charged"] > 0.5
    assert told["frame RESULT"]["became"] == "ok"


def test_three_attackers_beside_an_honest_caller_are_measured() -> None:
    done = _run("--seconds", "0.2", "--rounds", "1", "--orders", "integers", "--json", script="attackers")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["alone_ms"]["p50"] > 0
    assert told["beside"]["one engine: integers"]["p50"] > 0
