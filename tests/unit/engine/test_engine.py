"""The one use case, with a sandbox that answers from a script: gate, sandbox, outcome, event."""

import asyncio
import dataclasses
import itertools
import json
import threading
from pathlib import Path

import pytest
from tests.unit.engine.bench import CLEAN, FORBIDDEN, NOW, POLICY, Bench, bench

from poet_engine.engine import Engine
from poet_engine.errors import ClosedError, LimitError, RejectedError, SerializationError, UsageError
from poet_engine.gate import Gate
from poet_engine.job import Job, OutputCallback, Script
from poet_engine.journal import Journal
from poet_engine.outcome import Blame, Effect, Evidence, Outcome, Status, Usage
from poet_engine.policy import Policy
from poet_engine.sandbox.fake import ScriptedSandbox, failed, ok

BROKEN = "def double(x:\n"


class TestRun:
    def test_clean_source_runs_with_its_arguments(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        outcome = made.engine.run(CLEAN, "double", 1, x=2)
        assert (outcome.status, outcome.value, outcome.execution_id) == (Status.OK, 42, "run-1")
        assert made.sandbox.jobs == [Job(source=CLEAN, entry="double", args=(1,), kwargs={"x": 2})]

    def test_parameters_may_be_called_what_run_calls_its_own(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        made.engine.run(CLEAN, "double", source=1, entry=2)
        assert made.sandbox.jobs[0].kwargs == {"source": 1, "entry": 2}

    def test_it_never_raises_for_what_the_code_did(self, gate: Gate, journal: Journal) -> None:
        for status in set(Status) - {Status.OK}:
            made = bench(gate, journal, failed(status, "some"))
            assert made.engine.run(CLEAN, "double").status is status

    def test_an_argument_that_cannot_travel_is_the_callers_error(self, gate: Gate, journal: Journal) -> None:
        with pytest.raises(SerializationError, match="argument 1"):
            bench(gate, journal).engine.run(CLEAN, "double", object())

    @pytest.mark.parametrize("entry", ["", "a.b", "1x", "f()", "a b", "<lambda>"])
    def test_an_entry_that_is_no_name_is_wrong_use(self, gate: Gate, journal: Journal, entry: str) -> None:
        made = bench(gate, journal)
        with pytest.raises(UsageError, match="no function name"):
            made.engine.run(CLEAN, entry)
        assert made.sandbox.jobs == []

    def test_a_deadline_of_the_job_reaches_the_sandbox(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        made.engine.run_job(Job(source=CLEAN, entry="double", wall=0.5))
        assert made.sandbox.jobs[0].wall == 0.5


class TestRunScript:
    def test_what_is_given_reaches_the_sandbox_as_bytes(self, gate: Gate, journal: Journal, tmp_path: Path) -> None:
        made = bench(gate, journal)
        (tmp_path / "b").write_bytes(b"2")
        outcome = made.engine.run_script(
            "print(1)\n",
            stdin="in",
            argv=["-x"],
            files_in={"a": b"1", "sub/b": tmp_path / "b"},
            files_out=["*.csv"],
            wall=0.5,
        )
        assert (outcome.status, outcome.execution_id) == (Status.OK, "run-1")
        files = {"a": b"1", "sub/b": b"2"}
        assert made.sandbox.scripts == [
            Script(source="print(1)\n", stdin=b"in", argv=["-x"], files_in=files, files_out=["*.csv"], wall=0.5)
        ]

    def test_it_leaves_an_event_like_any_run(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        made.engine.run_script("print(1)\n")
        assert made.event().payload.function_name == "script.py"

    def test_what_the_gate_rejects_does_not_run(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        outcome = made.engine.run_script("print(open('/etc/passwd').read())\n", files_out=["a"])
        assert (outcome.status, outcome.cause) == (Status.REJECTED, "scan_ast")
        assert (made.sandbox.scripts, outcome.files, outcome.files_skipped) == ([], {}, {})

    @pytest.mark.parametrize(
        "source",
        ["def main():\n    print(1)\n\nif __name__ == '__main__':\n    main()\n", "for n in range(3):\n    print(n)\n"],
    )
    def test_statements_at_the_top_are_no_finding(self, gate: Gate, journal: Journal, source: str) -> None:
        assert bench(gate, journal).engine.run_script(source).ok

    def test_a_closed_engine_reads_no_files(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        made.engine._closed = True
        with pytest.raises(ClosedError):
            made.engine.run_script("print(1)", files_in={"a": Path("nowhere")})


def in_mode(mode: str) -> Policy:
    return Policy.parse(f'[static]\nmode = "{mode}"\n')


def noted(made: Bench) -> list[tuple[str, str]]:
    return [(note.rule, note.effect) for note in made.event().payload.findings or ()]


class TestRunNotebook:
    def test_cells_reach_the_sandbox_as_one_source(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, for_script=ok(42))
        outcome = made.engine.run_notebook(["x = 1", "%matplotlib inline\nx + 1"], stdin="in", wall=0.5)
        assert outcome.value == 42
        assert made.sandbox.scripts == [
            Script(
                source="x = 1\npass\nx + 1\n",
                filename="notebook.ipynb",
                cells=((1, 0), (2, 1)),
                stdin=b"in",
                wall=0.5,
            )
        ]
        assert made.event().payload.function_name == "notebook.ipynb"

    def test_one_text_is_one_cell(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        made.engine.run_notebook("1\n2")
        assert made.sandbox.scripts[0].cells == ((1, 0),)

    def test_a_file_is_read_and_known_by_its_name(self, gate: Gate, journal: Journal, tmp_path: Path) -> None:
        made = bench(gate, journal)
        path = tmp_path / "a.ipynb"
        cells = [{"cell_type": "markdown", "source": "text"}, {"cell_type": "code", "source": ["x = 1\n", "x"]}]
        path.write_text(json.dumps({"cells": cells}))
        assert made.engine.run_notebook(path).ok
        (script,) = made.sandbox.scripts
        assert (script.source, script.filename, script.cells) == ("x = 1\nx\n", "a.ipynb", ((2, 0),))

    def test_findings_name_the_cell_and_the_line_in_it(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        outcome = made.engine.run_notebook(["x = 1\n", "\nopen('a')", "!id"])
        assert (outcome.status, made.sandbox.scripts) == (Status.REJECTED, [])
        placed = [(each.message.partition(": ")[0], each.line, each.end_line) for each in outcome.findings]
        assert placed[:2] == [("cell 2", 2, 2), ("cell 3", 1, 1)]
        modules = {"h": "open('b')\n"}
        found = made.engine.run_notebook(["x = 1\n", "\nopen('a')"], modules=modules).findings
        assert {(each.message.split(": ")[0], each.line) for each in found} == {("cell 2", 2), ("h.py", 1)}

    def test_what_awaits_at_the_top_is_scanned_like_the_rest(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        good = "async def f():\n    return 1\nasync for x in f():\n    pass\n[await f() for _ in 'ab']\nawait f()"
        assert made.engine.run_notebook(good).ok
        for bad in ("await open('a')", "async with open('a'):\n    pass", "[open(x) async for x in 'a']"):
            assert [each.rule for each in made.engine.run_notebook(bad).findings] == ["POET120"]

    def test_a_cell_that_does_not_parse_is_rejected(self, gate: Gate, journal: Journal) -> None:
        outcome = bench(gate, journal).engine.run_notebook(["x = 1", "files = !ls"])
        assert (outcome.status, outcome.cause) == (Status.REJECTED, "syntax")
        assert outcome.findings[0].message.startswith("cell 2: ")

    @pytest.mark.parametrize("notebook", [None, 3, b"x = 1", [b"x = 1"], [1], {"cells": []}])
    def test_what_is_no_notebook_is_wrong_use(self, gate: Gate, journal: Journal, notebook: str) -> None:
        with pytest.raises(UsageError, match=r"notebook is given|cell is given"):
            bench(gate, journal).engine.run_notebook(notebook)

    def test_a_file_that_is_none_is_wrong_use(self, gate: Gate, journal: Journal, tmp_path: Path) -> None:
        engine = bench(gate, journal).engine
        with pytest.raises(UsageError, match="cannot be read"):
            engine.run_notebook(tmp_path / "nowhere.ipynb")
        with pytest.raises(UsageError, match=r"cannot be read|no regular file"):
            engine.run_notebook(tmp_path)
        (tmp_path / "a.ipynb").write_bytes(b"\xff")
        with pytest.raises(UsageError, match="not UTF-8"):
            engine.run_notebook(tmp_path / "a.ipynb")
        (tmp_path / "a.ipynb").write_text("x = 1")
        with pytest.raises(UsageError, match="not a notebook"):
            engine.run_notebook(tmp_path / "a.ipynb")


class TestLiveOutput:
    def test_the_callback_reaches_the_sandbox_and_not_the_code(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, dataclasses.replace(ok(1), stdout="out"))
        told: list[tuple[str, str]] = []
        outcome = made.engine.run(CLEAN, "double", 1, on_output=lambda stream, text: told.append((stream, text)))
        assert (outcome.stdout, told) == ("out", [("stdout", "out")])
        assert made.sandbox.jobs[0].kwargs == {}

    @pytest.mark.parametrize("on_output", ["print", 1, [print]])
    def test_what_cannot_be_called_is_wrong_use(self, gate: Gate, journal: Journal, on_output: OutputCallback) -> None:
        made = bench(gate, journal)
        with pytest.raises(UsageError, match="on_output is of type"):
            made.engine.run(CLEAN, "double", 1, on_output=on_output)
        with pytest.raises(UsageError, match="on_output is of type"):
            asyncio.run(made.engine.arun(CLEAN, "double", 1, on_output=on_output))
        assert made.sandbox.jobs == []

    def test_a_coroutine_function_is_wrong_use(self, gate: Gate, journal: Journal) -> None:
        async def on_output(_stream: str, _text: str) -> None:
            raise AssertionError

        with pytest.raises(UsageError, match="nobody would await it"):
            bench(gate, journal).engine.run(CLEAN, "double", 1, on_output=on_output)

    def test_in_asyncio_it_is_called_in_the_event_loop(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, dataclasses.replace(ok(1), stdout="out", stderr="err"))

        async def call() -> list[object]:
            told: list[object] = []
            await made.engine.arun(
                CLEAN, "double", 1, on_output=lambda *piece: told.append((*piece, threading.current_thread()))
            )
            return told

        here = threading.current_thread()
        assert asyncio.run(call()) == [("stdout", "out", here), ("stderr", "err", here)]

    def test_an_error_in_the_event_loop_is_the_callbacks(
        self, gate: Gate, journal: Journal, caplog: pytest.LogCaptureFixture
    ) -> None:
        made = bench(gate, journal, dataclasses.replace(ok(1), stdout="out"))

        def broken(_stream: str, _text: str) -> None:
            raise ValueError("the caller's own")

        assert asyncio.run(made.engine.arun(CLEAN, "double", 1, on_output=broken)).ok
        assert "on_output raised" in caplog.text


class TestGate:
    @pytest.mark.parametrize(("source", "cause"), [(FORBIDDEN, "scan_ast"), (BROKEN, "syntax")])
    def test_what_it_rejects_does_not_run(self, gate: Gate, journal: Journal, source: str, cause: str) -> None:
        made = bench(gate, journal)
        outcome = made.engine.run(source, "double", 1)
        assert made.sandbox.jobs == []
        assert (outcome.status, outcome.cause, outcome.blame) == (Status.REJECTED, cause, Blame.CODE)
        assert outcome.findings
        assert outcome.evidence == Evidence(outcome.findings[0].rule, source="gate")
        assert (outcome.execution_id, outcome.sandbox) == ("run-1", "scripted")

    def test_a_rejected_run_leaves_an_event_too(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        made.engine.run(FORBIDDEN, "double")
        payload = made.event().payload
        assert (payload.status, payload.outcome, payload.cause) == ("failure", "rejected", "scan_ast")
        assert (payload.served_by, payload.execution_id) == ("none", "run-1")

    def test_in_the_mode_warn_it_runs_and_the_caller_is_told(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, policy=in_mode("warn"))
        outcome = made.engine.run(FORBIDDEN, "double", 1)
        assert outcome.ok
        assert len(made.sandbox.jobs) == 1
        assert outcome.findings
        assert {finding.effect for finding in outcome.findings} == {Effect.WARN}
        assert outcome.audited == ()
        assert noted(made) == [("POET110", "warn")] * len(outcome.findings)

    def test_in_the_mode_audit_it_runs_and_only_the_event_says_so(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, policy=in_mode("audit"))
        outcome = made.engine.run(FORBIDDEN, "double", 1)
        assert outcome.ok
        assert len(made.sandbox.jobs) == 1
        assert outcome.findings == ()
        assert "POET110" not in repr(outcome)
        assert noted(made) == [("POET110", "audit")] * len(outcome.audited)
        assert outcome.audited

    def test_a_scan_runs_nothing(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        assert made.engine.scan(FORBIDDEN).rejected
        assert not made.engine.scan(CLEAN).rejected
        assert made.sandbox.jobs == []
        assert journal.find() == []

    def test_decorators_of_ours_are_taken_off(self, gate: Gate, journal: Journal) -> None:
        text = bench(gate, journal).engine.undecorate(f"from poet_engine import poet\n\n@poet\n{CLEAN}")
        assert "poet" not in text
        assert CLEAN in text


class TestEvents:
    def test_a_run_leaves_one_with_everything_that_is_known(self, gate: Gate, journal: Journal) -> None:
        usage = Usage(wall_ms=10.0, cpu_ms=5.0, memory_peak_bytes=2_000_000)
        made = bench(gate, journal, dataclasses.replace(ok(1), usage=usage))
        recorded = made.engine.execute(Job(source=CLEAN, entry="double", args=[1]))
        event = made.event()
        assert event.id == recorded.event_id
        assert event.correlation_id == recorded.outcome.execution_id == event.payload.execution_id == "run-1"
        payload = event.payload
        assert (payload.function_name, payload.status, payload.served_by) == ("double", "success", "generated")
        assert payload.version == made.engine.scan(CLEAN).digest[:12]
        assert payload.policy_digest == POLICY.digest
        assert (payload.start_time, payload.end_time) == (NOW, NOW + 2)  # the gate looks at the day in between
        assert payload.attempts == 1
        assert (payload.metrics.memory_mb, payload.metrics.cpu_percent) == (2.0, 50.0)
        assert payload.error is None

    def test_a_failure_says_why(self, gate: Gate, journal: Journal) -> None:
        outcome = Outcome(
            status=Status.LIMIT, cause="cpu", evidence=Evidence("cpu_ms", 4000.0, 4000.0), limits_hit=("cpu",)
        )
        made = bench(gate, journal, outcome)
        made.engine.run(CLEAN, "double")
        payload = made.event().payload
        assert (payload.status, payload.outcome, payload.cause) == ("failure", "limit", "cpu")
        assert (payload.evidence, payload.limits_hit) == ("cpu_ms=4000 limit=4000", ("cpu",))
        assert payload.error is not None
        assert payload.error.type == "limit/cpu"

    def test_every_run_has_an_event_of_its_own(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        ids = {made.engine.execute(Job(source=CLEAN, entry="double")).event_id for _ in range(20)}
        made.engine.flush()
        assert {event.id for event in journal.find()} == ids
        assert len(ids) == 20

    def test_an_attempt_leaves_none(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        assert made.engine.attempt(Job(source=CLEAN, entry="double")).ok
        assert journal.find() == []

    def test_without_a_recorder_there_are_none_and_no_id(self, gate: Gate) -> None:
        sandbox = ScriptedSandbox([ok(1)])
        engine = Engine(
            policy=POLICY, sandbox=sandbox, gate=gate, recorder=None, new_id=lambda: "run", clock=lambda: NOW
        )
        assert engine.execute(Job(source=CLEAN, entry="double")).event_id == ""
        engine.flush()
        assert engine.run(CLEAN, "double").ok


class TestLoaded:
    def test_it_is_called_like_the_function(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, lambda job: ok(job.args))
        double = made.engine.load(CLEAN, "double")
        assert double(3) == (3,)
        assert double.call(4).value == (4,)
        assert "double" in repr(double)

    def test_its_failures_are_raised(self, gate: Gate, journal: Journal) -> None:
        double = bench(gate, journal, failed(Status.LIMIT, "wall")).engine.load(CLEAN, "double")
        with pytest.raises(LimitError, match="limit/wall"):
            double(1)

    def test_what_the_gate_rejects_is_not_loaded(self, gate: Gate, journal: Journal) -> None:
        with pytest.raises(RejectedError, match="POET"):
            bench(gate, journal).engine.load(FORBIDDEN, "double")


class TestLife:
    def test_closing_closes_everything_and_may_be_done_twice(self, tmp_path: Path) -> None:
        with bench(Gate(), Journal.open(tmp_path / "journal.db")).engine as engine:
            assert not engine.closed
        engine.close()
        assert engine.closed
        for use in (lambda: engine.run(CLEAN, "double"), lambda: engine.scan(CLEAN), engine.doctor):
            with pytest.raises(ClosedError):
                use()

    def test_what_it_was_made_of_is_closed_too(self, tmp_path: Path) -> None:
        made = bench(Gate(), Journal.open(tmp_path / "journal.db"))
        made.engine.close()
        with pytest.raises(ClosedError):
            made.sandbox.run(Job(source=CLEAN, entry="double"))
        with pytest.raises(ClosedError):
            made.journal.find()

    def test_it_says_what_it_is(self, gate: Gate, journal: Journal) -> None:
        engine = bench(gate, journal).engine
        assert repr(engine) == "<Engine policy=restricted <ScriptedSandbox calls=0>>"
        assert engine.sandbox_name == "scripted"
        assert engine.statistics().calls == 0
        assert all(report.held for report in engine.doctor())


class TestMany:
    def test_outcomes_come_in_the_order_of_the_jobs_with_their_ids(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, lambda job: ok(job.args))
        jobs = (Job(source=CLEAN, entry="double", args=(n,), id=f"j{n}") for n in range(40))
        outcomes = list(made.engine.map(jobs, concurrency=3))
        assert [(outcome.job_id, outcome.value) for outcome in outcomes] == [(f"j{n}", (n,)) for n in range(40)]
        made.engine.flush()
        assert len(journal.find()) == 40

    def test_as_they_end_each_says_whose_it_is(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal, lambda job: ok(job.args[0]))
        jobs = [Job(source=CLEAN, entry="double", args=(n,), id=str(n)) for n in range(40)]
        outcomes = list(made.engine.map(jobs, ordered=False))
        assert {outcome.job_id: str(outcome.value) for outcome in outcomes} == {str(n): str(n) for n in range(40)}

    def test_jobs_that_cannot_start_or_may_not_run_have_an_outcome(self, gate: Gate, journal: Journal) -> None:
        made = bench(gate, journal)
        jobs = [
            Job(source=CLEAN, entry="no name", id="a"),
            Job(source=CLEAN, entry="double", args=(object(),), id="b"),
            Job(source=FORBIDDEN, entry="double", id="c"),
            Job(source=CLEAN, entry="double", id="d"),
        ]
        outcomes = list(made.engine.map(jobs))
        assert [outcome.job_id for outcome in outcomes] == ["a", "b", "c", "d"]
        assert [outcome.status for outcome in outcomes] == [
            Status.REFUSED,
            Status.REFUSED,
            Status.REJECTED,
            Status.OK,
        ]
        assert "argument 1 is a object" in str(outcomes[1].evidence)

    def test_a_source_that_comes_again_is_scanned_once(self, journal: Journal) -> None:
        with Gate() as own:
            made = bench(own, journal)
            assert len(list(made.engine.map(Job(source=CLEAN, entry="double") for _ in range(30)))) == 30
            assert own.statistics().scans - own.statistics().cached == 1

    def test_a_closed_engine_maps_nothing(self, tmp_path: Path) -> None:
        made = bench(Gate(), Journal.open(tmp_path / "journal.db"))
        begun = made.engine.map(Job(source=CLEAN, entry="double") for _ in itertools.repeat(None))
        assert next(begun).ok
        made.engine.close()
        with pytest.raises(ClosedError):
            list(begun)
        with pytest.raises(ClosedError):
            made.engine.map([])

    def test_hundreds_of_calls_are_in_flight_at_once(self, tmp_path: Path) -> None:
        """Each of them waits for all the others."""
        together = threading.Barrier(300)

        def answer(job: Job) -> Outcome:
            together.wait(30)
            return ok(job.args[0])

        async def all_of_them(engine: Engine) -> list[Outcome]:
            return await asyncio.gather(*(engine.arun(CLEAN, "double", n) for n in range(300)))

        before = set(threading.enumerate())
        made = bench(Gate(), Journal.open(tmp_path / "journal.db"), answer)
        outcomes = asyncio.run(all_of_them(made.engine))
        assert [outcome.value for outcome in outcomes] == list(range(300))
        made.engine.close()
        assert set(threading.enumerate()) <= before

    def test_a_task_that_is_cancelled_twice_still_waits_for_its_run(self, gate: Gate, journal: Journal) -> None:
        reached, go, ended = threading.Event(), threading.Event(), list[str]()

        def answer(_job: Job) -> Outcome:
            reached.set()
            go.wait(30)
            ended.append("ended")
            return ok(1)

        async def give_up_twice(engine: Engine) -> None:
            task = asyncio.create_task(engine.arun(CLEAN, "double", 1))
            assert await asyncio.to_thread(reached.wait, 30)
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0)
            assert not task.done()
            go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert ended == ["ended"]

        made = bench(gate, journal, answer)
        asyncio.run(give_up_twice(made.engine))

    def test_a_closed_engine_awaits_nothing(self, tmp_path: Path) -> None:
        made = bench(Gate(), Journal.open(tmp_path / "journal.db"))
        made.engine.close()
        with pytest.raises(ClosedError):
            asyncio.run(made.engine.arun(CLEAN, "double", 1))


def test_an_attempt_of_a_call_has_the_id_of_the_call(gate: Gate, journal: Journal) -> None:
    made = bench(gate, journal)
    job = Job(source=CLEAN, entry="double", args=(1,))
    assert made.engine.attempt(job, execution_id="the-call").execution_id == "the-call"
    assert made.engine.attempt(job).execution_id == "run-1"
