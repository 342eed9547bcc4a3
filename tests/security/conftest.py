"""Sandboxes for hostile code: with every wall, and as controls with the walls in question taken down.

Every test of a deed asserts that the deed was reached (`REACHED` was printed just before it), what the verdict and its
evidence are, and shows in a control that the same deed happens when nothing stands in its way.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from poet_engine._env import Settings
from poet_engine.job import Job
from poet_engine.outcome import Blame, Evidence, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox import cgroup
from poet_engine.sandbox.docker import scheduling as docker_schedule
from poet_engine.sandbox.docker.sandbox import DockerSandbox
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox

_HEAD = 'version = 1\nname = "security"\nextends = "restricted"\n[limits]\n'
# Short enough that nobody waits for a deed to be stopped; a test may set any of them anew.
_LIMITS = {
    "wall": '"3s"',
    "cpu": '"300ms"',
    "memory": '"64MiB"',
    "threads": "4",
    "output": '"64KiB"',
    "disk": '"4MiB"',
    "inodes": "64",
    "result": '"1MiB"',
}


def _stretched(duration: str, pace: int) -> str:
    """A TOML duration in whole seconds or milliseconds, so many times as long."""
    return re.sub(r"\d+", lambda number: str(int(number[0]) * pace), duration)


def _policy(limits: Mapping[str, str], pace: int) -> str:
    values = {**_LIMITS, **limits}
    values |= {key: _stretched(values[key], pace) for key in ("wall", "cpu")}
    return _HEAD + "".join(f"{key} = {value}\n" for key, value in values.items())


class Hostile:
    """Runs bodies in sandboxes that it opens on demand and keeps: opening one takes longer than most deeds.

    Args:
        close_later: Takes what is to be closed.
        pace: How many times as long as they say the limits of time are.
    """

    def __init__(self, close_later: contextlib.ExitStack, pace: int) -> None:
        self._close_later, self._pace = close_later, pace
        self._open: dict[tuple[str, str, int], ProcessSandbox] = {}

    def sandbox(self, without: str = "", lanes: int = 8, **limits: str) -> ProcessSandbox:
        """The sandbox of these limits (as TOML values) without these measures (names between spaces)."""
        text = _policy(limits, self._pace)
        key = (text, without, lanes)
        if key not in self._open:
            size = PoolSize(least=1, most=lanes)
            sandbox = ProcessSandbox(Policy.parse(text), without=frozenset(without.split()), size=size)
            self._open[key] = self._close_later.enter_context(sandbox)
        return self._open[key]

    def __call__(self, body: str, *args: object, without: str = "", lanes: int = 8, **limits: str) -> Outcome:
        """Run a body as `deed(*args)`, after it has printed that it was reached."""
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        source = f"import os, sys, time\n\ndef deed(*args):\n    print('reached', flush=True)\n{lines}"
        return self.sandbox(without, lanes, **limits).run(Job(source=source, entry="deed", args=args))


# A fork takes gVisor's kernel 50 to 100 ms of CPU, which count for the payload: three come near to what deeds may burn.
_FORKS_IN_GVISOR = {"cpu": '"2s"'}

# One version for all bodies: a container serves one, and so each deed follows upon others in the same container.
_ANY_BODY = """
import os, sys, time

def deed(body, *args):
    print('reached', flush=True)
    lines = ''.join(f'    {line}\\n' for line in body.splitlines())
    exec('def inner(*args):\\n' + lines, globals())
    return inner(*args)
