"""Code that tells a call in another lane something, at the same time.

Two bodies run at once until a moment that both know, and say since when: a test in which they did not overlap has shown
nothing. Where
the walls that cover a channel cannot be left out, because every payload has a namespace of its own, the control runs
the same two bodies in bare interpreters.
"""

import dataclasses
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import landlock, syscalls

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere, Hostile, Told

LANDLOCK_WITH_ABSTRACT_SOCKETS = 6
WINDOWS = (0.15, 0.6, 2.5, 10.0)  # seconds; the longer ones are for a machine that is busy
LONGER, WORK = '"12s"', '"3s"'  # what a call may last, to use up any of them; looking again and again takes gVisor some
SENT = "sent"

_FRAME = """import ctypes, fcntl, socket, struct
until, name, number = args
libc = ctypes.CDLL(None, use_errno=True)
def call(result):
    if result < 0: raise OSError(ctypes.get_errno(), 'refused')
    return result
hold = []
"""
_SEND = """
def send():
    {deed}
start = time.monotonic()
try: told = send() or 'sent'
except OSError as error: told = error.errno
while time.monotonic() < until: time.sleep(0.002)
{after}
return told, start, until
"""
_LOOK = """
def look():
    {deed}
start, told = time.monotonic(), None
while told is not True and time.monotonic() < until:
    try: told = bool(look())
    except OSError as error: told = error.errno
    time.sleep(0.002)
return told, start, until
"""
_MANY = "while time.monotonic() < until:\n        {deed}\n        time.sleep(0.002)"
_OPEN = "hold.append(open(os.__file__, 'rb')); file = hold[-1]\n    "
_LOCK = "struct.pack('hhqqi', {kind}, 0, 0, 1, 0)"
# The first word of a function of the C library: a page of a file that all lanes map.
_WORD = "word = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~3\n    "


@dataclasses.dataclass(frozen=True)
class Channel:
    """How one call tells another something.

    Attributes:
        send: What the first does, or does again and again until the time is over.
        look: What the second does until it returns something true.
        told: What the kernel answers to the first one: an error number, `sent`, or the cause of a verdict.
        down: The measures without which the message arrives; None if bare interpreters are needed for that.
        alone: Other walls by name, with what is left out so that only they stand.
        after: What the first one cleans up.
    """

    send: str
    look: str
    told: object
    down: str | None = None
    alone: dict[str, str] = dataclasses.field(default_factory=dict)
    after: str = ""


