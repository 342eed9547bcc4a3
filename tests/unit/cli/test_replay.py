"""`poet replay` with an engine that answers from a script: what it runs, prints and returns."""

import contextlib
import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine import Engine
from poet_engine.cli import main
from poet_engine.events import EventFactory, RecordingPayload
from poet_engine.gate import Gate
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Blame, Status, Usage
from poet_engine.policy import Policy
from poet_engine.resilience.call_report import CallReport
from poet_engine.sandbox.fake import Answer, ScriptedSandbox, failed, ok
from poet_engine.versions import Metadata, VersionStore

POLICY = Policy.load("data")
METADATA = Metadata(
    created=1.0, domain="ml_monitoring", policy="data", policy_digest="0", original_digest="1", python="3.11",
    poet_version="0", origin="built_in",
)  # fmt: skip
CALL = CallReport(
    function_name="total", version="v1", execution_id="the-call", start=1.0, end=1.5,
    outcome=dataclasses.replace(ok(3), usage=Usage(wall_ms=400.0)), served_by="generated", attempts=1, policy=POLICY,
)  # fmt: skip
RECORDING = RecordingPayload(
    function_name="total", version="v1", execution_id="the-call", folder="total", policy="data",
    policy_digest=POLICY.digest, served_by="generated", arguments='{"args":[1],"kwargs":{"b":2}}', answer="3",
)  # fmt: skip

Answering = Callable[[Answer], ScriptedSandbox]


