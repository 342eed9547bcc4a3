"""Code that turns on the first process of its container: it neither dies nor lies, and nothing of it becomes ours.

With runc that process has the code's own user, and what keeps them apart is that it is pid 1, that it is not dumpable,
the filter of system calls, and Landlock; the attacks are tried without Landlock too, which not every kernel has. With
gVisor it is another user.
"""

import errno
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import syscalls
from poet_engine.outcome import Blame, Outcome, Status

if TYPE_CHECKING:
    from tests.security.conftest import Contained

OK, ERROR, LIMIT, NO_RESULT, CRASH = Status.OK, Status.ERROR, Status.LIMIT, Status.NO_RESULT, Status.CRASH
VIOLATION = Status.VIOLATION
WALLS = ["", "landlock"]


def _still_serves(contained: "Contained", without: str = "", **limits: str) -> bool:
    outcome = contained("return 'next'", without=without, lanes=1, **limits)
    return (outcome.value, outcome.stdout, outcome.stderr) == ("next", "reached\n", "")


def _is_ours(outcome: Outcome) -> bool:
    return outcome.status is Status.INFRA or outcome.blame is Blame.ENGINE


_STREAMS = """
import stat
found = []
for fd in range(64):
    for how in (os.O_WRONLY, os.O_RDONLY):
        try: opened = os.open(f'/proc/1/fd/{fd}', how | os.O_NONBLOCK)
        except OSError: continue
        kind = os.fstat(opened).st_mode
        if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind): found.append(fd)
        os.close(opened)
return found
"""


@pytest.mark.parametrize("without", WALLS)
def test_the_streams_of_the_first_process_cannot_be_opened(contained: "Contained", without: str) -> None:
    outcome = contained(_STREAMS, without=without, lanes=1)

    assert (outcome.stdout, outcome.status, outcome.value) == ("reached\n", OK, [])
    assert _still_serves(contained, without)


def test_control_the_same_finds_streams_of_its_own(contained: "Contained") -> None:
    """With gVisor, which opens no pipe anew, the names of the others' are seen at least: they are there to be tried."""
    if contained.runtime == "runsc":
        body = "return [os.readlink(f'/proc/1/fd/{fd}').partition(':')[0] for fd in os.listdir('/proc/1/fd')]"
        names = contained(body, lanes=1).value
        assert isinstance(names, list)
        assert names.count("host") >= 2
    else:
        assert contained(_STREAMS.replace("/proc/1/", "/dev/"), without="landlock", lanes=1).value == [1, 2]  # to write


SIGNALLED: dict[str, str] = {
    "the first process": "for number in range(1, 65):\n    try: os.kill(1, number)\n    except OSError: pass",
    "its threads": (
        "import ctypes\nlibc = ctypes.CDLL(None)\n"
        "for number in range(1, 65):\n    libc.syscall(args[0]['tgkill'], 1, 1, number)\n"
        "    libc.syscall(args[0]['tkill'], 1, number)"
    ),
    "its group": "for number in (1, 9, 15, 19):\n    try: os.killpg(1, number)\n    except OSError: pass",
    "everybody": "try: os.kill(-1, 9)\nexcept OSError: pass",
    "again and again": "for _ in range(100_000):\n    try: os.kill(1, 17)\n    except OSError: pass",
}


@pytest.mark.parametrize("without", WALLS)
@pytest.mark.parametrize("body", SIGNALLED.values(), ids=SIGNALLED)
def test_the_first_process_heeds_no_signal_from_inside(contained: "Contained", body: str, without: str) -> None:
    outcome = contained(f"{body}\nreturn 'sent'", syscalls.NUMBERS, without=without, lanes=1)

    assert outcome.stdout == "reached\n"
    assert outcome.value == "sent" or outcome.cause in ("cpu", "signal:SIGKILL"), outcome.describe()
    assert _still_serves(contained, without)


