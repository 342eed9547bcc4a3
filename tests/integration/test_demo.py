"""`poet demo`, run as a user runs it."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from poet_engine.cli.commands import demo
from poet_engine.cli.hostile import SEVEN, Hostile
from poet_engine.decorator import Execution
from poet_engine.outcome import ErrorInfo, Outcome, Status

POET = Path(sys.executable).with_name("poet")
NAIVE = {"drift_detected": False, "score": 0.0}


def start(folder: Path, *options: str, home: Path) -> subprocess.CompletedProcess[str]:
    """One run to its end, with nothing of this process's environment."""
    return subprocess.run(
        [POET, "demo", "--dir", folder, *options],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def event_ids(journal: Path) -> set[str]:
    """The ids of all events in a journal."""
    program = (
        "import pathlib, sys\nfrom poet_engine.journal import Journal\n"
        "with Journal.open(pathlib.Path(sys.argv[1])) as journal:\n"
        "    print(*(event.id for event in journal.find()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, journal], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.sandbox
class TestRun:
    def test_every_step_does_what_it_says(self, tmp_path: Path) -> None:
        """Eight calls, each as promised, each with its event in the journal and its version on the disk."""
        done = start(tmp_path / "here", "--json", home=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        calls = told["calls"]
        assert told["ok"] is True
        assert [call["what"] for call in calls] == ["detect_drift, enhanced", *(hostile.name for hostile in SEVEN)]
        assert all(call["as_promised"] for call in calls)
        assert [call["version"] for call in calls] == [f"v{number}" for number in range(1, 9)]
        assert [call["served_by"] for call in calls] == ["generated", "previous_version"] + ["original"] * 6
        assert calls[0]["value"]["p_value"] < 1e-9
        assert calls[1]["value"] == calls[0]["value"]
        assert [call["value"] for call in calls[2:]] == [NAIVE] * 6
        assert all(call["gate_rule"] and call["evidence"] for call in calls[1:])
        poet = tmp_path / "here" / ".poet"
        ids = {call["event_id"] for call in calls}
        assert len(ids) == 8
        assert ids <= event_ids(poet / "events" / "journal.db")  # a violation opens a breaker, which is an event too
        assert (poet / "detect_drift" / "current").readlink() == Path("v1")
        assert {wall["wall"] for wall in told["walls"] if wall["held"]} >= {"filesystem", "network", "memory", "tasks"}

    def test_in_a_pipe_it_is_plain_text_and_it_runs_again_where_it_ran(self, tmp_path: Path) -> None:
        """No escape codes; the second run replaces what the first one left."""
        first, second = (start(tmp_path / "here", home=tmp_path) for _ in range(2))
        for done in (first, second):
            assert (done.returncode, done.stderr) == (0, "")
            assert "\x1b" not in done.stdout
            assert done.stdout.rstrip().endswith("every step did what it says")
            assert done.stdout.count(": stopped: ") == 7
        assert [entry.name for entry in tmp_path.iterdir()] == ["here"]


class TestFolder:
    """What is not the demo's own is neither removed nor written over."""

    def refused(self, folder: Path, home: Path) -> str:
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        done = start(folder, home=home)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        return done.stderr

    def test_a_folder_with_other_files(self, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "thesis.txt").write_text("the only copy")
        assert "holds other files; name an empty folder with --dir" in self.refused(tmp_path / "mine", tmp_path)

    def test_a_project_that_has_a_drift_py_of_its_own(self, tmp_path: Path) -> None:
        """Its versions and its source stay."""
        mine = tmp_path / "mine"
        (mine / ".poet" / "detect_drift" / "v1").mkdir(parents=True)
        (mine / ".poet" / "detect_drift" / "v1" / "code.py").write_text("# learnt over months")
        (mine / "drift.py").write_text("# my own")
        assert "holds other files" in self.refused(mine, tmp_path)

    def test_a_demo_that_was_edited(self, tmp_path: Path) -> None:
        """Somebody may have begun to play with it."""
        demo._prepare(tmp_path / "here")
        drift = tmp_path / "here" / "drift.py"
        drift.write_text(drift.read_text() + "# a note\n")
        assert "holds other files" in self.refused(tmp_path / "here", tmp_path)

    def test_a_file_in_the_place_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "here").write_text("a file")
        done = start(tmp_path / "here", home=tmp_path)
        assert (done.returncode, "the demo cannot write to" in done.stderr) == (2, True)


# Enters a user namespace in which it is an ordinary user and which may have no further one below it. For root that user
# is still the owner of root's files, so that the interpreter may lie under a folder that only root can enter.
_FORBID = """
import ctypes, os, sys
uid, gid = os.geteuid(), os.getegid()
if ctypes.CDLL(None, use_errno=True).unshare(0x10000000):
    sys.exit("no user namespace to begin with")
def write(path, text):
    with open(path, "w") as file:
        file.write(text)
write("/proc/self/setgroups", "deny")
write("/proc/self/uid_map", f"{uid or 65534} {uid} 1")
write("/proc/self/gid_map", f"{gid or 65534} {gid} 1")
write("/proc/sys/user/max_user_namespaces", "0")
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.user
def test_where_user_namespaces_are_forbidden_it_names_the_setting(tmp_path: Path) -> None:
    """Exit 1, one sentence, no traceback; the same folder works where nothing is forbidden (the tests above)."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _FORBID, POET, "demo", "--dir", "here"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "max_user_namespaces" in done.stderr
    assert done.stderr.startswith("poet: error: there is no version: ")
    assert "Traceback" not in done.stderr


def execution(outcome: Outcome, *, value: object = NAIVE, served_by: str = "original") -> Execution:
    """What a call of a hostile version may come to."""
    return Execution(
        value=value,
        served_by=served_by,
        version="v2",
        outcome=outcome,
        execution_id="one",
        event_id="event",
        attempts=1,
        fallback_reason="stopped",
    )


def as_promised(hostile: Hostile) -> Outcome:
    """The outcome that the walls must bring about."""
    error = None if hostile.raised is None else ErrorInfo(hostile.raised, "not there")
    return Outcome(status=hostile.status, cause=hostile.cause, error=error)


class TestHostileRow:
    """A row says `stopped` only when everything that it claims is so."""

    @pytest.mark.parametrize("hostile", SEVEN, ids=lambda hostile: hostile.name)
    def test_all_that_is_promised(self, hostile: Hostile) -> None:
        row = demo._hostile_row(
            hostile, execution(as_promised(hostile)), {"original": NAIVE}, ["POET140", "POET140", "B108"]
        )
        assert (row.as_promised, row.rule, row.what) == (True, "POET140, B108", hostile.name)

    @pytest.mark.parametrize("hostile", SEVEN, ids=lambda hostile: hostile.name)
    @pytest.mark.parametrize(
        "outcome",
        [
            pytest.param(Outcome(status=Status.OK, value=1), id="it ran to its end"),
            pytest.param(Outcome(status=Status.INFRA, cause="setup"), id="nothing ran"),
            pytest.param(Outcome(status=Status.REJECTED, cause="scan_ast"), id="the gate did the work"),
            pytest.param(Outcome(status=Status.LIMIT, cause="wall"), id="only the clock stopped it"),
            pytest.param(
                Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("TypeError", "arguments")),
                id="a slip in its code",
            ),
            pytest.param(Outcome(status=Status.OK, value=NAIVE, sandbox="host"), id="it was not tried"),
        ],
    )
    def test_another_end_than_by_its_wall(self, hostile: Hostile, outcome: Outcome) -> None:
        assert not demo._hostile_row(hostile, execution(outcome), {"original": NAIVE}, ["POET140"]).as_promised

    @pytest.mark.parametrize("hostile", SEVEN, ids=lambda hostile: hostile.name)
    def test_the_caller_did_not_get_the_originals_answer(self, hostile: Hostile) -> None:
        """Another value, or the right one from the wrong hands."""
        outcome = as_promised(hostile)
        changed = execution(outcome, value={"drift_detected": True})
        itself = execution(outcome, served_by="generated")
        rows = [demo._hostile_row(hostile, found, {"original": NAIVE}, ["POET140"]) for found in (changed, itself)]
        assert [row.as_promised for row in rows] == [False, False]

    @pytest.mark.parametrize("hostile", SEVEN, ids=lambda hostile: hostile.name)
    def test_the_gate_would_have_let_it_pass(self, hostile: Hostile) -> None:
        assert not demo._hostile_row(hostile, execution(as_promised(hostile)), {"original": NAIVE}, []).as_promised


def test_the_listener_notices_who_reaches_it() -> None:
    """Else the network row would be fine whatever happened."""
    with demo._listener() as (listener, port):
        before = demo._somebody_came(listener)
        with socket.create_connection(("127.0.0.1", port)):
            assert (before, demo._somebody_came(listener)) == (False, True)
