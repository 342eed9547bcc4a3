"""`poet run --jobs` with an engine that answers from a script: what it checks, writes, prints and returns."""

import contextlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine import Engine
from poet_engine.cli import main
from poet_engine.gate import Gate
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.fake import Answer, ScriptedSandbox, failed, ok

_CLEAN = "def f(x):\n    return x\n"
_BULK = ["run", "--jobs", "jobs.jsonl", "--out", "out.jsonl"]

Answering = Callable[[Answer], ScriptedSandbox]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """Engines that the command opens from now on answer as the script says; returns their sandbox."""
    with contextlib.ExitStack() as stack:
        numbers = itertools.count(1)

        def install(answer: Answer) -> ScriptedSandbox:
            sandbox = stack.enter_context(ScriptedSandbox([answer]))

            def opener(
                policy: Policy | str | Path | None,
                sandbox_name: str,
                journal: Path | str | None,
                *,
                runtime: str | None,
                wait: bool,
            ) -> Engine:
                assert wait, "the command tells at its start when a wall is down"
                assert isinstance(policy, Policy)
                assert (sandbox_name, journal, runtime) == ("auto", None, None)
                return Engine(
                    policy=policy,
                    sandbox=sandbox,
                    gate=Gate(),
                    recorder=None,
                    new_id=lambda: f"run-{next(numbers)}",
                    clock=lambda: 0.0,
                )

            monkeypatch.setattr(Engine, "opener", staticmethod(opener))
            return sandbox

        yield install


