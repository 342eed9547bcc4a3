"""F5: `.poet` or `.poet/events` as a symbolic link was followed, and the journal was written wherever it led.

A clone brings such links with it. Every writer is tried with a canary outside of the project: it stays as it is, the
user is told once, and his call is answered.
"""

import json
import os
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine.cli.commands import demo
from poet_engine.cli.journals import find
from poet_engine.errors import UsageError
from poet_engine.events import EventFactory, FeedbackPayload
from poet_engine.journal import Journal, JournalError
from poet_engine.versions import FunctionStore, Metadata, StoreError, TrialSummary, VersionStore

PRECIOUS = "precious\n" * 100
_TIME = 100  # seconds that a program may take on a busy machine


class Clone:
    """A project that somebody else has filled, and a folder of the user's outside of it."""

    def __init__(self, folder: Path) -> None:
        self.project, self.outside = folder / "project", folder / "outside"
        self.project.mkdir()
        self.outside.mkdir()
        (self.outside / "canary").write_text(PRECIOUS)

    @property
    def poet(self) -> Path:
        return self.project / ".poet"

    @property
    def journal(self) -> Path:
        return self.poet / "events" / "journal.db"

    def untouched(self) -> bool:
        """Whether everything outside is as it was."""
        canary = self.outside / "canary"
        return [canary] == [*self.outside.rglob("*")] and canary.read_text() == PRECIOUS


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def _record(journal: Path) -> None:
    factory = EventFactory(lambda: 1_700_000_000.0, os.urandom, "tests", "tests", "0")
    payload = FeedbackPayload(function_name="f", version="v1", execution_id="e", feedback_type="user")
    with Journal.open(journal) as opened:
        opened.record(factory.feedback(payload))
        assert opened.count() == 1


def _link(place: Callable[[Clone], Path], to: str) -> Callable[[Clone], None]:
    def lay(clone: Clone) -> None:
        path = place(clone)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(clone.outside / to)

    return lay


def _hard_link(name: str) -> Callable[[Clone], None]:
    def lay(clone: Clone) -> None:
        _record(clone.journal)
        path = clone.journal.with_name(name)
        path.unlink(missing_ok=True)
        path.hardlink_to(clone.outside / "canary")

    return lay


def _beside(name: str, to: str) -> Callable[[Clone], None]:
    def lay(clone: Clone) -> None:
        _record(clone.journal)
        path = clone.journal.with_name(name)
        path.unlink(missing_ok=True)
        path.symlink_to(clone.outside / to)

    return lay