NO_IPC = {"namespace": "seccomp landlock ids capabilities"}
CHANNELS: dict[str, Channel] = {
    "a lock on a shared file": Channel(
        _OPEN + "fcntl.flock(file, fcntl.LOCK_EX)",
        _OPEN + "try: fcntl.flock(hold.pop(), fcntl.LOCK_EX | fcntl.LOCK_NB)\n    except BlockingIOError: return True",
        SENT,
        "seccomp",
    ),
    "a lock on a record": Channel(
        _OPEN + f"fcntl.fcntl(file, fcntl.F_SETLK, {_LOCK.format(kind='fcntl.F_RDLCK')})",
        _OPEN
        + f"answer = fcntl.fcntl(hold.pop(), fcntl.F_GETLK, {_LOCK.format(kind='fcntl.F_WRLCK')})\n"
        + "    return struct.unpack_from('h', answer)[0] == fcntl.F_RDLCK",
        SENT,
        "seccomp",
    ),
    "a lock of an open file": Channel(
        _OPEN + f"fcntl.fcntl(file, 37, {_LOCK.format(kind='fcntl.F_RDLCK')})",
        _OPEN
        + f"answer = fcntl.fcntl(hold.pop(), 36, {_LOCK.format(kind='fcntl.F_WRLCK')})\n"
        + "    return struct.unpack_from('h', answer)[0] == fcntl.F_RDLCK",
        SENT,
        "seccomp",
    ),
    "a futex on the C library": Channel(
        _WORD
        + "value, wait = ctypes.c_uint32.from_address(word).value, struct.pack('qq', 0, int(1e8))\n    "
        + "call(libc.syscall(number['futex'], ctypes.c_void_p(word), 0, value, wait, None, 0))",
        _WORD + "return call(libc.syscall(number['futex'], ctypes.c_void_p(word), 1, 1, None, None, 0))",
        errno.ETIMEDOUT,
        "seccomp",
    ),
    "a socket without a file": Channel(
        "hold.append(socket.socket(socket.AF_UNIX)); hold[-1].bind('\\0' + name); hold[-1].listen()",
        "socket.socket(socket.AF_UNIX).connect('\\0' + name); return True",
        errno.EACCES,
        "seccomp netns landlock",
        {"filter": "netns landlock", "namespace": "seccomp landlock", "landlock": "seccomp netns"},
    ),
    "a socket with a file": Channel(
        "hold.append(socket.socket(socket.AF_UNIX)); hold[-1].bind('/tmp/' + name); hold[-1].listen()",
        "socket.socket(socket.AF_UNIX).connect('/tmp/' + name); return True",
        errno.EACCES,
        "seccomp mounts landlock ids capabilities",
        {"mounts": "seccomp landlock ids capabilities"},
        "if os.path.exists('/tmp/' + name): os.unlink('/tmp/' + name)",
    ),
    "a name for the request's socket": Channel(
        "way = socket.socket(fileno=3)\n    try: way.bind('\\0' + name)\n    finally: way.detach()",
        "other = socket.socket(fileno=3)\n    try: other.bind('\\0' + name)\n"
        "    except OSError as error: return error.errno == 98\n    finally: other.detach()",
        errno.ENOSYS,
        "seccomp",
    ),
    "the opening of a shared file": Channel(
        _MANY.format(deed="open(os.path.dirname(os.__file__) + '/this.py').close()"),
        "if not hold:\n        hold.append(call(libc.inotify_init1(os.O_NONBLOCK)))\n"
        "        call(libc.inotify_add_watch(hold[0], (os.path.dirname(os.__file__) + '/this.py').encode(), 0x20))\n"
        "    try: return os.read(hold[0], 4096)\n    except BlockingIOError: return False",
        SENT,
        "seccomp",
    ),
    "the times of a device": Channel(
        _MANY.format(deed="os.utime('/dev/null')"),
        "hold.append(os.stat('/dev/null').st_mtime_ns); return hold[0] != hold[-1]",
        errno.EROFS,
        "mounts landlock ids",
        {"mounts": "seccomp landlock ids capabilities"},
    ),
    "the flags of standard input": Channel(
        _MANY.format(deed="fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) ^ os.O_APPEND)"),
        "hold.append(fcntl.fcntl(0, fcntl.F_GETFL)); return hold[0] != hold[-1]",
        SENT,
        None,
        {"a file of its own": "seccomp landlock ids capabilities mounts"},
    ),
    "System V shared memory": Channel(
        "hold.append(call(libc.shmget(4711, 4096, 0o1666)))",
        "return call(libc.shmget(4711, 0, 0o666)) >= 0",
        errno.ENOSYS,
        None,
        NO_IPC,
        "for one in hold: libc.shmctl(one, 0, None)",
    ),
    "a System V semaphore": Channel(
        "hold.append(call(libc.semget(4711, 1, 0o1666)))",
        "return call(libc.semget(4711, 1, 0o666)) >= 0",
        errno.ENOSYS,
        None,
        NO_IPC,
        "for one in hold: libc.semctl(one, 0, 0)",
    ),
    "a System V message": Channel(
        "hold.append(call(libc.msgget(4711, 0o1666)))",
        "return call(libc.msgget(4711, 0o666)) >= 0",
        errno.ENOSYS,
        None,
        NO_IPC,
        "for one in hold: libc.msgctl(one, 0, None)",
    ),
    "a POSIX message queue": Channel(
        "call(libc.mq_open(b'/' + name.encode(), os.O_CREAT | os.O_RDWR, 0o666, None))",
        "return call(libc.mq_open(b'/' + name.encode(), os.O_RDWR)) >= 0",
        errno.ENOSYS,
        None,
        {"namespace": "seccomp landlock ids capabilities rlimits"},
        "libc.mq_unlink(b'/' + name.encode())",
    ),
    "a key of the user": Channel(
        "call(libc.syscall(number['add_key'], b'user', name.encode(), b'data', 4, -4))",
        "return call(libc.syscall(number['keyctl'], 10, -4, b'user', name.encode(), 0)) > 0",
        "seccomp:add_key",
        None,
        {"a user of its own": "seccomp landlock"},
    ),
}
Heard = tuple[object, float, float]
Limits = dict[str, str]


def _bodies(channel: Channel) -> tuple[str, str]:
    return _FRAME + _SEND.format(deed=channel.send, after=channel.after), _FRAME + _LOOK.format(deed=channel.look)


Runner = Callable[[str, float], Heard]
Both = tuple[object, object]


def _at_once(run: Runner, channel: Channel, *, arrives: bool = False) -> Both:
    """What the sender was told and what the other one found, in a window long enough for them to overlap.

    Where the message is to arrive, the window is long enough for that too: both may have begun with little of it left.
    """
    told, found = None, None
    for window in WINDOWS:
        with ThreadPoolExecutor(2) as threads:
            sending, looking = (threads.submit(run, body, window) for body in _bodies(channel))
        (told, sends, until), (found, looks, _until) = sending.result(), looking.result()
        stopped = isinstance(told, str) and told != SENT
        overlap = found is not None and max(sends, looks) < until - 0.03
        if found is True or told == errno.EADDRINUSE or stopped or (overlap and not arrives):
            return told, found
    if arrives:
        return told, found
    return pytest.fail("the two never ran at the same time, so that nothing was shown")


