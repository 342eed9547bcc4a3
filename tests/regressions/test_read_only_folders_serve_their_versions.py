"""Versions beside a module in a folder that cannot be written serve; what must be written goes elsewhere."""

import ctypes
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from poet_engine.errors import UsageError
from poet_engine.versions import Metadata, StoreError, VersionStore, read_through
from poet_engine.versions.read_through import ReadThroughStore

pytestmark = pytest.mark.sandbox

STUB = """\
from poet_engine import poet


@poet({options})
def detect_drift(current, reference):
    return {{"drift_detected": False}}
"""
MINE = "def detect_drift(current, reference):\n    return {'drift_detected': 'mine'}\n"
FAILS = "def detect_drift(current, reference):\n    raise KeyError(current[0])\n"
NAMED = STUB.format(options="domain='ml_monitoring'")
CALL = "told = detect_drift.poet.call([1.0] * 30, [2.0] * 30)\n"
TELL = CALL + "print(json.dumps([told.value['drift_detected'], told.served_by, told.version, told.event_id != '']))\n"


def _read_only(folder: str) -> None:
    """Make a folder read-only for this process, by a mount of its own where permissions would not stop it."""
    if os.geteuid():
        os.chmod(folder, 0o555)  # noqa: PTH101, S103 - its source goes to another process, which has no more imports
        return
    libc, path = ctypes.CDLL(None, use_errno=True), folder.encode()
    done = (
        libc.unshare(0x20000)
        or libc.mount(None, b"/", None, 1 << 18 | 1 << 14, None)
        or libc.mount(path, path, None, 4096, None)
        or libc.mount(None, path, None, 4096 | 32 | 1, None)
    )
    if done:
        raise OSError(ctypes.get_errno(), "the folder cannot be made read-only")


