"""The sandboxes that one contract is held against, and what their jobs are made of."""

from collections.abc import Callable, Iterator

import pytest

from poet_engine.job import Job
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
from poet_engine.sandbox.protocol import Sandbox
from poet_engine.sandbox.scripted import ScriptedSandbox, ok

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

_REAL = [pytest.param("process", marks=pytest.mark.sandbox)]


def _echo(job: Job) -> Outcome:
    """What a script has to answer to stand for a function that returns its first argument."""
    return ok(job.args[0] if job.args else None)


_OPENERS: dict[str, Callable[[Policy], Sandbox]] = {
    "scripted": lambda _policy: ScriptedSandbox([_echo]),
    "process": ProcessSandbox,
}


@pytest.fixture(scope="session")
def policy(pace: int) -> Policy:
    return Policy.parse(f'{_LIMITS}wall = "{2 * pace}s"\ncpu = "{500 * pace}ms"\n')


@pytest.fixture(params=["scripted", *_REAL])
def fresh(request: pytest.FixtureRequest, policy: Policy) -> Iterator[Sandbox]:
    """Every sandbox, opened for one test that may close it."""
    with _OPENERS[str(request.param)](policy) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=_REAL)
def real(request: pytest.FixtureRequest, policy: Policy) -> Iterator[Sandbox]:
    """Every sandbox that runs code, shared by the tests of a module."""
    with _OPENERS[str(request.param)](policy) as sandbox:
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


@pytest.fixture(scope="module")
def call(real: Sandbox) -> Caller:
    return Caller(real)
