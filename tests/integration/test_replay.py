"""A recorded call, run again from the command line in the real sandbox."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from poet_engine.journal import Journal

pytestmark = pytest.mark.sandbox

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
import sys

from poet_engine import poet


@poet(domain="ml_monitoring")
def detect_drift(current_data, reference_data):
    return {"drift_detected": False, "score": 0.0}


if sys.argv[1] == "call":
    execution = detect_drift.poet.call([40.0, 43.0, 46.0, 49.5] * 8, [0.0, 2.0, 4.0, 6.75] * 8)
    print(execution.execution_id, execution.served_by)
else:
    code = "def detect_drift(current_data, reference_data):\\n    return {'drift_detected': None}\\n"
    print(detect_drift.poet.adopt(code).name)
"""


class Project:
    """A program whose calls are recorded, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "app", folder / "home"
        self.folder.mkdir()
        (self.folder / "monitoring.py").write_text(PROGRAM, encoding="utf-8")
        self.journal = self.folder / ".poet" / "events" / "journal.db"

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "POET_HOME": str(self.home), "POET_RECORD": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def program(self, what: str) -> list[str]:
        done = self.run(sys.executable, "monitoring.py", what)
        assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
        assert "since its own body ignores 'reference_data'" in done.stderr
        return done.stdout.split()

    def replay(self, execution: str, *options: str, code: int) -> dict[str, object]:
        poet = Path(sys.executable).with_name("poet")
        done = self.run(poet, "replay", execution, *options, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_call_is_the_same_until_another_version_answers_otherwise(project: Project) -> None:
    """The gate, the sandbox and an event, as for `poet run`; under the very policy of then."""
    execution, served_by = project.program("call")
    assert served_by == "generated"
    first = project.replay(execution, code=0)
    assert (first["same"], first["policy_changed"]) == (True, False)
    then, now = first["then"], first["now"]
    assert isinstance(then, dict)
    assert isinstance(now, dict)
    assert (then["version"], now["version"], now["sandbox"]) == ("v1", "v1", "process")
    assert then["value"] == now["value"]
    assert then["value"]["drift_detected"] is True
    assert (project.home / "events" / "journal.db").is_file()

    assert project.program("adopt") == ["v2"]
    assert project.replay(execution, code=0)["same"] is True  # the version of then is still there
    other = project.replay(execution, "--version", "current", code=1)
    assert (other["same"], other["said"]) == (False, "the value is another")


def test_recordings_are_their_owners_until_they_are_removed_as_the_manual_says(project: Project) -> None:
    """The file is private; after the manual's recipe the arguments are nowhere in it, and the call's event still is."""
    execution = project.program("call")[0]
    assert stat.S_IMODE(project.journal.stat().st_mode) == 0o600
    assert stat.S_IMODE(project.journal.parent.stat().st_mode) == 0o700
    assert b"49.5" in project.journal.read_bytes()
    page = (ROOT / "docs" / "decorator.md").read_text(encoding="utf-8")
    [recipe] = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "function.recording" in block]
    with Journal.open(project.journal) as journal:  # as by a program that runs on
        before = journal.find()
        done = project.run(sys.executable, "-c", recipe)
        assert (done.returncode, done.stderr) == (0, "")
        assert b"49.5" not in b"".join(path.read_bytes() for path in project.journal.parent.glob("journal.db*"))
        assert [event.type for event in before] == ["function.recording", "function.execution"]
        assert journal.find() == before[1:]
    error = project.replay(execution, code=2)["error"]
    assert isinstance(error, dict)
    assert "that call was not recorded" in error["message"]
