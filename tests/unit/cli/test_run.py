"""`poet run` with an engine that answers from a script: what it is given, and what it prints."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine import Engine
from poet_engine.cli import main
from poet_engine.events import EventFactory
from poet_engine.gate import Gate
from poet_engine.journal import Journal
from poet_engine.journal.recorder import Recorder
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
