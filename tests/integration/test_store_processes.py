"""The store between processes: killed writers, writers at once."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from poet_engine.versions import VersionStore

PRELUDE = """
import os, signal, sys
from pathlib import Path
from poet_engine.versions import Metadata, VersionStore

metadata = Metadata(created=1.0, domain="base", policy="restricted", policy_digest="p", original_digest="o",
                    python="3.11", poet_version="0", origin="model")
function = VersionStore(Path(sys.argv[1]), clock=lambda: 1000.0).function("f")

def add(code):
    return function.add(code=code, params={"code": code}, metadata=metadata, state={"code": code})

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""

# What changes files, as Python's audit events; the process dies just before the n-th of them.
KILL_AT = """
count = 0
def killer(event, args, at):
    global count
    writes = event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.truncate"}
    if writes or (event == "open" and isinstance(args[2], int) and args[2] & os.O_CREAT):
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)

def killed_at(at, deed):
    child = os.fork()
    if child == 0:
        sys.addaudithook(lambda event, args: killer(event, args, at))
        deed()
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0
"""


def run(body: str, root: Path) -> list[str]:
    command = [sys.executable, "-c", PRELUDE + KILL_AT + textwrap.dedent(body), str(root)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / ".poet"


def test_a_process_killed_at_any_step_of_add_leaves_whole_versions_only(root: Path) -> None:
    """Each step at which files change is tried once; afterwards the next write finds everything in order."""
    body = """
    for _ in range(10):  # so that each `add` prunes, too
        add("x")
    function.promote("v1", actor="t", reason="t")
    at = 1
    while killed_at(at, lambda: add("y" * 1000)):
        versions = function.versions()
        assert not function.damaged(), (at, function.damaged())
        assert all(v.intact and v.params == v.state == {"code": v.code} for v in versions), at
        assert function.current().name == "v1", at
        assert function.verify_audit().intact, (at, function.verify_audit())
        add("z")  # the next write sweeps up
        assert len(function.names()) == 10, (at, function.names())
        assert function.verify_audit().intact, (at, function.verify_audit())
        assert {n for n in os.listdir(function.path) if n.startswith(".")} == {".lock"}, at
        at += 1
    say(at)
    """
    steps = int(run(body, root)[-1])
    assert steps > 10, "the hook has seen too little: this test has tried nothing"


def test_a_process_killed_at_any_step_of_the_first_add_leaves_a_usable_folder(tmp_path: Path) -> None:
    body = """
    at, died = 1, True
    while died:
        function = VersionStore(Path(sys.argv[1]) / str(at) / ".poet", clock=lambda: 1000.0).function("f")
        died = killed_at(at, lambda: add("x"))
        assert not function.damaged(), at
        assert [v.code for v in function.versions()] in ([], ["x"]), at
        add("y")
        assert function.versions()[-1].code == "y", at
        assert function.verify_audit().intact, at
        at += 1
    say(at)
    """
    assert int(run(body, tmp_path)[-1]) > 10


def test_a_process_killed_at_any_step_of_promote_leaves_the_old_or_the_new(root: Path) -> None:
    body = """
    add("x"), add("y")
    function.promote("v1", actor="t", reason="t")
    at, seen = 1, set()
    while killed_at(at, lambda: function.promote("v2", actor="t", reason="t")):
        seen.add(function.current().name)
        assert function.verify_audit().intact, at
        function.promote("v1", actor="t", reason="t")
        assert function.current().name == "v1", at
        assert function.verify_audit().intact, at
        at += 1
    assert function.current().name == "v2"
    say(at, *sorted(seen))
    """
    steps, *seen = run(body, root)[-1].split()
    assert int(steps) >= 4
    assert seen == ["v1", "v2"]
    lines = [json.loads(line) for line in (root / "f/audit.jsonl").read_text().splitlines()]
    assert "found_current" in {line["action"] for line in lines}, "a promotion without its entry is noted later"


@pytest.mark.parametrize("after", [3, 17, 40])
def test_a_process_killed_from_outside_leaves_whole_versions_only(root: Path, after: int) -> None:
    body = """
n = 0
while True:
    function.promote(add(str(n)).name, actor="t", reason="t")
    n += 1
    say(n)
"""
    command = [sys.executable, "-c", PRELUDE + body, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(after)]
        process.kill()
        told += process.stdout.readlines()
    function = VersionStore(root, clock=lambda: 1000.0).function("f")
    current = function.current()
    assert current is not None
    assert int(current.name[1:]) >= int(told[-1])
    assert function.damaged() == {}
    assert all(version.intact for version in function.versions())
    assert function.verify_audit().intact


def test_processes_that_add_at_once_get_a_version_each(root: Path) -> None:
    """The folder does not even exist when they start."""
    body = "for n in range(3): say(add(f'{os.getpid()} {n}').name)"
    command = [sys.executable, "-c", PRELUDE + body, str(root)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    names = [name for process in processes for name in process.communicate(timeout=60)[0].split()]
    assert sorted(names, key=lambda name: int(name[1:])) == [f"v{n}" for n in range(1, 10)]
    function = VersionStore(root, clock=lambda: 1000.0).function("f")
    assert len({version.code for version in function.versions()}) == 9
    assert function.verify_audit().intact


def test_a_reader_beside_a_writer_sees_whole_versions_only(root: Path) -> None:
    """Ten versions and a promotion each time: what is read is pruned under the reader's hands."""
    body = "for n in range(120):\n    function.promote(add(str(n)).name, actor='t', reason='t')"
    writer = subprocess.Popen([sys.executable, "-c", PRELUDE + body, str(root)])
    function = VersionStore(root, clock=lambda: 1000.0).function("f")
    seen = set()
    while writer.poll() is None:
        current = function.current()
        if current is not None:
            assert current.params == current.state == {"code": current.code}
            seen.add(current.name)
    assert writer.returncode == 0
    assert len(seen) > 5
