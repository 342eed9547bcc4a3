"""A host that is killed at any moment of its work: nothing goes on running, and the next start sweeps up."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

_POINTS = 50
_SPREAD = 1.2  # seconds from the first point to the last: imports, zygote, lanes, calls, closing, and again
_PR_SET_CHILD_SUBREAPER = 36
_DEADLINE = 15.0

_HOST = """
import sys, threading
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
policy = Policy.parse('[limits]\\nwall = "5s"\\ncpu = "5s"\\nprocesses = 3\\n')
forks = "import os\\n    [os.fork() for _ in range(2)]\\n    while True: pass"
bodies = ["return 1", "while True: pass", forks, "print('x' * 9999)"]
print("started", flush=True)
while True:
    with ProcessSandbox(policy) as sandbox:
        jobs = [Job(source=f"def f():\\n    {body}\\n", entry="f", wall=0.1) for body in bodies]
        threads = [threading.Thread(target=sandbox.run, args=(job,)) for job in jobs]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
"""

_DOCTOR = """
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
with ProcessSandbox(Policy.load('restricted')) as sandbox:
    assert all(wall.held for wall in sandbox.walls(thorough=False))
    print("started", flush=True)
    while True:
        sandbox.walls(thorough=False)
"""


@pytest.fixture
def adopt_orphans() -> Iterator[None]:
    """Whatever a killed host leaves behind becomes our child, so that none of it can hide."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _orphans_end(before: set[int], deadline: float) -> bool:
    """Wait for every child that we did not have before, reaping as they end."""
    while True:
        left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
        for child in left:
            try:
                os.waitpid(child.pid, os.WNOHANG)
            except ChildProcessError:
                continue  # a grandchild: its own parent reaps it, or we adopt it
        if not left:
            return True
        if time.monotonic() > deadline:
            return False


def _groups(pid: int) -> list[Path]:
    return [path for path in Path("/sys/fs/cgroup").glob(f"**/poet-*{pid}-*") if path.is_dir()]


def _killed_after(seconds: float, code: str, **environment: str) -> int:
    """The pid of a host that was killed so long after it said that it had started."""
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, **environment})  # noqa: TID251 - the host's is ours
    assert host.stdout is not None
    assert host.stdout.readline() == b"started\n"
    threading.Event().wait(seconds)
    host.send_signal(signal.SIGKILL)
    host.wait()
    host.stdout.close()
    return host.pid


@pytest.mark.usefixtures("adopt_orphans")
@pytest.mark.timeout(300)
def test_fifty_hosts_killed_at_fifty_moments_leave_nothing() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    killed: list[int] = []
    for point in range(_POINTS):
        killed.append(_killed_after(point * _SPREAD / _POINTS, _HOST))
        assert _orphans_end(before, time.monotonic() + _DEADLINE), f"something survived a kill at point {point}"
    deadline = time.monotonic() + _DEADLINE
    while True:
        with ProcessSandbox(Policy.load("restricted")) as sandbox:
            assert sandbox.run(Job(source="def f():\n    return 7\n", entry="f")).value == 7
        left = [path for pid in killed for path in _groups(pid)]
        if not left:
            break
        assert time.monotonic() < deadline, f"not swept: {left}"


@pytest.mark.usefixtures("adopt_orphans")
def test_hosts_killed_while_they_try_their_walls_leave_no_file(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    for point in range(_POINTS // 5):
        _killed_after(point * 0.01, _DOCTOR, TMPDIR=str(tmp_path))
        assert _orphans_end(before, time.monotonic() + _DEADLINE), f"something survived a kill at point {point}"
        assert list(tmp_path.iterdir()) == []