class Project:
    """A folder in which a function has left two versions and a journal."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "app" / ".poet"
        self.journal = self.root / "events" / "journal.db"
        function = VersionStore(self.root, clock=lambda: 1000.0).function("total")
        for number in (1, 2):
            function.add(code=f"def total(a, b):\n    return {number}\n", params={}, metadata=METADATA)
        function.promote("v2", actor="tests", reason="newer")
        self._ids = itertools.count(1)

    def record(self, *recorded: CallReport | RecordingPayload) -> str:
        """Leave events, and return the id of the first."""
        factory = EventFactory(lambda: 2.0, lambda size: next(self._ids).to_bytes(size), "testing", "tests", "1.2")
        with Journal.open(self.journal) as journal:
            recorder = Recorder(journal, factory)
            ids = [
                recorder.record(one) if isinstance(one, CallReport) else recorder.recording(one, about="the event")
                for one in recorded
            ]
        return ids[0]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    return Project(tmp_path)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """Engines that the command opens from now on answer as the script says; returns their sandbox."""
    with contextlib.ExitStack() as stack:

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
                assert wait
                assert isinstance(policy, Policy)
                assert (sandbox_name, journal, runtime) == ("auto", None, None)
                return Engine(
                    policy=policy, sandbox=sandbox, gate=Gate(), recorder=None, new_id=lambda: "again",
                    clock=lambda: 0.0,
                )  # fmt: skip

            monkeypatch.setattr(Engine, "opener", staticmethod(opener))
            return sandbox

        yield install


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_same_value_is_exit_0(project: Project, answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    """The version of then, with the arguments of then; both answers are shown."""
    sandbox = answering(dataclasses.replace(ok(3), usage=Usage(wall_ms=20.0)))
    project.record(CALL, RECORDING)
    assert main(["replay", "the-call"]) == 0
    out = capsys.readouterr().out
    for part in (
        "total, call the-call", "generated", "400.0 ms, 500.0 ms in all", "20.0 ms", f"data {POLICY.digest[:12]}",
        "the value is the same",
    ):  # fmt: skip
        assert part in out
    assert "another digest" not in out
    [job] = sandbox.jobs
    assert (job.entry, job.args, job.kwargs) == ("total", (1,), {"b": 2})
    assert job.source == "def total(a, b):\n    return 1\n"


def test_another_value_is_exit_1(project: Project, answering: Answering, capsys: pytest.CaptureFixture[str]) -> None:
    answering(ok(4))
    project.record(CALL, RECORDING)
    assert main(["replay", "the-call", "--version", "v1"]) == 1
    assert "then:\n3\n\nnow:\n4\n\nthe value is another\n" in capsys.readouterr().out
    sandbox = answering(ok(4))
    assert main(["replay", "the-call", "--version", "current", "--json"]) == 1
    found = document(capsys)
    assert (found["same"], found["said"], found["policy_changed"]) == (False, "the value is another", False)
    then, now = found["then"], found["now"]
    assert isinstance(then, dict)
    assert isinstance(now, dict)
    assert (then["version"], then["value"], then["status"], then["wall_ms"]) == ("v1", 3, "ok", 400.0)
    assert (now["version"], now["value"], now["status"]) == ("v2", 4, "ok")
    assert [job.filename for job in sandbox.jobs] == ["total/v2/code.py"]


def test_a_failure_is_exit_1_and_one_of_ours_2(
    project: Project, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    project.record(CALL, RECORDING)
    answering(failed(Status.LIMIT, "cpu", Blame.CODE))
    assert main(["replay", "the-call"]) == 1
    assert "it failed now: limit/cpu" in capsys.readouterr().out
    answering(failed(Status.INFRA, "setup", Blame.ENGINE))
    assert main(["replay", "the-call"]) == 2


def test_an_answer_that_was_not_kept_is_exit_1(
    project: Project, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(ok(3))
    project.record(CALL, dataclasses.replace(RECORDING, answer=None, left_out="the answer is too large"))
    assert main(["replay", "the-call"]) == 1
    assert "not kept: the answer is too large" in capsys.readouterr().out


def test_an_event_id_or_the_recording_alone_will_do(
    project: Project, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(ok(3))
    event_id = project.record(CALL, RECORDING)
    assert main(["replay", event_id, "--journal", str(project.journal)]) == 0
    answering(ok(3))
    alone = project.record(dataclasses.replace(RECORDING, execution_id="alone"))
    capsys.readouterr()
    assert main(["replay", alone]) == 0
    assert "not known" in capsys.readouterr().out


def test_a_policy_that_has_changed_is_said(
    project: Project, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(ok(3))
    project.record(CALL, dataclasses.replace(RECORDING, policy_digest="0" * 64))
    assert main(["replay", "the-call"]) == 0
    assert "the policy has another digest than then" in capsys.readouterr().out
    answering(ok(3))
    assert main(["replay", "the-call", "--policy", "restricted", "--json"]) == 0
    now = document(capsys)["now"]
    assert isinstance(now, dict)
    assert now["policy"] == "restricted"


def test_what_the_gate_rejects_now_does_not_run(
    project: Project, answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    """The version was stored once; whoever may write the folder may have changed code and digest together."""
    sandbox = answering(ok(3))
    VersionStore(project.root, clock=lambda: 1000.0).function("total").add(
        code="import os\n\n\ndef total(a, b):\n    return os\n", params={}, metadata=METADATA
    )
    project.record(CALL, RECORDING)
    assert main(["replay", "the-call", "--version", "v3"]) == 1
    assert "it failed now: rejected/" in capsys.readouterr().out
    assert sandbox.jobs == []


@pytest.mark.parametrize(
    ("recorded", "arguments", "complaint"),
    [
        ([], ["nobody"], "no call has the id 'nobody'"),
        ([CALL], ["the-call"], "@poet(record=True) or POET_RECORD=1"),
        ([CALL, dataclasses.replace(RECORDING, arguments=None, left_out="why")], ["the-call"], "were not kept: why"),
        ([CALL, RECORDING], ["the-call", "--version", "v9"], "there is no version v9; there is v1, v2"),
        ([CALL, RECORDING], ["the-call", "--version", "latest"], "is not the name of a version"),
        ([CALL, dataclasses.replace(RECORDING, folder="../total")], ["the-call"], "cannot be the name of a function"),
        ([CALL, dataclasses.replace(RECORDING, policy="lab")], ["the-call"], "with --policy"),
        ([CALL, dataclasses.replace(RECORDING, function_name="f()")], ["the-call"], "is no function name"),
        ([CALL, RECORDING], ["the-call", "--policy", "nowhere.toml"], "nowhere.toml"),
        ([CALL, RECORDING], ["the-call", "--journal", "nowhere.db"], "there is no journal nowhere.db"),
    ],
)
def test_what_cannot_be_run_again_is_exit_2_and_says_why(
    project: Project,
    answering: Answering,
    capsys: pytest.CaptureFixture[str],
    *,
    recorded: list[CallReport | RecordingPayload],
    arguments: list[str],
    complaint: str,
) -> None:
    sandbox = answering(ok(3))
    if recorded:
        project.record(*recorded)
    assert main(["replay", *arguments]) == 2
    printed = capsys.readouterr()
    assert complaint in printed.err
    assert printed.out == ""
    assert sandbox.jobs == []


def test_explain_points_to_it(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Only where there are arguments to run it with."""
    project.record(CALL, RECORDING)
    project.record(dataclasses.replace(CALL, execution_id="other"))
    assert main(["explain", "the-call"]) == 0
    assert "`poet replay the-call` runs it again" in capsys.readouterr().out
    assert main(["explain", "other"]) == 0
    assert "poet replay" not in capsys.readouterr().out