class Lanes:
    """Runs both bodies at once in two lanes of one sandbox, or in two containers.

    Args:
        sandbox: Where.
        sender: Further limits of the one who sends.
        listener: Further limits of the other.
    """

    def __init__(self, sandbox: "Everywhere", sender: Limits | None = None, listener: Limits | None = None) -> None:
        self._sandbox, self._sender, self._listener = sandbox, sender or {}, listener or {}

    def __call__(self, channel: Channel, without: str = "", *, arrives: bool = False) -> Both:
        prefix = f"poet-{os.getpid()}-{time.monotonic_ns()}"
        for limits in (self._sender, self._listener):  # both stand before the time runs
            self._sandbox("return 1", without=without, lanes=8, wall=LONGER, cpu=WORK, **limits)

        def one(body: str, window: float) -> Heard:
            until = time.monotonic() + window
            name = f"{prefix}-{window}"  # a key stays with its lane, where the other one may run the next time
            limits = self._sender if "def send()" in body else self._listener
            outcome = self._sandbox(
                body, until, name, syscalls.NUMBERS, without=without, lanes=8, wall=LONGER, cpu=WORK, **limits
            )
            assert outcome.stdout == "reached\n"
            if outcome.cause is not None:
                return outcome.cause, 0.0, until
            assert isinstance(outcome.value, tuple)
            return outcome.value

        return _at_once(one, channel, arrives=arrives)


@pytest.fixture
def in_lanes(hostile: "Hostile") -> Lanes:
    return Lanes(hostile)


@pytest.fixture
def sharing(everywhere: "Everywhere", sees: frozenset[str]) -> "Everywhere":
    """Where two calls at once have one kernel."""
    if "linux" not in sees:
        pytest.skip("each container has a kernel of gVisor's to itself, with a clock of its own")
    return everywhere


class Bare:
    """Runs both bodies at once in interpreters that nobody has confined; both have one standard input."""

    def __init__(self) -> None:
        self._name = f"poet-{os.getpid()}-{time.monotonic_ns()}"
        self._loaded = threading.Barrier(2, timeout=60)

    def __call__(self, body: str, window: float) -> Heard:
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        reading, writing = os.pipe()
        source = (
            f"import ctypes, fcntl, os, socket, struct, sys, time\ndef deed(*args):\n{lines}\nprint(flush=True)\n"
            f"print(deed(float(os.read({reading}, 64)), {self._name!r}, {syscalls.NUMBERS!r}))\n"
        )
        command = [sys.executable, "-I", "-S", "-c", source]
        with (
            os.fdopen(writing, "w") as way,
            subprocess.Popen(command, stdin=_INPUT, stdout=subprocess.PIPE, text=True, pass_fds=[reading]) as process,
        ):
            os.close(reading)
            assert process.stdout is not None
            process.stdout.readline()
            self._loaded.wait()  # it takes longer than most windows
            print(time.monotonic() + window, file=way, flush=True)
            told, start, until = process.stdout.read().strip(" ()\n").split(", ")
        return {"'sent'": SENT, "True": True, "False": False, "None": None}.get(told, told), float(start), float(until)


_INPUT = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_call_in_another_lane_hears_nothing(sharing: "Everywhere", told: "Told", name: str) -> None:
    """Nor in another container, which has device files of its own, whose times it may set."""
    expected = CHANNELS[name].told
    if isinstance(expected, str) and expected != SENT:
        expected = told(expected, "")[1]
    if name == "the times of a device" and hasattr(sharing, "runtime"):
        expected = SENT

    answer, found = Lanes(sharing)(CHANNELS[name])

    assert answer == expected
    assert found is not True


@pytest.mark.parametrize(
    "channel",
    [channel for channel in CHANNELS.values() if channel.down],
    ids=[n for n, c in CHANNELS.items() if c.down],
)
def test_control_without_the_walls_the_message_arrives(in_lanes: Lanes, channel: Channel) -> None:
    told, found = in_lanes(channel, without=channel.down or "", arrives=True)

    assert found is True or told == errno.EADDRINUSE, (told, found)


ELSEWHERE = {name: channel for name, channel in CHANNELS.items() if not channel.down and "key" not in name}


@pytest.mark.parametrize("channel", ELSEWHERE.values(), ids=ELSEWHERE)
def test_control_between_bare_interpreters_the_message_arrives(channel: Channel) -> None:
    told, found = _at_once(Bare(), channel, arrives=True)

    assert (told, found) == (SENT, True)


