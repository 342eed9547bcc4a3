"""`poet show`: where a function runs and why, as its calls have told."""

import dataclasses
import json
from pathlib import Path

import pytest

from poet_engine.cli import main
from poet_engine.events import EventFactory
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.resilience.call_report import CallReport
from poet_engine.versions import FunctionStore, Metadata, VersionStore

POLICY = Policy.load("data")
METADATA = Metadata(
    created=1.0, domain="ml_monitoring", policy="data", policy_digest="0", original_digest="1", python="3.11",
    poet_version="0", origin="built_in", module="shop",
)  # fmt: skip
CALL = CallReport(
    function_name="total", version="v2", execution_id="e1", start=1.0, end=2.0, outcome=Outcome(status=Status.OK),
    served_by="generated", attempts=1, policy=POLICY,
)  # fmt: skip
HOSTED = CallReport(
    function_name="total", version="original", execution_id="e2", start=3.0, end=4.0, outcome=None,
    served_by="original", attempts=1, policy=None, fallback_reason="it is a method",
)  # fmt: skip
UNTRAVELLED = CallReport(
    function_name="total", version="original", execution_id="e3", start=5.0, end=6.0, outcome=None,
    served_by="original", attempts=0, policy=POLICY, fallback_reason="argument 1 cannot travel",
)  # fmt: skip
REFUSED = CallReport(
    function_name="total", version="original", execution_id="e4", start=7.0, end=8.0, served_by="none", attempts=0,
    outcome=Outcome(status=Status.REFUSED, cause="input", blame=Blame.CALLER), policy=None,
)  # fmt: skip


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FunctionStore:
    """A function with two versions, in the folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    (tmp_path / "shop.py").write_text("raise SystemExit('imported')\n")
    function = VersionStore(tmp_path / ".poet", clock=lambda: 1000.0).function("total")
    for number in (1, 2):
        function.add(code=f"def total(): return {number}\n", params={}, metadata=METADATA)
    function.promote("v2", actor="tests", reason="tests")
    return function


def record(folder: Path, *calls: CallReport) -> None:
    numbers = iter(range(1, 1000))
    factory = EventFactory(lambda: float(next(numbers)), lambda count: next(numbers).to_bytes(count), "e", "s", "0")
    with Journal.open(folder / "events" / "journal.db") as journal:
        for call in calls:
            Recorder(journal, factory).record(call)


def shown(capsys: pytest.CaptureFixture[str], target: str = "shop.py:total") -> dict[str, object]:
    assert main(["show", target, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("calls", "runs", "why"),
    [
        ([], None, None),
        ([CALL], "sandboxed", "v2 serves"),
        ([CALL, HOSTED], "host", "it is a method"),
        ([HOSTED, UNTRAVELLED], "sandboxed", "argument 1 cannot travel"),
        ([CALL, REFUSED], "sandboxed", "v2 serves"),
    ],
)
def test_where_it_runs_is_what_its_last_call_told(
    function: FunctionStore, capsys: pytest.CaptureFixture[str], calls: list[CallReport], runs: str, why: str
) -> None:
    """A call whose argument was refused tells nothing; one that could not travel was meant for the sandbox."""
    record(function.path.parent, *calls)
    found = shown(capsys)
    assert (found["runs"], found["why"]) == (runs, why)
    versions = found["versions"]
    assert isinstance(versions, list)
    assert [(version["version"], version["serves"], version["intact"]) for version in versions] == [
        ("v1", False, True),
        ("v2", True, True),
    ]


def test_people_see_it_too(function: FunctionStore, capsys: pytest.CaptureFixture[str]) -> None:
    """Edited code is told, and so is a version that cannot be read."""
    record(function.path.parent, HOSTED)
    (function.path / "v1" / "code.py").write_text("x = 1\n")
    (function.path / "v2" / "metadata.json").write_text("{")
    assert main(["show", "shop:total"]) == 0
    out = capsys.readouterr().out
    assert "host: it is a method" in out
    assert "edited, does not run" in out
    assert "v2 cannot be read" in out


def test_a_function_that_keeps_its_events_in_the_state_folder(
    function: FunctionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert function.names() == ["v1", "v2"]
    record(tmp_path / "home", CALL)
    assert shown(capsys)["runs"] == "sandboxed"


def test_the_folder_of_another_module_is_not_its_own(
    function: FunctionStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two modules of one folder have a function of that name, and each its own versions."""
    assert function.names() == ["v1", "v2"]
    (tmp_path / "other.py").write_text("")
    assert main(["show", "other.py:total"]) == 2
    assert "it was not called yet" in capsys.readouterr().err


def test_the_run_of_a_bare_source_of_that_name_is_none_of_its_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state folder has those of `poet run` as well."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    (tmp_path / "bare.py").write_text("")
    record(tmp_path / "home", dataclasses.replace(CALL, version="3428718068ba"))
    assert main(["show", "bare.py:total"]) == 2
    assert "it was not called yet" in capsys.readouterr().err


def test_the_calls_of_another_module_say_nothing(function: FunctionStore, capsys: pytest.CaptureFixture[str]) -> None:
    """However many there are since."""
    others = [dataclasses.replace(HOSTED, execution_id=f"other-{n}", module="bank") for n in range(60)]
    record(function.path.parent, dataclasses.replace(CALL, module="shop"), *others)
    assert shown(capsys)["why"] == "v2 serves"
    Path("bank.py").write_text("")
    assert shown(capsys, "bank.py:total")["why"] == "it is a method"
