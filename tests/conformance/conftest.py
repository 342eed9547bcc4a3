"""The sandboxes that one contract is held against, and what their jobs are made of."""

from collections.abc import Callable, Iterator

import pytest
from tests.scripts import script

from poet_engine._env import Settings
from poet_engine.job import Job
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.docker.sandbox import DockerSandbox
from poet_engine.sandbox.fake import ScriptedSandbox, ok
from poet_engine.sandbox.process import ProcessSandbox

# Budgets that a test can use up without anybody waiting for it.
_LIMITS = """
version = 1
name = "conformance"
extends = "restricted"

[limits]
memory = "64MiB"
threads = 4
output = "64KiB"
result = "256KiB"
disk = "4MiB"
inodes = 64
"""

_REAL = [
    pytest.param("process", marks=pytest.mark.sandbox),
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("docker-runsc", marks=[pytest.mark.docker, pytest.mark.runsc]),
]
Open = Callable[[Policy], Sandbox]
Differs = Callable[[str], bool]


def _echo(job: Job) -> Outcome:
    """What a script has to answer to stand for a function that returns its first argument."""
    return ok(job.args[0] if job.args else None)


def _in_containers(runtime: str) -> Open:
    return lambda policy: DockerSandbox(policy, host=Settings.read().docker_host, runtime=runtime)


_OPENERS: dict[str, Open] = {
    "scripted": lambda _policy: ScriptedSandbox([_echo]),
    "process": ProcessSandbox,
    "docker": _in_containers("runc"),
    "docker-runsc": _in_containers("runsc"),
}


@pytest.fixture(scope="session")
def policy(pace: int) -> Policy:
    return Policy.parse(f'{_LIMITS}wall = "{2 * pace}s"\ncpu = "{500 * pace}ms"\n')


@pytest.fixture(params=["scripted", *_REAL])
def fresh(request: pytest.FixtureRequest, policy: Policy) -> Iterator[Sandbox]:
    """Every sandbox, opened for one test that may close it."""
    with _OPENERS[str(request.param)](policy) as sandbox:
        yield sandbox


@pytest.fixture(scope="session", params=_REAL)
def sandbox_kind(request: pytest.FixtureRequest) -> str:
    """Which sandbox that runs code: `process`, `docker` (with runc) or `docker-runsc` (with gVisor)."""
    return str(request.param)


@pytest.fixture(scope="session")
def open_real(sandbox_kind: str) -> Open:
    """Opens another one of that kind, under a policy of the test's own."""
    return _OPENERS[sandbox_kind]


@pytest.fixture(scope="session")
def differs(sandbox_kind: str) -> Differs:
    """`differs("inodes")`: whether that line of the published table applies here."""
    runtime = {"docker": "runc", "docker-runsc": "runsc"}.get(sandbox_kind)
    return lambda name: runtime is not None and script("sandbox_differences").of(name).applies_to(runtime)


@pytest.fixture(scope="session")
def real(open_real: Open, policy: Policy) -> Iterator[Sandbox]:
    """Every sandbox that runs code, one for all tests: a container takes a third of a second to start."""
    with open_real(policy) as sandbox:
        yield sandbox


class Caller:
    """`call(body, *args, **kwargs)` runs the body as a function `entry(*args, **kwargs)`.

    Args:
        sandbox: Where it runs.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def __call__(self, body: str, *args: object, **kwargs: object) -> Outcome:
        """The outcome. Line 4 of the file is the first of the body."""
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        source = f"import os, sys\n\ndef entry(*args, **kwargs):\n{lines}"
        return self._sandbox.run(Job(source=source, entry="entry", args=args, kwargs=kwargs, filename="made/up.py"))


@pytest.fixture(scope="session")
def call(real: Sandbox) -> Caller:
    return Caller(real)
