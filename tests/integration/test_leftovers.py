"""Nothing runs, and nothing lies about, when nobody calls; and what would be left is seen, each kind of it."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.conftest import _leftovers

from poet_engine._env import Settings
from poet_engine.dockerd import DEFAULT_HOST
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox import cgroup
from poet_engine.sandbox.docker import DockerSandbox
from poet_engine.sandbox.process import ProcessSandbox

WINDOW = 0.5  # seconds in which nobody calls
_TICK = 0.02  # CPU time is told in hundredths of a second
_POLICY = 'version = 1\nname = "quiet"\nextends = "restricted"\n[isolation]\nfresh = "{fresh}"\n'
_THREAD = """
import threading
def spin():
    while True: pass
def f():
    threading.Thread(target=spin, daemon=True).start()
    return 1
"""
_SUITE = """
import pytest
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.filterwarnings("ignore")
OPEN = []

def test_it():
    sandbox = ProcessSandbox(Policy.load("restricted"))
    assert sandbox.run(Job(source="def f(): return 1", entry="f")).ok
    {then}
"""


def _pids(told: Iterable[str]) -> set[str]:
    return {one.split()[1] for one in told}


@pytest.fixture
def leftovers() -> ModuleType:
    return _leftovers()


@pytest.fixture
def child_named_as_ours() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()  # poet_guest"], stdin=subprocess.PIPE
    ) as child:
        yield child.pid
        child.kill()


@pytest.mark.sandbox
@pytest.mark.parametrize("fresh", ["process", "exec", "none"])
def test_between_calls_nothing_of_a_sandbox_uses_the_processor(leftovers: ModuleType, fresh: str) -> None:
    """Also what a kept payload has started and left running. Sandboxes of other tests may be open beside it."""
    pid = os.getpid()
    before = set(leftovers.processes(pid))
    with ProcessSandbox(Policy.parse(_POLICY.format(fresh=fresh))) as sandbox:
        assert sandbox.run(Job(source=_THREAD, entry="f")).value == 1
        quiet = leftovers.settled(
            lambda: [] if leftovers.busy_seconds(os.getpid(), WINDOW, threading.Event().wait) <= _TICK else ["busy"], 20
        )
        assert not quiet
        own = _pids(leftovers.processes(pid)) - _pids(before)
        assert own
    assert not leftovers.settled(lambda: list(own & _pids(leftovers.processes(pid))), 20)


def test_what_uses_the_processor_is_seen(leftovers: ModuleType) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass  # poet_guest"]) as child:
        assert leftovers.busy_seconds(os.getpid(), 2.0, threading.Event().wait) > _TICK
        child.kill()


def test_a_process_that_is_left_is_seen(leftovers: ModuleType, child_named_as_ours: int) -> None:
    assert any(one.startswith(f"process {child_named_as_ours} ") for one in leftovers.processes(os.getpid()))


@pytest.mark.parametrize("where", [(), ("unit",), ("unit", "part"), ("cpu", "docker", "id")])
def test_a_control_group_that_is_left_is_seen(leftovers: ModuleType, tmp_path: Path, where: tuple[str, ...]) -> None:
    group = tmp_path.joinpath(*where, f"poet-{os.getpid()}-77-1-2")
    group.mkdir(parents=True)
    assert list(leftovers.groups(os.getpid(), tmp_path)) == [f"group {group}"]
    assert not list(leftovers.groups(1, tmp_path))


@pytest.mark.sandbox
def test_the_groups_of_an_open_sandbox_are_seen(leftovers: ModuleType) -> None:
    """So they are looked for where they are."""
    if cgroup.find() is None:
        pytest.skip("nothing counts here")
    before = set(leftovers.groups(os.getpid()))
    with ProcessSandbox(Policy.load("restricted")) as sandbox:
        assert sandbox.run(Job(source="def f(): return 1", entry="f")).ok
        own = set(leftovers.groups(os.getpid())) - before
        assert own
    assert not leftovers.settled(lambda: list(own & set(leftovers.groups(os.getpid()))), 20)


def test_a_descriptor_that_is_left_is_seen(leftovers: ModuleType) -> None:
    before = set(leftovers.descriptors())
    pidfd, memory = os.pidfd_open(os.getpid()), os.memfd_create("results")
    try:
        assert len(set(leftovers.descriptors()) - before) == 2
    finally:
        os.close(pidfd)
        os.close(memory)


def test_a_folder_and_a_mount_that_are_left_are_seen(leftovers: ModuleType) -> None:
    with tempfile.TemporaryDirectory(prefix=f"poet-{os.getpid()}-") as folder:
        assert f"folder {folder}" in set(leftovers.folders(os.getpid()))
    there = leftovers.all_mounts()
    assert not list(leftovers.mounts(there))
    assert list(leftovers.mounts(there - {"/"})) == ["mount /"]


def test_a_shim_of_a_container_that_is_gone_is_seen(leftovers: ModuleType) -> None:
    command = "import sys; sys.stdin.read()  # containerd-shim -id 1234567890abcdef-of-a-test"
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE) as shim:
        assert list(leftovers.shims({"1234567890abcdef-of-a-test"})) == [f"shim {shim.pid}"]
        shim.kill()
    assert not list(leftovers.shims(set()))


@pytest.mark.docker
def test_a_container_that_is_left_is_seen(leftovers: ModuleType) -> None:
    host = Settings.read().docker_host or DEFAULT_HOST
    with leftovers.noting_containers() as made, DockerSandbox(Policy.load("restricted"), host=host) as sandbox:
        assert sandbox.run(Job(source="def f(): return 1", entry="f")).ok
        census = leftovers.Census(os.getpid(), leftovers.all_mounts(), made, host)
        assert any(one.startswith("container ") for one in census.left())
        assert any(one.startswith("shim ") for one in census.left())
    assert not leftovers.settled(
        lambda: [one for one in leftovers.containers(os.getpid(), host) if one.split()[1] in made], 20
    )
    assert not leftovers.settled(lambda: list(leftovers.shims(made)), 20)


@pytest.mark.sandbox
@pytest.mark.parametrize(("then", "status"), [("sandbox.close()", 0), ("OPEN.append(sandbox)", 1)])
def test_a_run_of_tests_that_leaves_a_sandbox_open_fails(tmp_path: Path, then: str, status: int) -> None:
    root = Path(__file__).resolve().parents[2]
    suite = tmp_path / "test_suite.py"
    suite.write_text(_SUITE.format(then=then), encoding="utf-8")
    program = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", str(suite)]
    ended = subprocess.run(
        [*program, "--rootdir", str(tmp_path), "-c", str(root / "pyproject.toml")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == status, ended.stdout + ended.stderr
    assert ("left behind after the last test: process" in ended.stdout) == bool(status)
