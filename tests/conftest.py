"""What the machine can do, and what becomes of a test that needs more.

A test says what it needs by a marker (`sandbox`, `root`, `user`, `docker`, `runsc`) or by calling the fixture
`require`. A test whose need is not met is skipped with the reason; where `POET_REQUIRE` names the need (a
comma-separated list, such as `process,user`) it fails instead, so that a machine which is there to run the sandbox
cannot quietly stop doing so.

`user` means that an ordinary user can build the sandbox on this machine, not that the tests run as one: a test so
marked runs as root too, and then starts its own process as another user.

`POET_PACE` says how many times slower than usual the machine is; the fixture `pace` has it.

`--sample` leaves most inputs of the long tables to `make test-long`: a container for each of a hundred scripts takes
minutes. Of each table it keeps the first input in each sandbox, and a share of the others that is always the same.
"""

import contextlib
import functools
import importlib
import itertools
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from poet_engine._env import Settings
from poet_engine.dockerd import DEFAULT_HOST
from poet_engine.errors import DockerError
from poet_engine.images import ImageClient

Require = Callable[[str, bool, str], None]


class Counted(Protocol):
    """What sandboxes may leave; see benchmarks/leftovers.py."""

    def left(self) -> list[str]: ...


# marker → what POET_REQUIRE calls it
_NAMES = {"sandbox": "process", "root": "root", "user": "user", "docker": "docker", "runsc": "runsc"}
# One in so many inputs of a table is part of a sample, in containers with gVisor and with runc.
_OF_RUNSC, _OF_DOCKER = 12, 5
_CENSUS, _LEFT = pytest.StashKey["Counted"](), pytest.StashKey[list[str]]()
_MOMENT = 20.0  # seconds that what is closed may take to be gone
_ASKED = {"cgroup2"}  # by `make test` itself, which boots a machine for it

# Enters the namespaces that the process sandbox is made of, in a process of its own. A root process first becomes an
# ordinary user for the second form: within the process, since that user may be unable to start this interpreter.
_PROBE = """
import ctypes, os, sys
NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
flags = NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET
libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[1] == "user":
    flags |= NEWUSER
    if os.geteuid() == 0:
        os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
if libc.unshare(flags):
    sys.exit(os.strerror(ctypes.get_errno()))
"""


@pytest.fixture
def require() -> Require:
    """`require(what, available, reason)` goes on when `available`; else it skips, or fails if POET_REQUIRE says so."""
    return _require


@pytest.fixture(scope="session")
def pace() -> int:
    """How many times slower than usual this machine is: an emulated one cannot keep the times that a test gives."""
    return int(os.environ.get("POET_PACE", "1"))  # noqa: TID251 - how the tests are told; the product does not read it


def pytest_configure() -> None:
    """Take SIGINT as an interactive program does: a shell starts its background jobs, and all of theirs, without."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leftovers() -> ModuleType:
    """The counters of what sandboxes leave, which the soak uses as well."""
    folder = str(Path(__file__).resolve().parents[1] / "benchmarks")
    sys.path.append(folder)
    try:
        return importlib.import_module("leftovers")
    finally:
        sys.path.remove(folder)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Iterator[None]:
    """Note what is there before the first test, to see what is left after the last one."""
    counters, stack = _leftovers(), contextlib.ExitStack()
    session.config.add_cleanup(stack.close)
    made = stack.enter_context(counters.noting_containers())
    host = Settings.read().docker_host or DEFAULT_HOST
    session.config.stash[_CENSUS] = counters.Census(os.getpid(), counters.all_mounts(), made, host)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of tests that has left something behind: when all sandboxes are closed, nothing of them is there."""
    wiring = sys.modules.get("poet_engine._wiring")
    if wiring is not None:
        wiring._shared.close()  # as at the end of every program that has decorated functions
    left = _leftovers().settled(session.config.stash[_CENSUS].left, _MOMENT)
    session.config.stash[_LEFT] = left
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--sample", action="store_true", help="of tables that are tried in containers, only a share")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--sample"):
        return
    seen: set[tuple[str, str]] = set()
    left_out = [_is_left_out(item, seen) for item in items]
    config.hook.pytest_deselected(items=list(itertools.compress(items, left_out)))
    items[:] = [item for item, out in zip(items, left_out, strict=True) if not out]


def _is_left_out(item: pytest.Item, seen: set[tuple[str, str]]) -> bool:
    """Whether a sample goes without a test: an input of a table that is tried in containers, and not its first."""
    runsc = item.get_closest_marker("runsc") is not None
    if not runsc and item.get_closest_marker("docker") is None:
        return False
    table = (item.nodeid.partition("[")[0], "runsc" if runsc else "docker")
    if table not in seen:
        seen.add(table)
        return False
    return bool(zlib.crc32(item.nodeid.encode()) % (_OF_RUNSC if runsc else _OF_DOCKER))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, name in _NAMES.items():
        if item.get_closest_marker(marker) is not None:
            reason = _missing(marker)
            _require(name, reason is None, reason or "")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for one in terminalreporter.config.stash.get(_LEFT, []):
        terminalreporter.write_line(f"left behind after the last test: {one}", red=True)
    unasked = sorted(_required() - _ASKED)
    if unasked:
        terminalreporter.write_line(f"POET_REQUIRE names what no test of this run asked for: {', '.join(unasked)}")


def _require(what: str, available: bool, reason: str) -> None:  # noqa: FBT001 - reads as `require("docker", found, why)`
    _ASKED.add(what)
    if available:
        return
    if what in _required():
        pytest.fail(f"POET_REQUIRE names {what!r}, but {reason}", pytrace=False)
    pytest.skip(reason)


def _required() -> frozenset[str]:
    listed = os.environ.get("POET_REQUIRE", "")  # noqa: TID251 - how the tests are told; the product does not read it
    return frozenset(name for name in listed.replace(" ", "").split(",") if name)


def _missing(marker: str) -> str | None:
    """Why the machine lacks what a marker asks for; None when it has it."""
    if marker == "root":
        return None if os.geteuid() == 0 else "this needs root"
    if marker == "user":
        return _namespaces("user")
    if marker in ("docker", "runsc"):
        runtimes = _docker()
        if isinstance(runtimes, str):
            return runtimes
        return None if marker == "docker" or "runsc" in runtimes else "the Docker daemon has no runtime 'runsc'"
    return _namespaces("root" if os.geteuid() == 0 else "user")


@functools.cache
def _docker() -> frozenset[str] | str:
    """The runtimes of the Docker daemon, or why there is none."""
    try:
        with ImageClient(Settings.read().docker_host or DEFAULT_HOST) as engine:
            return engine.runtimes()
    except DockerError as error:
        return str(error)


@functools.cache
def _namespaces(who: str) -> str | None:
    """Why a root process or an ordinary user cannot enter the sandbox's namespaces here; None when it can."""
    if sys.platform != "linux":
        return "the process sandbox needs Linux"
    tried = subprocess.run([sys.executable, "-I", "-c", _PROBE, who], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    as_whom = "root" if who == "root" else "an ordinary user"
    return f"{as_whom} cannot enter the sandbox's namespaces on this machine: {tried.stderr.strip()}"