ALONE = [(channel, wall) for channel in CHANNELS.values() for wall in channel.alone]
ALONE_NAMES = [f"{wall}-{name}" for name, channel in CHANNELS.items() for wall in channel.alone]


@pytest.mark.parametrize(("channel", "wall"), ALONE, ids=ALONE_NAMES)
def test_each_wall_alone_keeps_the_message(in_lanes: Lanes, channel: Channel, wall: str) -> None:
    if wall == "landlock" and landlock.abi() < LANDLOCK_WITH_ABSTRACT_SOCKETS:
        pytest.skip("the Landlock of this kernel knows no abstract sockets; filter and namespace stand without it")

    _told, found = in_lanes(channel, without=channel.alone[wall])

    assert found is not True


PROCESSES = {"processes": "1"}
# What docs/threat-model.md says of policies that allow processes: their locks and their shared futexes are real.
OPEN_WITH_PROCESSES = [
    *("a lock on a shared file", "a lock on a record", "a lock of an open file", "a futex on the C library"),
]


@pytest.mark.parametrize("name", OPEN_WITH_PROCESSES)
def test_two_calls_that_may_start_processes_can_signal_over_a_library_file(hostile: "Hostile", name: str) -> None:
    """This is a limit of the sandbox, named in the threat model: no filter can tell whose file is locked."""
    assert Lanes(hostile, PROCESSES, PROCESSES)(CHANNELS[name], arrives=True)[1] is True


# Where a policy has processes these are there, and each call has them for itself.
SOCKETS = ["a socket without a file", "a socket with a file", "a name for the request's socket"]


@pytest.mark.parametrize("name", SOCKETS)
def test_two_calls_that_may_start_processes_reach_no_socket_of_each_other(
    sharing: "Everywhere",
    name: str,
    counted: bool,  # noqa: FBT001 - a fixture
) -> None:
    if not counted and not hasattr(sharing, "runtime"):
        pytest.skip("nothing counts memory here, so that nobody may listen")

    answer, found = Lanes(sharing, PROCESSES, PROCESSES)(CHANNELS[name])

    assert answer == SENT
    assert found is not True


def test_the_namespace_alone_keeps_a_socket_without_a_file(
    hostile: "Hostile",
    counted: bool,  # noqa: FBT001 - a fixture
) -> None:
    if not counted:
        pytest.skip("nothing counts memory here, so that nobody may listen")
    channel = CHANNELS["a socket without a file"]

    assert Lanes(hostile, PROCESSES, PROCESSES)(channel, without="landlock")[1] is not True
    assert Lanes(hostile, PROCESSES, PROCESSES)(channel, without="landlock netns", arrives=True) == (SENT, True)


@pytest.mark.parametrize("name", OPEN_WITH_PROCESSES)
def test_a_call_without_processes_signals_to_nobody(hostile: "Hostile", name: str) -> None:
    answer, found = Lanes(hostile, {}, PROCESSES)(CHANNELS[name])

    assert answer == CHANNELS[name].told
    assert found is not True


@pytest.mark.parametrize("name", ["a lock on a shared file", "a futex on the C library"])
def test_a_call_without_processes_hears_no_lock_of_a_file_and_no_futex(hostile: "Hostile", name: str) -> None:
    """It may ask for locks of records, which SQLite must: of those it hears, as the threat model says."""
    assert Lanes(hostile, PROCESSES, {})(CHANNELS[name])[1] is not True


def test_threads_of_the_c_library_are_joined_all_the_same(hostile: "Hostile") -> None:
    """The one honest use of a futex that is not private: waiting for a thread's end is then asking again."""
    body = (
        "import ctypes\nlibc = ctypes.CDLL(None)\nthread = ctypes.c_ulong()\n"
        "libc.pthread_create(ctypes.byref(thread), None, libc.usleep, ctypes.c_void_p(20_000))\n"
        "start = time.monotonic()\njoined = libc.pthread_join(thread, None)\n"
        "return joined, time.monotonic() - start > 0.015"
    )

    assert hostile(body).value == (0, True)


OTHERS = (
    "found = []\nwhile time.monotonic() < args[0]: time.sleep(0.002)\nfor pid in range(1, 2000):\n"
    "    try: os.kill(pid, 0)\n    except PermissionError: pass\n    except ProcessLookupError: continue\n"
    "    found.append(pid == os.getpid() or pid)\nreturn found"
)


def test_no_process_of_another_lane_can_be_named(sharing: "Everywhere") -> None:
    """Only init and itself; the control, which sees a child, is in test_fork_bomb.py."""
    sharing("return 1", wall=LONGER, cpu=WORK)
    until = time.monotonic() + WINDOWS[0]
    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(lambda _n: sharing(OTHERS, until, wall=LONGER, cpu=WORK), range(2)))

    assert [outcome.value for outcome in outcomes] == [[1, True], [1, True]]
