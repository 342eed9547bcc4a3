"""`poet run --jobs` as its users have it: killed, interrupted, out of room, twice at once, and gone on with."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

_POET = Path(sys.executable).with_name("poet")
_SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "bulk_jobs.py"
_SOURCE = "def f(n):\n    return 'x' * 500 + str(n)\n"
_ENDLESS = "def f(n):\n    total = 0\n    for k in range(10**12):\n        total += k\n    return total\n"


def _write_jobs(folder: Path, count: int, source: str = _SOURCE) -> None:
    jobs = ({"id": f"j{n}", "source": source, "entry": "f", "args": [n]} for n in range(count))
    (folder / "jobs.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))


def _start(folder: Path, *, file_bytes: int | None = None) -> "subprocess.Popen[str]":
    """The command in a session of its own, as a shell would start it in a process group."""
    command = [
        *("env", f"POET_HOME={folder / 'home'}", str(_POET), "run"),
        *("--jobs", "jobs.jsonl", "--out", "out.jsonl", "--json"),
    ]
    started = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    if file_bytes is not None:
        resource.prlimit(started.pid, resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    return started


def _wait_for_results(folder: Path, count: int, running: "subprocess.Popen[str]") -> None:
    while running.poll() is None:
        if (folder / "out.jsonl").exists() and (folder / "out.jsonl").read_bytes().count(b"\n") >= count:
            return


def _ids(folder: Path) -> list[str]:
    return sorted(json.loads(line)["id"] for line in (folder / "out.jsonl").read_bytes().splitlines())


def _finish(folder: Path) -> dict[str, object]:
    running = _start(folder)
    out, err = running.communicate()
    assert running.returncode == 0, err
    summary: dict[str, object] = json.loads(out)
    return summary


def test_killed_twice_and_gone_on_with_every_job_has_one_result() -> None:
    """Good and hostile jobs, SIGKILL at random points; the statuses are those that the jobs deserve."""
    done = subprocess.run(
        [sys.executable, str(_SCRIPT), "--jobs", "400", "--json"],
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert [leg["killed"] for leg in report["runs"]] == [True, True, False]
    assert sum(report["statuses"].values()) == 400
    assert len(report["statuses"]) >= 6


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What is started in the background of a shell ignores interrupts, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_it_and_says_how_to_go_on(tmp_path: Path) -> None:
    """The terminal sends it to the whole process group; no job is written off because of it."""
    _write_jobs(tmp_path, 3000)
    running = _start(tmp_path)
    _wait_for_results(tmp_path, 20, running)
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate()
    assert running.returncode == 130
    assert "the same command goes on from there" in err
    before = _ids(tmp_path)
    assert 20 <= len(before) < 3000
    statuses = {json.loads(line)["status"] for line in (tmp_path / "out.jsonl").read_bytes().splitlines()}
    assert statuses == {"ok"}
    _write_jobs(tmp_path, len(before) + 60)
    assert _finish(tmp_path)["all_ok"] is True


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_in_the_middle_of_a_job_does_not_wait_for_its_budget(tmp_path: Path) -> None:
    _write_jobs(tmp_path, 1)
    assert _finish(tmp_path)["ran"] == 1
    good = (tmp_path / "jobs.jsonl").read_text()
    _write_jobs(tmp_path, 40, _ENDLESS)
    (tmp_path / "jobs.jsonl").write_text(good + (tmp_path / "jobs.jsonl").read_text().replace('"j', '"endless'))
    running = _start(tmp_path)
    assert running.stderr is not None
    assert "1 jobs; 40 are to do" in running.stderr.readline()
    os.killpg(running.pid, signal.SIGINT)
    running.communicate()
    assert running.returncode == 130
    assert _ids(tmp_path) == ["j0"]


def test_a_file_that_can_grow_no_more_loses_nothing(tmp_path: Path) -> None:
    """As on a full disk: the last line that fits is whole, and the rest runs when there is room again."""
    _write_jobs(tmp_path, 60)
    running = _start(tmp_path, file_bytes=30_000)
    out, err = running.communicate()
    assert running.returncode == 2
    assert "out.jsonl cannot be written on: File too large" in json.loads(out)["error"]["message"]
    assert "the same command goes on from there" in err
    some = _ids(tmp_path)
    assert 0 < len(some) < 60
    summary = _finish(tmp_path)
    assert (summary["earlier"], summary["ran"]) == (len(some), 60 - len(some))
    assert _ids(tmp_path) == sorted(f"j{n}" for n in range(60))


def test_two_runs_on_one_file_of_results_are_refused(tmp_path: Path) -> None:
    _write_jobs(tmp_path, 3000)
    first = _start(tmp_path)
    _wait_for_results(tmp_path, 1, first)
    second = _start(tmp_path)
    out, _ = second.communicate()
    assert second.returncode == 2
    assert "another run writes its results to out.jsonl" in json.loads(out)["error"]["message"]
    assert first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.communicate()