class Run(Protocol):
    """`run(program, sealed=…)` runs it beside the module, and gives what it told last."""

    def __call__(self, text: str, *, sealed: bool = True, module: str = NAMED, home: str = "home") -> list[object]:
        """Write the module unless it is empty, and run the program."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A program in a folder of its own."""
    folder = tmp_path / "app"
    folder.mkdir()

    def run_program(text: str, *, sealed: bool = True, module: str = NAMED, home: str = "home") -> list[object]:
        if module:
            folder.chmod(0o755)
            (folder / "monitoring.py").write_text(module)
        head = "import ctypes, json, os, sys\n" + (inspect.getsource(_read_only) if sealed else "")
        head += f"_read_only({str(folder)!r})\n" if sealed else ""
        head += f"sys.path.insert(0, {str(folder)!r})\nfrom monitoring import detect_drift\n"
        done = subprocess.run(
            [sys.executable, "-B", "-c", head + text],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "POET_HOME": str(tmp_path / home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        assert done.returncode == 0, done.stderr
        told: list[object] = json.loads(done.stdout.splitlines()[-1])
        return told

    return run_program


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_version_that_was_made_before_serves(run: Run, tmp_path: Path) -> None:
    """Nothing is made again and nothing is written there; the events are in the state folder."""
    assert run(TELL, sealed=False) == [True, "generated", "v1", True]
    before = everything(tmp_path / "app")
    feedback = "detect_drift.poet.feedback(told.execution_id, rating=1)\n"
    assert run(TELL + feedback + "print(json.dumps([len(detect_drift.poet.versions())]))") == [1]
    assert run(TELL) == [True, "generated", "v1", True]
    assert everything(tmp_path / "app") == before
    [function] = (tmp_path / "home").glob("monitoring-*/.poet/detect_drift")
    assert [path.name for path in function.glob("v*/*")] == ["state.json"]
    assert len(list(function.glob("feedback/pending/*.json"))) == 1
    assert list((tmp_path / "home").glob("monitoring-*/.poet/events/journal.db"))


@pytest.mark.parametrize("options", ["", "domain='ml_monitoring'", "domain='base'"])
def test_an_adopted_version_serves(run: Run, options: str) -> None:
    """As a project commits it; under plain `@poet` too."""
    module = STUB.format(options=options)
    run(f"detect_drift.poet.adopt({MINE!r})\n" + TELL, sealed=False, module=module)
    version = "v2" if "ml" in options else "v1"
    assert run(TELL, module=module) == ["mine", "generated", version, True]


def test_where_nothing_at_all_can_be_written(run: Run, tmp_path: Path) -> None:
    """It serves, and says that it leaves no events."""
    run(TELL, sealed=False)
    (tmp_path / "nowhere").write_text("a file, so no folder can be made under this name")
    assert run(TELL, home="nowhere/home") == [True, "generated", "v1", False]


def test_what_is_adopted_here_is_kept_elsewhere_and_serves(run: Run, tmp_path: Path) -> None:
    """Its number follows those of the folder that cannot be written, and those versions stay."""
    run(TELL, sealed=False)
    told = f"print(json.dumps([detect_drift.poet.adopt({MINE!r}).name, len(detect_drift.poet.versions())]))\n"
    assert run(told) == ["v2", 2]
    assert run(TELL) == ["mine", "generated", "v2", True]
    [stored] = (tmp_path / "home").glob("monitoring-*/.poet/detect_drift/v2")
    assert (stored / "code.py").read_text() == MINE


def test_a_version_that_fails_is_remembered(run: Run, tmp_path: Path) -> None:
    """The state of its breaker is in the state folder, and the next program reads it there."""
    run(f"detect_drift.poet.adopt({FAILS!r})\nprint('[]')", sealed=False, module=STUB.format(options="domain='base'"))
    module = STUB.format(options="domain='base'")
    text = "for _ in range(12):\n    detect_drift([1.0], [2.0])\n" + TELL
    assert run(text, module=module)[1] == "original"
    [state] = (tmp_path / "home").glob("monitoring-*/.poet/detect_drift/v1/state.json")
    assert '"open"' in state.read_text()
    why = CALL + "print(json.dumps([told.fallback_reason]))"
    assert "breaker" in str(run(why, module=module)[0])


def test_a_version_for_another_source_does_not_serve(run: Run) -> None:
    """The control: a new one is made, in the state folder."""
    run(TELL, sealed=False)
    changed = NAMED.replace('"drift_detected": False', '"drift_detected": False, "n": 1')
    assert run(TELL, module=changed) == [True, "generated", "v2", True]


def test_show_lists_them(run: Run, tmp_path: Path) -> None:
    """`poet show` finds the versions beside the module, and the call in the state folder."""
    run(TELL, sealed=False)
    run(TELL)
    show = inspect.getsource(_read_only) + f"_read_only({str(tmp_path / 'app')!r})\n"
    show += "from poet_engine.cli import main\n"
    show += (
        f"sys.argv = ['poet', 'show', '--json', {str(tmp_path / 'app' / 'monitoring.py')!r} + ':detect_drift']\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", "import ctypes, os, sys\n" + show],
        env={"PATH": "/usr/bin:/bin", "POET_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [(one["version"], one["serves"]) for one in told["versions"]] == [("v1", True)]
    assert (told["runs"], told["damaged"]) == ("sandboxed", {})


class TestStore:
    """The two folders as one."""

    METADATA = Metadata(
        created=1.0,
        domain="base",
        policy="data",
        policy_digest="0",
        original_digest="1",
        python="3",
        poet_version="0",
        origin="built_in",
    )

    @pytest.fixture
    def both(self, tmp_path: Path) -> ReadThroughStore:
        shipped = VersionStore(tmp_path / "shipped", clock=lambda: 1000.0).function("f")
        for code in ("a = 1\n", "a = 2\n"):
            shipped.add(code=code, params={}, metadata=self.METADATA)
        shipped.promote("v2", actor="tests", reason="it is there")
        store = read_through(
            VersionStore(tmp_path / "own", clock=lambda: 1000.0).function("f"), tmp_path / "shipped", "f"
        )
        assert isinstance(store, ReadThroughStore)
        return store

    def test_numbers_go_on(self, both: ReadThroughStore) -> None:
        """So that a name means one version."""
        added = both.add(code="a = 3\n", params={}, metadata=self.METADATA)
        assert (added.name, both.names()) == ("v3", ["v1", "v2", "v3"])
        assert [version.code for version in both.versions()] == ["a = 1\n", "a = 2\n", "a = 3\n"]

    def test_a_place_for_state_is_no_version(self, both: ReadThroughStore) -> None:
        both.make_place("v2")
        both.change_state("v2", lambda _content: {"x": 1})
        assert (both.state("v2"), both.names(), both.damaged()) == ({"x": 1}, ["v1", "v2"], {})
        assert VersionStore(both.path.parent, clock=lambda: 1000.0).function("f").names() == []
        with pytest.raises(StoreError, match="there is no version v2"):
            VersionStore(both.path.parent, clock=lambda: 1000.0).function("f").promote(
                "v2", actor="tests", reason="it is not here"
            )

    def test_what_serves_there_is_decided_there(self, both: ReadThroughStore) -> None:
        with pytest.raises(StoreError, match=r"have its code stored with .poet.adopt\(code\)"):
            both.rollback("v1", actor="tests", reason="older")
        with pytest.raises(UsageError):
            both.version("../v1")
        current = both.current()
        assert current is not None
        assert current.name == "v2"