# What the kernel answers; a list where a runtime or a wall decides which of them it is.
TOUCHED: dict[str, tuple[str, tuple[int, ...]]] = {
    "its memory": ("open('/proc/1/mem', 'rb+')", (errno.EACCES,)),
    "its memory, through a mapping": ("open('/proc/1/map_files')", (errno.EACCES, errno.ENOENT)),
    "its folder": ("os.listdir('/proc/1/cwd')", (errno.EACCES,)),
    "its end of memory": ("open('/proc/1/oom_score_adj', 'w')", (errno.EACCES,)),
    "its limits": ("import resource; resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))", (errno.EPERM,)),
    "its cores": ("os.sched_setaffinity(1, {0})", (errno.EPERM,)),
    "its priority": ("os.setpriority(os.PRIO_PROCESS, 1, 19)", (errno.EPERM,)),
    "its group": ("os.setpgid(1, 1)", (errno.EPERM,)),
}


@pytest.mark.parametrize("without", WALLS)
@pytest.mark.parametrize(("deed", "answers"), TOUCHED.values(), ids=TOUCHED)
def test_the_first_process_cannot_be_changed(
    contained: "Contained", deed: str, answers: tuple[int, ...], without: str
) -> None:
    outcome = contained(f"try: {deed}\nexcept OSError as error: return error.errno", without=without, lanes=1)

    assert (outcome.stdout, outcome.status) == ("reached\n", OK)
    assert outcome.value in answers
    assert _still_serves(contained, without)


@pytest.mark.parametrize("name", ["ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"])
def test_looking_into_the_first_process_ends_the_run(contained: "Contained", name: str) -> None:
    body = "import ctypes\nctypes.CDLL(None).syscall(args[0], 1, 1, 0, 0, 0, 0)"
    outcome = contained(body, syscalls.NUMBERS[name], lanes=1)

    cause = "seccomp:unknown" if contained.runtime == "runsc" else f"seccomp:{name}"
    assert (outcome.stdout, outcome.status, outcome.cause) == ("reached\n", VIOLATION, cause)
    assert outcome.blame is Blame.CODE
    assert _still_serves(contained)


def test_control_without_the_filter_some_of_it_is_done(contained: "Contained") -> None:
    """With runc, whose first process has the same user. Limit 10 counts locks as Linux 2.4 did: nothing."""
    body = (
        "import resource\ntry: resource.prlimit(1, 10, (0, 4711))\n"
        "except OSError as error: return error.errno\nreturn 'done'"
    )
    outcome = contained(body, without="seccomp landlock", lanes=1)

    assert (outcome.stdout, outcome.value) == ("reached\n", errno.EPERM if contained.runtime == "runsc" else "done")


# Numbers of frames by which the first process speaks to the host, as the code would forge them.
SPOKEN = {"BROKEN": 33, "PREPARED": 34, "NOTIFIED": 38, "COUNTS": 39, "FILES": 41, "ENDED": 42}


@pytest.mark.parametrize("kind", SPOKEN.values(), ids=SPOKEN)
def test_what_the_code_says_is_never_taken_for_our_word(contained: "Contained", kind: int) -> None:
    """On its socket it is no answer; on its outputs it is what was printed."""
    frame = bytes([kind]) + (9).to_bytes(4, "big") + bytes(9)

    answered = contained(f"os.write(3, {frame!r})\nos._exit(0)", lanes=1)
    printed = contained(f"os.write(1, {frame!r}); os.write(2, {frame!r})\nreturn 'printed'", lanes=1)

    assert (answered.status, answered.cause, answered.blame) == (NO_RESULT, "result_undecodable", Blame.CODE)
    assert printed.value == "printed"
    assert printed.stdout == "reached\n" + frame.decode()
    assert printed.stderr == frame.decode()
    assert _still_serves(contained)


