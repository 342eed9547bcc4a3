"""`poet metrics`: the calls of one function or of all, as text and as a document."""

import dataclasses
import json
from pathlib import Path

import pytest
from tests.unit.cli.test_explain import CALL, SLOW, Desk

from poet_engine.cli import main
from poet_engine.outcome import Outcome, Status


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Four calls of one version, of which one failed, and one of another function."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    (tmp_path / "shop.py").write_text("def detect_drift(): ...\ndef total(): ...\n")
    desk = Desk(tmp_path / ".poet" / "events" / "journal.db")
    for number in range(4):
        outcome = SLOW if number == 3 else Outcome(status=Status.OK)
        desk.record(dataclasses.replace(CALL, end=CALL.start + number + 1, outcome=outcome))
    desk.record(dataclasses.replace(CALL, function_name="other"))
    return desk


@pytest.mark.usefixtures("desk")
def test_one_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "shop.py:detect_drift", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    [version] = found["versions"]
    assert (version["function"], version["version"], version["calls"]) == ("detect_drift", "v3", 4)
    assert version["success_rate"] == 0.75
    assert version["duration_ms"] == {"p50": 2000.0, "p95": 4000.0, "p99": 4000.0}
    assert found["machine"]["memory_total_bytes"] > 0


@pytest.mark.usefixtures("desk")
def test_all_functions_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["detect_drift", "v3", "4", "75.0%", "2000.0", "4000.0", "4000.0"] in [line[:7] for line in lines]
    assert "other" in [line[0] for line in lines]
    assert lines[-1][0] == "machine:"


@pytest.mark.usefixtures("desk")
def test_only_the_last_calls_count_if_so_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "shop:detect_drift", "--calls", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["versions"][0]["success_rate"] == 0.0


@pytest.mark.usefixtures("desk")
def test_a_function_that_was_never_called_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "shop.py:total"]) == 2
    assert "no call of shop.py:total was recorded" in capsys.readouterr().err


def test_two_modules_with_a_function_of_that_name(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Each target has its own numbers; where both are shown, each line names its module."""
    desk.record(*(dataclasses.replace(CALL, module=module) for module in ("shop", "bank", "bank")))
    assert main(["metrics", "shop.py:detect_drift", "--json"]) == 0
    [shop] = json.loads(capsys.readouterr().out)["versions"]
    assert (shop["module"], shop["calls"]) == ("shop", 5)  # with the four that name no module
    (Path("bank.py")).write_text("def detect_drift(): ...\n")
    assert main(["metrics", "bank.py:detect_drift"]) == 0
    assert "module not known" not in capsys.readouterr().out
    assert main(["metrics"]) == 0
    out = capsys.readouterr().out
    assert [text in out for text in ("detect_drift (bank)", "detect_drift (module not known)", "other (")] == [1, 1, 0]
