"""Every limit at both of its ends: the policy opens, honest code is answered, and what is beyond the limit is ended.

The ends are read from the table of keys, so that a limit without a row here, or with other ends, is seen.
"""

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import pytest

from poet_engine.errors import SandboxUnavailableError
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Policy
from poet_engine.policy.keys import KEYS, LEVELS
from poet_engine.sandbox import cgroup, isolation_checks
from poet_engine.sandbox.base import Sandbox

if TYPE_CHECKING:
    from tests.conformance.conftest import Differs, Open

Number = int | float

# One version for all bodies: a container serves one only.
_ANY_BODY = """
import ctypes, os, resource, signal, threading, time

def deed(body):
    exec("def inner():\\n" + "".join(f"    {line}\\n" for line in body.splitlines()), globals())
    return inner()
"""
_HONEST = "return 6 * 7"


class Corner(NamedTuple):
    """A limit at its least.

    Attributes:
        within: A body that stays within it, and returns 42.
        beyond: A body that does not.
        verdict: What becomes of that one.
        group: Limits of the same group are tried under one policy: opening one takes a second in a container.
        differs: The line of the published table by which a sandbox does not hold it.
    """

    within: str
    beyond: str
    verdict: tuple[Status, str]
    group: str
    differs: str = ""


_DOWN = "def down(n):\n    return n and 1 + down(n - 1)\nreturn down(42)"
AT_LEAST: dict[str, Corner] = {
    "wall": Corner(_HONEST, "time.sleep(60)", (Status.LIMIT, "wall"), "wall"),
    "cpu": Corner(_HONEST, "while True: pass", (Status.LIMIT, "cpu"), "cpu"),
    # what is beyond this one is slowed down, and the time that it has is over
    "cores": Corner(
        _HONEST,
        "for _ in range(40): sum(range(10**6))",
        (Status.LIMIT, "wall"),
        "cores",
    ),
    "memory": Corner(
        "return len(bytearray(4 << 20)) and 42", "bytearray(64 << 20)", (Status.LIMIT, "memory"), "memory"
    ),
    "processes": Corner(_HONEST, "os.fork()", (Status.LIMIT, "tasks"), "alone"),
    "threads": Corner(
        _HONEST, "threading.Thread(target=time.sleep, args=(60,)).start()", (Status.LIMIT, "tasks"), "alone"
    ),
    "open_files": Corner(
        "held = [open('/dev/null') for _ in range(8)]\nreturn 42",
        "held = [open('/dev/null') for _ in range(16)]",
        (Status.LIMIT, "fds"),
        "sizes",
    ),
    "output": Corner(_HONEST, "print('x')", (Status.LIMIT, "output"), "sizes"),
    "result": Corner("return len('x' * 512) and 42", "return 'x' * 2048", (Status.LIMIT, "result_size"), "sizes"),
    "disk": Corner(  # in several files: the size of one is a limit of its own
        "open('/tmp/file', 'wb').write(bytes(16 << 10))\nreturn 42",
        "for n in range(5): open(f'/tmp/{n}', 'wb').write(bytes(32 << 10))",
        (Status.LIMIT, "disk"),
        "sizes",
    ),
    "inodes": Corner(
        "for n in range(8): open(f'/tmp/{n}', 'w').close()\nreturn 42",
        "for n in range(40): open(f'/tmp/{n}', 'w').close()",
        (Status.LIMIT, "inodes"),
        "sizes",
        "inodes",
    ),
    # the C library's parser calls itself for each bracket; Python's own calls are counted, whatever the stack
    "stack": Corner(
        _DOWN,
        "ctypes.CDLL(None).regcomp(ctypes.create_string_buffer(1024), b'(' * 200000, 1)",
        (Status.CRASH, "signal:SIGSEGV"),
        "sizes",
    ),
}
GROUPS = sorted({corner.group for corner in AT_LEAST.values()})
MOST_TASKS = 4096
# processes and threads: each with each where that takes a quarter of a second, some where it takes more
TASKS = list(itertools.product((0, 1, 8, MOST_TASKS), repeat=2))
TASKS_IN_CONTAINERS = [(0, 0), (0, 8), (1, 0), (8, 1), (MOST_TASKS, MOST_TASKS)]
_FEW = 16  # tasks that are started in a test
# Starts threads and processes, all alive at once, and returns how many there were.
_START = """
wait, started, children = threading.Event(), 0, []
try:
    for _ in range({threads}):
        threading.Thread(target=wait.wait, daemon=True).start()
        started += 1
    for _ in range({processes}):
        pid = os.fork()
        if not pid: signal.pause()
        children.append(pid)
        started += 1
finally:
    wait.set()
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
return started
"""


def _ends(name: str) -> tuple[Number, Number]:
    """The least and the largest value that a limit may have."""
    schema = KEYS[f"limits.{name}"].kind.schema
    branches = cast("list[dict[str, Number]]", schema.get("anyOf", [schema]))
    return branches[0]["minimum"], branches[0]["maximum"]


def _policy(**limits: Number | str) -> Policy:
    lines = "".join(f"{name} = {value}\n" for name, value in limits.items())
    return Policy.parse(f'version = 1\nname = "corner"\nextends = "restricted"\n[limits]\n{lines}')