_SENDING = "import array, socket\nsock = socket.socket(fileno=3)\nmany = array.array('i', [0] * 253).tobytes()\n"
# What the first process must get through: the body, and what may come of it. Budgets: 3 processes, 4 threads.
PRESSED: dict[str, tuple[str, tuple[tuple[Status, str | None], ...]]] = {
    "descriptors by the thousand": (
        (
            f"{_SENDING}try:\n    while True: sock.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, many)])\n"
            "except OSError: os._exit(0)"
        ),
        ((NO_RESULT, "result_undecodable"), (NO_RESULT, "early_exit")),
    ),
    "its own socket in a circle": (
        (
            f"{_SENDING}a, b = socket.socketpair()\nown = array.array('i', [a.fileno(), b.fileno(), 3]).tobytes()\n"
            "a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, own)])\nos._exit(0)"
        ),
        ((NO_RESULT, "early_exit"),),
    ),
    "a socket that is shut and held": (
        f"{_SENDING}sock.shutdown(socket.SHUT_RDWR)\ntime.sleep(60)",
        ((LIMIT, "wall"),),
    ),
    "everything closed": ("os.closerange(0, 64)\ntime.sleep(60)", ((LIMIT, "wall"),)),
    "an answer without end": (
        "os.write(3, b'\\x02\\0\\x0f\\xff\\xff')\nwhile True: os.write(3, b'9' * 65536)",
        ((NO_RESULT, "result_undecodable"),),
    ),
    "garbage without end": ("while True: os.write(3, b'\\xff' * 65536)", ((NO_RESULT, "result_undecodable"),)),
    "three floods": (
        (
            "import threading\ndef flood(fd):\n    while True: os.write(fd, b'x' * 4096)\n"
            "for fd in (1, 2): threading.Thread(target=flood, args=(fd,)).start()\nflood(3)"
        ),
        ((NO_RESULT, "result_undecodable"), (LIMIT, "output")),
    ),
    "forks that are refused": (
        "while True:\n    try:\n        if not os.fork(): os._exit(0)\n    except OSError: pass",
        ((LIMIT, "cpu"), (LIMIT, "wall"), (LIMIT, "memory")),
    ),
    "a tree of processes": (
        "while True:\n    try: os.fork()\n    except OSError: pass",
        ((LIMIT, "cpu"), (LIMIT, "wall"), (LIMIT, "memory")),
    ),
    "memory of three children": (
        (
            "import mmap\nchildren = []\nfor _ in range(3):\n    pid = os.fork()\n    if not pid:\n"
            "        try:\n            region = mmap.mmap(-1, 200 << 20)\n"
            "            for at in range(0, 200 << 20, 4096): region[at] = 1\n        finally: os._exit(9)\n"
            "    children.append(pid)\nreturn [bool(os.waitpid(pid, 0)[1]) for pid in children]"
        ),
        ((OK, None), (LIMIT, "cpu"), (LIMIT, "memory"), (LIMIT, "wall")),
    ),
    "pipes that are full": (
        (
            "hold = []\nwhile True:\n    hold.append(os.pipe()); os.set_blocking(hold[-1][1], False)\n"
            "    try:\n        while True: os.write(hold[-1][1], b'x' * 65536)\n    except BlockingIOError: pass"
        ),
        ((LIMIT, "fds"), (LIMIT, "memory")),
    ),
    "a child that keeps everything open": (
        "if not os.fork(): time.sleep(60)\nos._exit(0)",
        ((NO_RESULT, "early_exit"),),
    ),
    "a grandchild whose parent is gone": (
        "if not os.fork():\n    if not os.fork(): time.sleep(60)\n    os._exit(0)\nos.wait()\nos._exit(0)",
        ((NO_RESULT, "early_exit"),),
    ),
    "zombies": ("for _ in range(3):\n    if not os.fork(): os._exit(0)\nos._exit(3)", ((ERROR, "nonzero_exit"),)),
}