"""


class Contained:
    """Runs bodies in containers.

    Args:
        runtime: What runs them.
        close_later: Takes what is to be closed.
        pace: How many times slower than usual this machine is.
    """

    def __init__(self, runtime: str, close_later: contextlib.ExitStack, pace: int) -> None:
        self.runtime, self._close_later, self._pace = runtime, close_later, pace
        self._open: dict[tuple[str, str, int], DockerSandbox] = {}

    def sandbox(self, without: str = "", lanes: int = 8, **limits: str) -> DockerSandbox:
        """The sandbox of these limits (as TOML values) without these measures inside (names between spaces)."""
        if self.runtime == "runsc" and "processes" in limits:
            limits = _FORKS_IN_GVISOR | limits
        key = (_policy(limits, self._pace), without, lanes)
        if key not in self._open:
            # of one container that serves, nothing else may be ready that could serve in its place
            size = (
                docker_schedule.ContainerPoolSize(spare=0, most=1)
                if lanes == 1
                else docker_schedule.ContainerPoolSize(most=lanes)
            )
            sandbox = DockerSandbox(
                Policy.parse(key[0]),
                host=Settings.read().docker_host,
                runtime=self.runtime,
                size=size,
                without=frozenset(without.split()),
            )
            self._open[key] = self._close_later.enter_context(sandbox)
        return self._open[key]

    def __call__(self, body: str, *args: object, without: str = "", lanes: int = 8, **limits: str) -> Outcome:
        """Run a body as `inner(*args)`, after it has been printed that it was reached."""
        return self.sandbox(without, lanes, **limits).run(Job(source=_ANY_BODY, entry="deed", args=(body, *args)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever takes `hostile` needs the process sandbox."""
    for item in items:
        if "hostile" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.sandbox)


Everywhere = Hostile | Contained
_CONTAINED = {"docker": "runc", "docker-runsc": "runsc"}
_MARKS = {
    "process": [pytest.mark.sandbox],
    "docker": [pytest.mark.docker],
    "docker-runsc": [pytest.mark.docker, pytest.mark.runsc],
}


@pytest.fixture(scope="session", params=[pytest.param(name, marks=marks) for name, marks in _MARKS.items()])
def everywhere(request: pytest.FixtureRequest, pace: int) -> Iterator[Everywhere]:
    """`everywhere(body, *args, memory='"1GiB"')` gives the outcome, in every sandbox with all its walls."""
    with contextlib.ExitStack() as stack:
        yield Hostile(stack, pace) if request.param == "process" else Contained(_CONTAINED[request.param], stack, pace)


@pytest.fixture(scope="session", params=[pytest.param(name, marks=_MARKS[name]) for name in _CONTAINED])
def contained(request: pytest.FixtureRequest, pace: int) -> Iterator[Contained]:
    """The same in containers only."""
    with contextlib.ExitStack() as stack:
        yield Contained(_CONTAINED[request.param], stack, pace)


@pytest.fixture(scope="session")
def sees(everywhere: Everywhere, counted: bool) -> frozenset[str]:  # noqa: FBT001 - a fixture
    """What is known there: `counters` of memory and processor, refused `calls`, numbers of `inodes` and `timers`.

    And `linux` where it is Linux itself that answers the code.
    """
    if isinstance(everywhere, Contained) and everywhere.runtime == "runsc":
        return frozenset()
    always = frozenset(("calls", "inodes", "timers", "linux"))
    return always if isinstance(everywhere, Hostile) and not counted else always | {"counters"}


Verdict = tuple[Status, str | None, Blame | None, Evidence | None]
Told = Callable[[str, str], Verdict]


@pytest.fixture(scope="session")
def told(sees: frozenset[str]) -> Told:
    """`told(cause, call)` is the verdict of a run that a forbidden call ended, as far as it is known there which."""

    def expected(cause: str, call: str) -> Verdict:
        if "calls" in sees:
            evidence = Evidence("seccomp_notification", call, source="kernel")
        else:
            cause, evidence = "seccomp:unknown", Evidence("wait_status", "SIGSYS", source="kernel")
        return Status.VIOLATION, cause, Blame.CODE, evidence

    return expected


Denied = Callable[[str], tuple[Status, str | None, Blame | None]]


@pytest.fixture(scope="session")
def denied(sees: frozenset[str]) -> Denied:
    """`denied(cause)` is what becomes of a run whose error after a denied socket is not caught.

    Where nobody is told of the call, it is an error like any other: the socket was refused all the same.
    """

    def expected(cause: str) -> tuple[Status, str | None, Blame | None]:
        known = "calls" in sees
        return Status.VIOLATION if known else Status.ERROR, cause if known else "exception", Blame.CODE

    return expected


@pytest.fixture(scope="module")
def hostile(pace: int) -> Iterator[Hostile]:
    """`hostile(body, *args, without="mounts ids", memory='"1GiB"')` gives the outcome."""
    with contextlib.ExitStack() as stack:
        yield Hostile(stack, pace)


@pytest.fixture(scope="session")
def counted() -> bool:
    """Whether a cgroup counts memory and tasks here; if not, resource limits are what there is."""
    return cgroup.find() is not None
