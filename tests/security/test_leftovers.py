"""Code that leaves something in its lane for the next call there: nothing of it is found, or it is listed as shared."""

import dataclasses
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import syscalls

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere, Hostile, Told

_FRAME = """import ctypes
number, = args
libc = ctypes.CDLL(None, use_errno=True)
def call(result):
    if result < 0: raise OSError(ctypes.get_errno(), 'refused')
"""


@dataclasses.dataclass(frozen=True)
class Leftover:
    """What a call leaves in its lane, how the next one looks for it, and the answers: under all walls and without."""

    leave: str
    look: str
    told: object
    clean: object
    dirty: object


FIND_KEY = "return libc.syscall(number['keyctl'], 10, -4, b'user', b'poet-left', 0) > 0"
# Limit 10 counts locks as Linux 2.4 did; nothing else sets it.
LEFTOVERS: dict[str, Leftover] = {
    "priority of init": Leftover(
        "os.setpriority(os.PRIO_PROCESS, 1, 19)",
        "return os.getpriority(os.PRIO_PROCESS, 1) == 19",
        errno.EPERM,
        False,
        True,
    ),
    "cores of init": Leftover(
        "os.sched_setaffinity(1, {min(os.sched_getaffinity(0))})",
        "return os.sched_getaffinity(1) == {min(os.sched_getaffinity(1))}",
        errno.EPERM,
        len(os.sched_getaffinity(0)) == 1,
        True,
    ),
    "limits of init": Leftover(
        "import resource; resource.prlimit(1, 10, (0, 4711))",
        "import resource\ntry: return resource.prlimit(1, 10)[1] == 4711\n"
        "except PermissionError: return False",  # as root it is another user's
        errno.EPERM,
        False,
        True,
    ),
    "host name": Leftover(
        "call(libc.sethostname(b'left', 4))", "return os.uname().nodename", "seccomp:sethostname", "poet", "left"
    ),
    "key of the user": Leftover(
        "call(libc.syscall(number['add_key'], b'user', b'poet-left', b'data', 4, -4))",
        FIND_KEY,
        "seccomp:add_key",
        "seccomp:keyctl",
        True,
    ),
}


def _leave_and_look(everywhere: "Everywhere", left: Leftover, without: str = "") -> tuple[object, object]:
    leave = f"{_FRAME}try: {left.leave}\nexcept OSError as error: return error.errno\nreturn 'left'"
    answers = []
    for body in (leave, _FRAME + left.look):
        outcome = everywhere(body, syscalls.NUMBERS, without=without, lanes=1)
        assert outcome.stdout == "reached\n"
        answers.append(outcome.cause or outcome.value)
    return answers[0], answers[1]


@pytest.mark.parametrize("left", LEFTOVERS.values(), ids=LEFTOVERS)
def test_the_next_call_in_the_lane_finds_nothing_changed(
    everywhere: "Everywhere", told: "Told", left: Leftover
) -> None:
    """Nor the next one in its container."""
    expected = tuple(
        told(said, "")[1] if isinstance(said, str) and said.startswith("seccomp:") else said
        for said in (left.told, left.clean)
    )

    assert _leave_and_look(everywhere, left) == expected


@pytest.mark.parametrize("left", LEFTOVERS.values(), ids=LEFTOVERS)
def test_control_without_filter_and_identity_it_is_found(hostile: "Hostile", left: Leftover) -> None:
    assert _leave_and_look(hostile, left, without="seccomp ids capabilities landlock") == ("left", left.dirty)


@pytest.mark.root
@pytest.mark.parametrize("name", [name for name in LEFTOVERS if "key" not in name])
def test_identity_alone_keeps_init_as_it_is(hostile: "Hostile", name: str) -> None:
    """As root init is another user's. Keys are not kept so: calls of a lane share their uid."""
    left = LEFTOVERS[name]

    told, found = _leave_and_look(hostile, left, without="seccomp landlock")

    assert told in (errno.EPERM, errno.EACCES)
    assert found == left.clean


@pytest.fixture
def common() -> Iterator[str]:
    """A folder of the host that everybody may write."""
    with tempfile.TemporaryDirectory(prefix="poet-test-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o777)
        yield folder


FILES = (
    "found = []\nfor folder in args:\n    found += os.listdir(folder)\n    open(folder + '/left', 'w').close()\n"
    "return found"
)


def test_files_are_gone_with_their_call(everywhere: "Everywhere") -> None:
    own = ("/tmp", "/dev/shm")  # noqa: S108 - inside the sandbox

    assert [everywhere(FILES, *own, lanes=1).value for _ in range(2)] == [[], []]


def test_control_where_others_see_them_too_they_stay(hostile: "Hostile", common: str) -> None:
    without = "mounts landlock"
    assert [hostile(FILES, common, lanes=1, without=without).value for _ in range(2)] == [[], ["left"]]


def test_how_many_tasks_the_calls_before_it_had_is_told_by_its_own_number(hostile: "Hostile") -> None:
    """Calls of a lane share a pid namespace, and its numbers go on: docs/threat-model.md lists it as shared."""
    threads = (
        "import threading\nfor _ in range(args[0]):\n    one = threading.Thread(target=int); one.start(); one.join()\n"
        "return os.getpid()"
    )
    numbers = [hostile(threads, count, lanes=1, inodes="68").value for count in (0, 20, 0)]

    assert all(isinstance(number, int) for number in numbers)
    first, second, third = (number for number in numbers if isinstance(number, int))
    assert second - first < 20 <= third - second