def _super_journal(clone: Clone) -> None:
    """A rollback journal that says: remove that file when everything is restored."""
    _record(clone.journal)
    magic, name = bytes.fromhex("d9d505f920a163d7"), str(clone.outside / "canary").encode()
    head = magic + struct.pack(">5I", 0, 0, clone.journal.stat().st_size // 4096, 512, 4096)
    named = struct.pack(">I", 0x40000000 // 4096 + 1) + name + struct.pack(">2I", len(name), sum(name)) + magic
    clone.journal.with_name("journal.db-journal").write_bytes(head.ljust(512, b"\0") + named)


JOURNALS: dict[str, Callable[[Clone], None]] = {
    ".poet": _link(lambda clone: clone.poet, "."),
    ".poet to nothing": _link(lambda clone: clone.poet, "new"),
    "events": _link(lambda clone: clone.poet / "events", "."),
    "events to nothing": _link(lambda clone: clone.poet / "events", "new"),
    "journal": _link(lambda clone: clone.journal, "canary"),
    "journal to nothing": _link(lambda clone: clone.journal, "new"),
    "journal, hard": _hard_link("journal.db"),
    **{f"{name}, hard": _hard_link(f"journal.db-{name}") for name in ("wal", "shm", "journal")},
    **{f"{name}, link": _beside(f"journal.db-{name}", "canary") for name in ("wal", "shm", "journal")},
    **{f"{name} to nothing": _beside(f"journal.db-{name}", "new") for name in ("wal", "shm", "journal")},
    "super-journal": _super_journal,
}


@pytest.mark.parametrize("how", JOURNALS)
def test_the_journal_is_written_nowhere_else(clone: Clone, how: str) -> None:
    JOURNALS[how](clone)
    before = sorted(clone.outside.rglob("*"))
    with pytest.raises(JournalError) as caught:
        _record(clone.journal)
    assert sorted(clone.outside.rglob("*")) == before
    assert clone.untouched()
    assert str(clone.poet) in str(caught.value)
    assert any(remedy in str(caught.value) for remedy in ("remove it", "move it away", "remove what is there"))


def test_dot_poet_that_is_a_file_is_told(clone: Clone) -> None:
    clone.poet.write_text("mine")
    with pytest.raises(JournalError, match="no folder"):
        _record(clone.journal)
    assert clone.poet.read_text() == "mine"


def test_links_above_the_project_and_to_a_journal_of_ones_own_are_followed(clone: Clone, tmp_path: Path) -> None:
    """A home on another disk is nobody's attack."""
    (tmp_path / "way").symlink_to(clone.project)
    _record(tmp_path / "way" / ".poet" / "events" / "journal.db")
    assert clone.journal.is_file()
    (tmp_path / "elsewhere").symlink_to(clone.outside)
    _record(tmp_path / "elsewhere" / "events" / "mine.db")
    assert (clone.outside / "events" / "mine.db").is_file()


def test_control_sqlite_itself_follows_them(clone: Clone) -> None:
    """Without the check both happen: a file is made elsewhere, and a file elsewhere is removed."""
    JOURNALS["events"](clone)
    with sqlite3.connect(clone.journal) as made:
        made.execute("CREATE TABLE t (c)")
    made.close()
    assert (clone.outside / "journal.db").is_file()
    (clone.poet / "events").unlink()
    JOURNALS["super-journal"](clone)
    with sqlite3.connect(clone.journal) as opened:
        assert opened.execute("SELECT count(*) FROM event").fetchone() == (1,)
    opened.close()
    assert not (clone.outside / "canary").exists()


@pytest.mark.parametrize("how", [".poet", "events"])
def test_a_command_that_looks_for_journals_changes_none_behind_a_link(clone: Clone, how: str) -> None:
    """Opening one brings its schema up to date, so reading is writing."""
    other = clone.outside / "events" if how == ".poet" else clone.outside
    _record(other / "journal.db")
    was = (other / "journal.db").read_bytes()
    JOURNALS[how](clone)
    found = list(find(None, here=clone.project, home=clone.project / "no"))
    assert found == [clone.journal]
    with pytest.raises(JournalError, match="symbolic link"):
        Journal.open(found[0])
    assert (other / "journal.db").read_bytes() == was


METADATA = Metadata(
    created=1_700_000_000.5,
    domain="ml_monitoring",
    policy="data",
    policy_digest="p" * 64,
    original_digest="o" * 64,
    python="3.11.7",
    poet_version="0.1.0",
    origin="built_in",
    gate=(),
    trial=TrialSummary(examples=1, passed=1),
)


def _use(function: FunctionStore) -> None:
    """Everything that writes: a version, its promotion, feedback, the breakers' state."""
    version = function.add(code="def f(): return 1\n", params={}, metadata=METADATA)
    function.promote(version.name, actor="tests", reason="good")
    function.put_feedback("a.json", b"{}")
    function.change_state(version.name, lambda _state: {"breakers": {}})


@pytest.mark.parametrize(
    "place",
    [
        *(".poet", ".poet/f", ".poet/.gitignore", ".poet/f/.lock", ".poet/f/audit.jsonl", ".poet/f/audit.1.jsonl"),
        *(".poet/f/current", ".poet/f/v1", ".poet/f/pins.json", ".poet/f/feedback", ".poet/f/feedback/pending"),
        *(".poet/f/feedback/processed", ".poet/f/.adding", ".poet/f/.removing", ".poet/f/v1/state.json"),
    ],
)
@pytest.mark.parametrize("to", ["canary", ".", "new"])
def test_the_store_writes_nowhere_else(clone: Clone, place: str, to: str) -> None:
    path = clone.project / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(clone.outside / to)
    try:
        _use(VersionStore(clone.poet, clock=lambda: 1000.0).function("f"))
    except StoreError as error:
        assert str(clone.poet) in str(error)  # noqa: PT017 - some links are in nobody's way, and then there is no error
    assert clone.untouched()


def test_an_audit_trail_with_a_second_name_elsewhere_leaves_that_file_alone(clone: Clone) -> None:
    function = VersionStore(clone.poet, clock=lambda: 1000.0).function("f")
    clone.poet.joinpath("f").mkdir(parents=True)
    (clone.poet / "f" / "audit.jsonl").hardlink_to(clone.outside / "canary")
    _use(function)
    assert clone.untouched()
    assert [json.loads(line)["action"] for line in _last_lines(clone, 2)] == ["add", "promote"]


def _last_lines(clone: Clone, count: int) -> list[str]:
    return (clone.poet / "f" / "audit.jsonl").read_text().splitlines()[-count:]


MODULE = """\
import logging
logging.basicConfig(format="%(message)s")
from poet_engine import poet

@poet(domain="ml_monitoring")
def detect_drift(current, reference):
    return {"drift_detected": False}

sample = [float(number) for number in range(100)]
print([detect_drift(sample, sample)["drift_detected"] for _ in range(3)])
"""


@pytest.mark.sandbox
@pytest.mark.parametrize("how", [".poet", "events", "events to nothing", "journal, hard", "super-journal"])
def test_calls_are_answered_and_the_reason_is_told_once(clone: Clone, how: str) -> None:
    JOURNALS[how](clone)
    (clone.project / "module.py").write_text(MODULE)
    ended = subprocess.run(
        [sys.executable, "module.py"],
        cwd=clone.project,
        env={"PATH": os.defpath, "HOME": str(clone.project.parent / "home"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=_TIME,
        check=False,
    )
    assert (ended.stdout, ended.returncode) == ("[False, False, False]\n", 0)
    assert ended.stderr.count("leaves no events") == 1
    assert clone.untouched()


def test_the_demo_does_not_go_through_a_link_that_lies_there(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone.project)
    Path("poet-demo").symlink_to(clone.outside / "new")
    with pytest.raises(UsageError, match="symbolic link"):
        demo._default()
    Path("poet-demo").unlink()
    Path("poet-demo").mkdir()
    Path("poet-demo", ".poet").symlink_to(clone.outside)
    demo._prepare(demo._default())
    assert not Path("poet-demo", ".poet").exists()
    assert clone.untouched()