@pytest.mark.parametrize(("body", "ends"), PRESSED.values(), ids=PRESSED)
def test_whatever_it_is_made_to_bear_it_tells_the_truth_and_serves_on(
    contained: "Contained", body: str, ends: tuple[tuple[Status, str | None], ...]
) -> None:
    outcome = contained(body, processes="3", wall='"2s"', lanes=1)

    assert outcome.stdout.startswith("reached\n")
    assert not _is_ours(outcome)
    assert (outcome.status, outcome.cause) in ends, outcome.describe()
    assert _still_serves(contained, processes="3", wall='"2s"')


# What takes more than all of the container has: with runc by inodes, which stay when their maker is dead; with gVisor,
# whose kernel is a process like any other, by its children together.
_INODES = "number = 0\nwhile True:\n    open(f'/tmp/{number:0200}', 'w').close(); number += 1"
_CHILDREN = (
    "import mmap\nfor _ in range(8):\n    if not os.fork():\n        region = mmap.mmap(-1, 200 << 20)\n"
    "        for at in range(0, 200 << 20, 4096): region[at] = 1\n        time.sleep(60)\ntime.sleep(60)"
)


def test_a_container_that_dies_of_its_code_is_no_fault_of_ours(contained: "Contained") -> None:
    gvisor = contained.runtime == "runsc"

    def run(body: str) -> Outcome:
        memory, processes, inodes = ('"256MiB"', "8", "64") if gvisor else ('"64MiB"', "0", "1000000")
        return contained(body, cpu='"20s"', wall='"20s"', memory=memory, processes=processes, inodes=inodes)

    outcome = run(_CHILDREN if gvisor else _INODES)

    assert (outcome.status, outcome.cause, outcome.blame) == (LIMIT, "memory", Blame.CODE), outcome.describe()
    assert outcome.evidence is not None
    assert outcome.evidence.counter == "memory.oom_kill"
    assert run("return 'next'").value == "next"


_SEEN = """
found = {}
for path in args:
    try:
        if os.path.isdir(path): found[path] = sorted(os.listdir(path))
        else:
            with open(path, 'rb') as file: found[path] = file.read(4096)
    except OSError as error: found[path] = error.errno
return found
"""
HIDDEN = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/modules", "/proc/cmdline", "/sys/firmware")


def test_what_proc_and_sys_show_is_the_containers_own(contained: "Contained") -> None:
    """Where Landlock stands they cannot even be read."""
    shown = contained(_SEEN, "/proc", "/proc/1/environ", *HIDDEN, without="landlock", lanes=1).value

    assert isinstance(shown, dict)
    processes = [name for name in shown["/proc"] if name.isdecimal()]
    assert len(processes) == 2
    assert "1" in processes
    environment = shown["/proc/1/environ"]
    assert environment == errno.EACCES or b"HOSTNAME" not in environment
    empty = {path: shown[path] in (errno.ENOENT, errno.EACCES, b"", []) for path in HIDDEN}
    if contained.runtime == "runsc":
        del empty["/proc/cmdline"]  # of gVisor's own kernel
    assert all(empty.values()), empty
    if contained.runtime == "runc":
        assert contained(_SEEN, "/proc", "/sys", lanes=1).value == {"/proc": errno.EACCES, "/sys": errno.EACCES}


# Where the container's first process came to the host's socket; nothing listens there any more.
_LINE = """
import socket
try:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line: line.connect('/run/poet/line')
except OSError as error: return error.errno
return 'connected'
"""


def test_the_socket_that_came_with_the_container_leads_nowhere(contained: "Contained") -> None:
    """The filter refuses a socket; without it there is nobody to connect to."""
    gone = (errno.ENOENT, errno.ECONNREFUSED, errno.EACCES)

    assert contained(_LINE, lanes=1).value == errno.EACCES
    assert contained(_LINE, without="seccomp", lanes=1).value in gone
    assert contained(_LINE, without="seccomp landlock", lanes=1).value in gone
