"""`poet run` with an engine that answers from a script: what it is given, and what it prints."""

import contextlib
import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine import Engine
from poet_engine.cli import main
from poet_engine.events import EventFactory
from poet_engine.gate import Gate
from poet_engine.job import Script
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox.fake import ScriptedSandbox, ok

Opening = Callable[[Recorder | None], list[Policy | str | Path | None]]


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """Engines that the command opens from now on answer 12; returns the policies that they were asked for."""
    monkeypatch.chdir(tmp_path)
    Path("shapes.py").write_text("def area(width, height):\n    return width * height\n")
    with contextlib.ExitStack() as stack:

        def install(recorder: Recorder | None) -> list[Policy | str | Path | None]:
            asked: list[Policy | str | Path | None] = []
            sandbox = stack.enter_context(ScriptedSandbox([ok(12)]))

            def opener(policy: Policy | str | Path | None, *_where: object, **_options: object) -> Engine:
                asked.append(policy)
                found = policy if isinstance(policy, Policy) else Policy.load(str(policy or "restricted"))
                return Engine(
                    policy=found,
                    sandbox=sandbox,
                    gate=Gate(),
                    recorder=recorder,
                    new_id=lambda: "run-1",
                    clock=lambda: 0.0,
                )

            monkeypatch.setattr(Engine, "opener", staticmethod(opener))
            return asked

        yield install


def _summary(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def test_the_summary_names_the_event_of_the_run(opening: Opening, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what `poet explain` is asked about."""
    factory = EventFactory(lambda: 1.0, os.urandom, "test", "test", "0")
    opening(Recorder(Journal.open(Path("journal.db")), factory))
    assert main(["run", "shapes.py:area", "--args", "[3, 4]"]) == 0
    first, _, event = _summary(capsys).rpartition(", event ")
    assert first.startswith("ok, ")
    assert main(["explain", event, "--journal", "journal.db"]) == 0
    assert capsys.readouterr().out.startswith("area, call run-1\n")


NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "source": ["from helpers import half\n", "%matplotlib inline"]},
        {"cell_type": "markdown", "source": "text"},
        {"cell_type": "code", "source": "half(3)"},
    ]
}


@pytest.fixture
def scripts(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> list[Script]:
    """The scripts that the command runs; files of a project lie beside them."""
    Path("helpers.py").write_text("from poet_engine import poet\n@poet\ndef half(x):\n    return x / 2\n")
    Path("lab").mkdir()
    Path("lab/__init__.py").write_text("")
    Path("lab/helpers.py").write_text("def half(x):\n    return x // 2\n")
    Path("lab/work.py").write_text("from helpers import half\n\nprint(half(3))\n")
    Path("lab/a.ipynb").write_text(json.dumps(NOTEBOOK))
    opening(None)
    seen: list[Script] = []
    answer = dataclasses.replace(ok(None), stdout="printed\n")

    def run_script(_sandbox: ScriptedSandbox, script: Script, **_options: object) -> Outcome:
        seen.append(script)
        if script.on_output is not None:
            for piece in ("prin", "ted\nha", "lf"):
                script.on_output("stdout", piece)
        return dataclasses.replace(answer, value=1.5, stdout="printed\nhalf") if script.cells else answer

    monkeypatch.setattr(ScriptedSandbox, "run_script", run_script)
    return seen


def test_a_script_runs_as_a_whole_with_the_modules_beside_it(
    scripts: list[Script], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own folder is where it imports from, as for `python lab/work.py`."""
    assert main(["run", "lab/work.py", "--timeout", "1s"]) == 0
    (script,) = scripts
    assert (script.filename, script.cells, script.wall) == ("work.py", (), 1.0)
    assert script.modules == {"helpers.py": Path("lab/helpers.py").read_text()}
    assert capsys.readouterr().out.splitlines()[:3] == ["", "stdout:", "printed"]


def test_a_notebook_runs_as_a_whole_and_has_a_value(scripts: list[Script], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "lab/a.ipynb"]) == 0
    (script,) = scripts
    assert (script.source, script.cells) == ("from helpers import half\npass\nhalf(3)\n", ((1, 0), (3, 2)))
    assert script.modules == {"helpers.py": Path("lab/helpers.py").read_text()}
    assert capsys.readouterr().out.splitlines()[:4] == ["1.5", "", "stdout:", "printed"]


def test_on_a_terminal_output_comes_first_and_once(
    scripts: list[Script], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere it comes when the run has ended, as it always did, and the code runs as in a pipe."""
    assert main(["run", "lab/a.ipynb"]) == 0
    assert scripts.pop().on_output is None
    capsys.readouterr()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["run", "lab/a.ipynb"]) == 0
    assert re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()[:3] == ["printed", "half", "1.5"]
    assert main(["run", "lab/a.ipynb", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stdout"] == "printed\nhalf"
    assert [script.on_output is None for script in scripts] == [False, True]


def test_modules_of_a_script_are_without_our_decorator(scripts: list[Script]) -> None:
    Path("work.py").write_text("import helpers\n")
    assert main(["run", "work.py"]) == 0
    assert "poet" not in str(scripts[0].modules["helpers.py"])


def test_a_whole_file_that_does_not_parse_is_rejected(
    scripts: list[Script], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.py").write_text("def\n")
    assert main(["run", "bad.py"]) == 1
    assert capsys.readouterr().out.startswith("rejected/syntax")
    assert scripts == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["lab/work.py", "--args", "[1]"], "--args is for a function"),
        (["nowhere.py"], "there is no file nowhere.py"),
        (["lab"], "does not name a file and a function"),
    ],
)
def test_a_whole_file_is_used_in_one_way(
    scripts: list[Script], capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert main(["run", *arguments]) == 2
    assert why in capsys.readouterr().err
    assert scripts == []


def test_the_summary_names_no_event_where_none_was_recorded(
    opening: Opening, capsys: pytest.CaptureFixture[str]
) -> None:
    opening(None)
    assert main(["run", "shapes.py:area", "--args", "[3, 4]"]) == 0
    assert "event" not in _summary(capsys)


@pytest.mark.parametrize(("options", "policy"), [([], None), (["--policy", "data"], "data")])
def test_the_engine_looks_the_policy_up_by_the_name_that_was_given(
    options: list[str], policy: str | None, opening: Opening
) -> None:
    """Looked up twice, it would be most of what a short run costs."""
    asked = opening(None)
    assert main(["run", "shapes.py:area", "--args", "[3, 4]", *options]) == 0
    assert asked == [policy]


def test_a_timeout_is_checked_before_an_engine_is_opened(opening: Opening, capsys: pytest.CaptureFixture[str]) -> None:
    asked = opening(None)
    assert main(["run", "shapes.py:area", "--args", "[3, 4]", "--timeout", "1h"]) == 2
    assert asked == []
    assert "--timeout 1h is more than the policy" in capsys.readouterr().err