def _write_jobs(count: int, **changes: object) -> None:
    jobs = ({"id": f"j{n}", "source": _CLEAN, "entry": "f", "args": [n], **changes} for n in range(count))
    Path("jobs.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))


def _results() -> dict[str, dict[str, object]]:
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == len(lines)
    return {line["id"]: line for line in lines}


def _echo(job: Job) -> Outcome:
    return ok(job.args[0])


def test_every_job_has_one_result(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(_echo)
    _write_jobs(30)
    assert main(_BULK) == 0
    assert {name: line["value"] for name, line in _results().items()} == {f"j{n}": n for n in range(30)}
    printed = capsys.readouterr()
    assert printed.out.startswith("30 jobs: 30 ran in ")
    assert "  ok: 30\n" in printed.out
    assert printed.err == ""


def test_outcomes_that_are_not_ok_are_results_too(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(lambda job: _echo(job) if job.args[0] != 3 else failed(Status.LIMIT, "cpu"))
    _write_jobs(10)
    assert main(_BULK) == 1
    assert {line["status"] for line in _results().values()} == {"ok", "limit"}
    assert _results()["j3"]["cause"] == "cpu"
    assert "not ok now: limit/cpu 1" in capsys.readouterr().out


def test_the_summary_can_be_json(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(_echo)
    _write_jobs(10)
    assert main([*_BULK, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["jobs"], summary["ran"], summary["earlier"], summary["complete"]) == (10, 10, 0, True)
    assert summary["statuses"] == {"ok": 10}


def test_a_second_start_runs_only_what_has_no_result(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    first = answering(_echo)
    _write_jobs(10)
    assert main(_BULK) == 0
    whole = Path("out.jsonl").read_bytes().splitlines(keepends=True)
    Path("out.jsonl").write_bytes(b"".join(whole[:6]) + whole[6][:40])
    again = answering(_echo)
    capsys.readouterr()
    assert main(_BULK) == 0
    assert len(_results()) == 10
    assert (len(first.jobs), len(again.jobs)) == (10, 4)
    printed = capsys.readouterr()
    assert "out.jsonl has the results of 6 jobs; 4 are to do\n" in printed.err
    assert "ends in the middle of a result; its 40 bytes are cut off" in printed.err
    assert "10 jobs: 4 ran" in printed.out
    assert "  ok: 10\n" in printed.out
    assert main(_BULK) == 0
    assert len(again.jobs) == 4


def test_the_exit_code_counts_earlier_results_too(answering: Answering) -> None:
    answering(lambda job: _echo(job) if job.args[0] else failed(Status.ERROR, "exception"))
    _write_jobs(3)
    assert main(_BULK) == 1
    assert main(_BULK) == 1


def test_more_jobs_can_be_added_and_results_of_others_are_told(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(_echo)
    _write_jobs(3)
    assert main(_BULK) == 0
    answering(_echo)
    _write_jobs(5)
    assert main(_BULK) == 0
    assert len(_results()) == 5
    _write_jobs(2)
    assert main(_BULK) == 0
    assert "out.jsonl has 3 results of jobs that are not in this file of jobs" in capsys.readouterr().err


def test_nothing_runs_while_a_line_is_wrong(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    """All wrong lines are named, the first of them in the error itself, and there is no file of results."""
    sandbox = answering(_echo)
    _write_jobs(3)
    text = Path("jobs.jsonl").read_text()
    Path("jobs.jsonl").write_text(text + '{"id": "x"}\nnonsense\n' + text.splitlines()[1] + "\n")
    assert main([*_BULK, "--json"]) == 2
    printed = capsys.readouterr()
    assert "jobs.jsonl:4 has no 'source'" in json.loads(printed.out)["error"]["message"]
    assert "no job was run (2 more are wrong)" in printed.err
    assert "jobs.jsonl:5 is not JSON" in printed.err
    assert "jobs.jsonl:6 has the id of line 2; give every job an id of its own" in printed.err
    assert sandbox.jobs == []
    assert not Path("out.jsonl").exists()


def test_hundreds_of_wrong_lines_are_counted(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(_echo)
    Path("jobs.jsonl").write_text("nonsense\n" * 300)
    assert main(_BULK) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 21
    assert "and 280 more in jobs.jsonl" in printed


def test_a_job_that_was_changed_since_is_named(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(_echo)
    _write_jobs(3)
    assert main(_BULK) == 0
    _write_jobs(3, args=["changed"])
    before = Path("out.jsonl").read_bytes()
    assert main(_BULK) == 2
    assert "jobs.jsonl:1: the job 'j0' was changed since its result was written on line" in capsys.readouterr().err
    assert Path("out.jsonl").read_bytes() == before


def test_jobs_and_results_in_one_file_are_refused(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(_echo)
    _write_jobs(1)
    before = Path("jobs.jsonl").read_bytes()
    assert main(["run", "--jobs", "jobs.jsonl", "--out", "jobs.jsonl"]) == 2
    assert Path("jobs.jsonl").read_bytes() == before
    assert "poet: error: jobs.jsonl:1 is no result of poet run" in capsys.readouterr().err
    Path("empty.jsonl").touch()
    assert main(["run", "--jobs", "empty.jsonl", "--out", "empty.jsonl"]) == 2
    assert "--jobs and --out are the same file" in capsys.readouterr().err


def test_results_can_be_printed(answering: Answering, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    answering(_echo)
    _write_jobs(5)
    assert main(["run", "--jobs", "jobs.jsonl", "--out", "-"]) == 0
    printed = capsysbinary.readouterr()
    assert sorted(json.loads(line)["id"] for line in printed.out.splitlines()) == [f"j{n}" for n in range(5)]
    assert printed.err.startswith(b"5 jobs: 5 ran")
    assert main(["run", "--jobs", "jobs.jsonl", "--out", "-", "--json"]) == 2


def test_an_interrupt_says_how_to_go_on(answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that has a result keeps it, and nothing goes on running."""

    def interrupt(job: Job) -> Outcome:
        if job.args[0] == 7:
            raise KeyboardInterrupt
        return _echo(job)

    before = set(threading.enumerate())
    answering(interrupt)
    _write_jobs(20)
    assert main([*_BULK, "--concurrency", "1"]) == 130
    assert f"interrupted: {len(_results())} of 20 results are in out.jsonl; the same command goes on from there" in (
        capsys.readouterr().err
    )
    assert len(_results()) == 7
    answering(_echo)
    assert main(_BULK) == 0
    assert len(_results()) == 20
    assert set(threading.enumerate()) <= before


def test_a_shorter_time_reaches_every_job(answering: Answering) -> None:
    sandbox = answering(_echo)
    _write_jobs(2)
    assert main([*_BULK, "--timeout", "500ms"]) == 0
    assert [job.wall for job in sandbox.jobs] == [0.5, 0.5]
    assert main([*_BULK, "--timeout", "500h"]) == 2


def test_a_job_whose_argument_cannot_travel_is_refused_and_no_other(answering: Answering) -> None:
    answering(_echo)
    deep: list[object] = []
    for _ in range(150):
        deep = [deep]
    _write_jobs(2, args=[deep])
    assert main(_BULK) == 1
    assert [(line["status"], line["cause"]) for line in _results().values()] == [("refused", "input")] * 2
