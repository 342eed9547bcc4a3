"""A host with thousands of open descriptors uses the sandbox like any other, and an error of ours is told as one."""

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine._env import Settings
from poet_engine._wake import readable
from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.docker.maintainer import ContainerMaintainer
from poet_engine.sandbox.docker.sandbox import DockerSandbox
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox
from poet_engine.sandbox.process.maintainer import PoolMaintainer

OPEN = 4000
_NEEDED = OPEN + 2000
_POLICY = 'version = 1\nname = "open"\nextends = "restricted"\n[static]\nmode = "warn"\n'
_ANSWER = Job(source="def f(x=6):\n    return x * 7\n", entry="f")

# Each line of the report is one way into the sandbox. A call that raises is followed to its confirmed end, and of one
# that crashes it is asked whether its lane has ended with it.
_USES = """
import asyncio, json, os, resource, sys
from poet_engine import Engine, Job, Policy, poet

kind, journal = sys.argv[1:]
sandbox, _, runtime = kind.partition("-")
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
held = [os.open("/dev/null", os.O_RDONLY) for _ in range({open})]
assert held[-1] > {open}
source = "import os\\ndef f(x=6):\\n    return x * 7\\ndef fails():\\n    raise ValueError('on purpose')\\n"
jobs = [Job(source=source, entry="f", args=(number,)) for number in range(24)]
runtime = (runtime or "runc") if sandbox == "docker" else None
with Engine.open(Policy.parse({policy!r}), sandbox, runtime=runtime, journal=journal) as engine:
    found = {{
        "run": engine.run(source, "f").value,
        "raises": engine.run(source, "fails").error.type,
        "script": engine.run_script("print(6 * 7)").stdout.strip(),
        "map": [outcome.value for outcome in engine.map(jobs, concurrency=6)],
        "arun": asyncio.run(engine.arun(source, "f")).value,
        "scan": [finding.rule for finding in engine.scan("import socket").findings],
        "killed": engine.run("import ctypes\\ndef f():\\n    ctypes.string_at(0)\\n", "f").status,
        "after": engine.run(source, "f").value,
    }}
print(json.dumps(found))
"""
_DECORATED = """
import os, resource, sys

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
held = [os.open("/dev/null", os.O_RDONLY) for _ in range({open})]
from poet_engine import poet


@poet(domain="ml_monitoring")
def detect_drift(current_data, reference_data):
    return {{"drift": False}}


if __name__ == "__main__":
    print(sorted(detect_drift([1.0] * 60, [9.0] * 60)))
    print(detect_drift.poet.call([1.0] * 60, [9.0] * 60).served_by)
"""


@pytest.fixture(scope="session", autouse=True)
def _may_open_many() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < _NEEDED:
        pytest.skip(f"this user may open {hard} files at once, and {_NEEDED} are needed")


def _run(code: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    script = folder / "many.py"
    script.write_text(code, encoding="utf-8")
    environment = {**os.environ, "POET_HOME": str(folder / "home"), "POET_SANDBOX": "process"}  # noqa: TID251 - the child's is ours
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=folder,
        env=environment,
    )


def test_every_way_into_a_sandbox_works_with_4000_open_descriptors(sandbox_kind: str, tmp_path: Path) -> None:
    done = _run(_USES.format(open=OPEN, policy=_POLICY), sandbox_kind, str(tmp_path / "journal.db"), folder=tmp_path)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("scan")[0].startswith("POET")
    assert found == {
        "run": 42,
        "raises": "ValueError",
        "script": "42",
        "map": [7 * number for number in range(24)],
        "arun": 42,
        "killed": "crash",
        "after": 42,
    }


@pytest.mark.sandbox
def test_a_decorated_function_is_served_with_4000_open_descriptors(tmp_path: Path) -> None:
    done = _run(_DECORATED.format(open=OPEN), folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "generated", done.stdout + done.stderr


class Unforeseen(Exception):  # noqa: N818 - it stands for any class that nobody expects
    """What no part of a sandbox expects."""


def _fails(*_arguments: object, **_options: object) -> None:
    raise Unforeseen("nobody thought of this")


Broken = Callable[[], Outcome]


@pytest.fixture(
    params=[pytest.param("process", marks=pytest.mark.sandbox), pytest.param("docker", marks=pytest.mark.docker)]
)
def sandbox(request: pytest.FixtureRequest) -> Iterator[ProcessSandbox | DockerSandbox]:
    """One lane or container, which waits."""
    policy = Policy.parse(_POLICY)
    opened: ProcessSandbox | DockerSandbox
    if request.param == "process":
        opened = ProcessSandbox(policy, size=PoolSize(least=1, most=2))
    else:
        opened = DockerSandbox(policy, host=Settings.read().docker_host)
    with opened:
        yield opened


def _maintainer(sandbox: ProcessSandbox | DockerSandbox) -> PoolMaintainer | ContainerMaintainer:
    return sandbox._pool._maintainer if isinstance(sandbox, ProcessSandbox) else sandbox._maintainer


def _break(sandbox: ProcessSandbox | DockerSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    maintainer = _maintainer(sandbox)
    workers = sandbox._pool._workers if isinstance(sandbox, ProcessSandbox) else sandbox._pool
    monkeypatch.setattr(maintainer, "_take_returned", _fails)
    workers.ring()
    # Until the thread has ended, a caller may still be given what waits, and is then told that it was lost.
    maintainer._thread.join(60)
    assert not maintainer._thread.is_alive()


def test_callers_are_told_the_error_that_ended_the_keeper(
    sandbox: ProcessSandbox | DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not that the sandbox was closed, which nobody did."""
    assert sandbox.run(_ANSWER).value == 42
    _break(sandbox, monkeypatch)

    outcomes = [sandbox.run(_ANSWER) for _ in range(2)]

    for outcome in outcomes:
        assert (outcome.status, outcome.cause, outcome.blame) == (Status.INFRA, "setup", Blame.ENGINE)
        assert "Unforeseen('nobody thought of this')" in str(outcome.evidence)
        assert "closed" not in str(outcome.evidence)


def test_a_caller_in_mid_call_is_told_the_error_that_ended_the_keeper(
    sandbox: ProcessSandbox | DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sandbox.run(_ANSWER).value == 42
    outcomes: list[Outcome] = []
    sleeps = Job(source="import time\ndef f():\n    time.sleep(60)\n", entry="f")
    caller = threading.Thread(target=lambda: outcomes.append(sandbox.run(sleeps)))
    caller.start()
    pause = threading.Event()
    while not sandbox.statistics().busy:
        pause.wait(0.01)
    _break(sandbox, monkeypatch)
    caller.join(30)

    assert (outcomes[0].status, outcomes[0].blame) == (Status.INFRA, Blame.ENGINE)
    assert "nobody thought of this" in str(outcomes[0].evidence)


def test_a_broken_sandbox_can_still_be_closed(
    sandbox: ProcessSandbox | DockerSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(sandbox, monkeypatch)
    assert sandbox.run(_ANSWER).status is Status.INFRA

    sandbox.close()

    assert sandbox.statistics().lanes == 0


def test_a_descriptor_of_any_number_can_be_waited_for() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_NEEDED, hard))
    reads, writes = os.pipe()
    high = OPEN + 1
    os.dup2(reads, high)
    try:
        assert not readable(high, 0)
        os.write(writes, b"x")
        assert readable(high, 0)
    finally:
        for fd in (reads, writes, high):
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
