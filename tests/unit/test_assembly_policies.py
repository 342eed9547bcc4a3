"""Which policy `Engine.open` opens an engine for, with the layers that it finds around the working folder."""

from pathlib import Path

import pytest

from poet_engine import _wiring
from poet_engine.engine import Engine
from poet_engine.errors import PolicyError
from poet_engine.policy import Policy
from poet_engine.sandbox.fake import ScriptedSandbox, ok


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's file, which does not exist yet; the working folder is a project of the test's own."""
    file = tmp_path / "machine.toml"
    monkeypatch.setattr(_wiring, "_SANDBOXES", {"only": lambda *_: ScriptedSandbox([ok(1)])})
    monkeypatch.setattr(_wiring, "_MACHINE_POLICY", file)
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    for name in ("POET_POLICY", "POET_ORGANISATION_POLICY", "POET_SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return file


def _opened(policy: Policy | str | None = None, runtime: str | None = None) -> Policy:
    with Engine.open(policy, "only", runtime=runtime) as engine:
        return engine.policy


def test_the_argument_comes_first_then_the_environment_then_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _opened().name == "restricted"
    Path("pyproject.toml").write_text('[tool.poet.policy]\nname = "ours"\n')
    assert _opened().name == "ours"
    monkeypatch.setenv("POET_POLICY", "api")
    assert _opened().name == "api"
    assert _opened("data").name == "data"


def test_no_policy_exceeds_the_machines_however_it_was_made(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.write_text('[limits]\nwall = "1s"\n')
    monkeypatch.setenv("POET_ORGANISATION_POLICY", "lab")
    Path("pyproject.toml").write_text('[tool.poet]\npolicy = "lab"\n')
    for policy in (None, "lab", Policy.load("lab")):
        assert _opened(policy).limits.wall == 1.0


def test_a_policy_that_asks_for_more_opens_nothing(machine: Path) -> None:
    machine.write_text('[limits]\nwall = "1s"\n')
    with pytest.raises(PolicyError, match=r'mine:2: limits\.wall: "2s" is more than .*machine\.toml:2 allows: "1s"'):
        Engine.open(Policy.parse('[limits]\nwall = "2s"', source="mine"), "only")


def test_an_argument_does_not_get_around_the_runtime_that_the_policy_names() -> None:
    mine = Policy.parse('[isolation]\nruntime = "runsc"', source="mine")
    with pytest.raises(PolicyError, match=r"names 'runsc' .*so the runtime cannot be 'runc'"):
        Engine.open(mine, "only", runtime="runc")
    assert _opened(mine, "runsc").isolation.runtime == "runsc"
    assert _opened("restricted", "runc").isolation.runtime is None


def test_a_working_folder_that_was_removed_has_no_project(tmp_path: Path) -> None:
    gone = tmp_path / "project"
    gone.rmdir()
    assert _opened().name == "restricted"