class Opened:
    """A sandbox under a policy of a corner, all of whose walls were tried as at the opening of an engine."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        reports = sandbox.walls(thorough=False)
        assert [f"{report.wall}: {report.stopped_by}" for report in reports if not report.held] == []
        assert [report.wall for report in reports] == list(isolation_checks.NAMES)

    def __call__(self, body: str) -> Outcome:
        return self._sandbox.run(Job(source=_ANY_BODY, entry="deed", args=(body,)))

    def answers(self, body: str) -> None:
        """It is answered with 42; in milliseconds, once, on a machine that may be busy."""
        outcomes = (self(body) for _ in range(20))
        assert next(iter(outcome.value for outcome in outcomes if outcome.ok), None) == 42, self(body).describe()


class OpenCorner(Protocol):
    """Opens a sandbox in which some limits are other than usual."""

    def __call__(self, **limits: Number | str) -> Opened:
        """The sandbox, all of whose walls hold."""
        ...


@pytest.fixture
def open_corner(open_real: "Open") -> Iterator[OpenCorner]:
    """`open_corner(memory=1 << 24)` opens a sandbox in which these limits are other than usual."""
    opened: list[Sandbox] = []

    def corner(**limits: Number | str) -> Opened:
        opened.append(open_real(_policy(**limits)))
        return Opened(opened[-1])

    yield corner
    for sandbox in opened:
        sandbox.close()


def test_every_limit_has_a_row() -> None:
    limits = {name.removeprefix("limits.") for name in KEYS if name.startswith("limits.") and name not in LEVELS}

    assert set(AT_LEAST) == limits


@pytest.mark.parametrize("group", GROUPS)
def test_limits_at_their_least_open_answer_and_hold(
    open_corner: OpenCorner, differs: "Differs", sandbox_kind: str, group: str
) -> None:
    if group == "cores" and sandbox_kind == "process" and cgroup.find() is None:
        pytest.skip("without a cgroup no quota bounds the cores; docs/threat-model.md says so")
    corners = {name: corner for name, corner in AT_LEAST.items() if corner.group == group}
    least = {name: _ends(name)[0] for name in corners}
    run = open_corner(**{"wall": '"2s"'} | least if group == "cores" else least)

    run.answers(_HONEST)
    for name, corner in corners.items():
        if corner.differs and differs(corner.differs):
            continue
        run.answers(corner.within)
        outcome = run(corner.beyond)
        assert (name, outcome.status, outcome.cause) == (name, *corner.verdict), outcome.describe()
        run.answers(_HONEST)


def test_limits_at_their_most_open_and_answer(open_corner: OpenCorner) -> None:
    """They are bounds and reserve nothing: no machine has all of this."""
    run = open_corner(**{name: _ends(name)[1] for name in AT_LEAST if name != "open_files"})

    run.answers(_HONEST)
    run.answers("open('/tmp/file', 'wb').write(bytes(1 << 20))\nprint('x' * 4096)\nreturn 42")


def test_as_many_open_files_as_there_may_be_open_or_are_refused_by_name(
    open_corner: OpenCorner, sandbox_kind: str
) -> None:
    """The daemon of Docker may itself have a smaller limit, above which runc gives nobody one."""
    most = _ends("open_files")[1]
    try:
        run = open_corner(open_files=most)
    except SandboxUnavailableError as error:
        refusal = str(error)
    else:
        run.answers("held = [open('/dev/null') for _ in range(200)]\nreturn 42")
        return
    assert sandbox_kind == "docker"
    assert [word for word in ("limits.open_files", "LimitNOFILE") if word not in refusal] == []


@pytest.mark.parametrize(("processes", "threads"), TASKS)
def test_processes_and_threads_together_are_what_may_be_started(
    open_corner: OpenCorner, sandbox_kind: str, processes: int, threads: int
) -> None:
    if sandbox_kind != "process" and (processes, threads) not in TASKS_IN_CONTAINERS:
        pytest.skip("one corner of a kind is enough where each takes a container")
    assert _ends("processes") == _ends("threads") == (0, MOST_TASKS)
    # a fork takes gVisor 50 to 100 ms of CPU, and more while the machine is busy
    run = open_corner(processes=processes, threads=threads, cpu='"30s"', wall='"60s"')

    run.answers(_HONEST)
    few = {"processes": min(processes, _FEW), "threads": min(threads, _FEW)}
    assert run(_START.format(**few)).value == sum(few.values())
    if processes + threads > _FEW:
        return
    more = "processes" if processes else "threads"
    outcome = run(_START.format(**few | {more: few[more] + 1}))
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "tasks"), outcome.describe()


def test_code_that_calls_itself_without_end_is_ended_whatever_the_stack(open_corner: OpenCorner) -> None:
    for stack in ('"1MiB"', _ends("stack")[1]):
        outcome = open_corner(stack=stack)("def down():\n    return down()\nreturn down()")
        assert (outcome.status, outcome.cause) == (Status.LIMIT, "recursion"), outcome.describe()
