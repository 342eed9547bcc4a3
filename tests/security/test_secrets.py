"""Code that looks for what is not its own: environment, descriptors, packages, memory of other processes and calls."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import syscalls
from poet_engine.outcome import Status
from poet_engine.sandbox import environment

if TYPE_CHECKING:
    from tests.security.conftest import Contained, Everywhere, Hostile, Told

CANARY = "poet-canary-5f1d"
# Everything that could stand between the code and a file of the user's.
ALL = "mounts ids capabilities seccomp landlock"

# Reads memory of its own without dying of what is not mapped: `write` to a pipe fails there with EFAULT. In an older
# kernel (6.1 is one) that leaves an empty page in the pipe, which has room for sixteen: it is read away.
PEEK = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
libc.sbrk.restype = ctypes.c_void_p
reader, writer = os.pipe()
os.set_blocking(reader, False)
def peek(address):
    libc.write(writer, address, 4096)
    try: return os.read(reader, 4096)
    except BlockingIOError: return b''
def environment():
    start = ctypes.cast(ctypes.c_void_p.in_dll(libc, 'environ').value, ctypes.POINTER(ctypes.c_char_p))
    found = []
    while start[len(found)] is not None: found.append(start[len(found)].decode())
    return found
def stack():
    # the strings that the kernel put above the stack at exec: arguments and environment, also what was cleared later
    page = ctypes.c_void_p.in_dll(libc, 'environ').value & ~4095
    while data := peek(page): yield data; page += 4096
def heaps():
    page = (libc.sbrk(0) or 0) - 4096 & ~4095
    while data := peek(page): yield data; page -= 4096
    middle = id(peek) & ~4095
    for page in range(middle - (8 << 20), middle + (8 << 20), 4096): yield peek(page)
"""
SEE_ENVIRONMENT = PEEK + "return dict(os.environ), sorted(environment()), args[0][::-1].encode() in b''.join(stack())"


@pytest.fixture
def host_secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """A secret in the environment of the host, from which the sandbox is started; told to the code back to front."""
    monkeypatch.setenv("POET_TEST_SECRET", CANARY)
    return CANARY[::-1]


def _bare(body: str, *args: object) -> str:
    """A body in an interpreter that nobody has confined: what it returns, as text."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f"import os, sys, time\ndef deed(*args):\n{lines}\nprint(deed(*{args!r}))\n"
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout.strip()


def test_the_environment_is_an_allow_list_wherever_it_is_read(everywhere: "Everywhere", host_secret: str) -> None:
    """Given at exec, so that it is not in the memory above the stack either, where clearing would leave it."""
    outcome = everywhere(SEE_ENVIRONMENT, host_secret, inodes="66")  # a sandbox that starts now

    allowed = dict(environment.GUEST)
    assert (outcome.stdout, outcome.status) == ("reached\n", Status.OK), outcome.describe()
    assert outcome.value == (allowed, sorted(f"{name}={value}" for name, value in allowed.items()), False)


def test_control_a_process_that_inherits_the_environment_finds_it_all_three_ways(host_secret: str) -> None:
    body = SEE_ENVIRONMENT.replace(
        "dict(os.environ), sorted(environment())", "str(environment()), os.environ['POET_TEST_SECRET']"
    )

    text = _bare(body, host_secret)

    assert (text.count(CANARY), text.endswith("True)")) == (2, True)


def test_the_arguments_of_the_host_are_not_in_memory(everywhere: "Everywhere") -> None:
    body = PEEK + "return sys.argv + sys.orig_argv, args[0][::-1].encode() in b''.join(stack())"
    told = str(Path(__file__).parent)[::-1] if __file__ in sys.argv else Path(sys.argv[0]).name[::-1]

    outcome = everywhere(body, told)

    assert isinstance(outcome.value, tuple)
    assert outcome.value[1] is False
    assert not set(sys.argv[1:]) & set(outcome.value[0]) - {"-c"}


DESCRIPTORS = (
    "import stat\nfound = []\nfor number in range(4097):\n    try: seen = os.fstat(number)\n"
    "    except OSError: continue\n    found.append((number, stat.filemode(seen.st_mode)[0]))\nreturn found"
)


def test_five_descriptors_are_all_there_are(everywhere: "Everywhere") -> None:
    """Nothing to read, two pipes, the way out and the file for large results, although the host's children inherit."""
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            inherited = stack.enter_context(open(__file__, "rb"))  # noqa: PTH123 - a descriptor is what is asked for
            os.set_inheritable(inherited.fileno(), True)

        found = everywhere(DESCRIPTORS, inodes="67").value
        assert isinstance(found, list)
        assert found[:4] == [(0, "c"), (1, "p"), (2, "p"), (3, "s")]
        assert [kind for _number, kind in found[4:]] == ["-"]


def test_control_the_walk_finds_a_descriptor_that_was_inherited() -> None:
    with open(__file__, "rb") as inherited:  # noqa: PTH123 - a descriptor is what is asked for
        source = f"import os\ndef deed():\n    {DESCRIPTORS.replace(chr(10), chr(10) + '    ')}\nprint(deed())"
        done = subprocess.run(
            [sys.executable, "-c", source], pass_fds=[inherited.fileno()], capture_output=True, text=True, check=True
        )

        assert f"({inherited.fileno()}, '-')" in done.stdout


IMPORT = "sys.path += args[1]\nsys.path_importer_cache.clear()\nreturn __import__(args[0]).__name__"


@pytest.mark.parametrize("name", ["pytest", "pydantic", "poet_engine"])
def test_what_else_is_installed_cannot_be_imported(everywhere: "Everywhere", name: str) -> None:
    where = [path for path in sys.path if path]

    outcome = everywhere(IMPORT, name, where)

    assert outcome.stdout == "reached\n"
    assert outcome.error is not None
    assert outcome.error.type == "ModuleNotFoundError"


def test_control_with_the_walls_down_it_is_imported(hostile: "Hostile") -> None:
    outcome = hostile(IMPORT, "pytest", sys.path, without=ALL, cpu='"5s"', wall='"9s"')

    assert outcome.value == "pytest", outcome.describe()


def test_the_hosts_modules_were_not_inherited(everywhere: "Everywhere") -> None:
    """The interpreter is executed, not forked: nothing of the host's own modules is loaded."""
    loaded = everywhere("return sorted(name.partition('.')[0] for name in sys.modules)").value

    assert isinstance(loaded, list)
    assert not {"poet_engine", "pydantic", "pytest", "psutil"} & set(loaded)
    assert "poet_guest" in loaded


# struct iovec for process_vm_readv: eight bytes from the address that os.environ lies at, which the fork shares.
READ_OTHER = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(8)
class IoVec(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
mine, theirs = IoVec(ctypes.addressof(buffer), 8), IoVec(id(os.environ), 8)
pid = args[0] or os.getpid()
if libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) != 8: return ctypes.get_errno()
return 'read'
"""
ATTACH = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
null = ctypes.c_void_p(None)
return 'attached' if libc.ptrace(16, 1, null, null) == 0 else ctypes.get_errno()
"""
EPERM, ESRCH, EBADF, ENOSYS, ENOPROTOOPT = 1, 3, 9, 38, 92


@pytest.mark.parametrize(("body", "call"), [(READ_OTHER, "process_vm_readv"), (ATTACH, "ptrace")])
def test_looking_into_the_lanes_init_is_a_violation(
    everywhere: "Everywhere", told: "Told", body: str, call: str
) -> None:
    outcome = everywhere(body, 1)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame, outcome.evidence) == told(f"seccomp:{call}", call)


@pytest.mark.parametrize("body", [READ_OTHER, ATTACH], ids=["process_vm_readv", "ptrace"])
def test_without_the_filter_init_cannot_be_looked_into_either(hostile: "Hostile", body: str) -> None:
    """It is not dumpable, and as root it is another user's; Landlock scopes ptrace besides."""
    assert hostile(body, 1, without="seccomp").value == EPERM
    assert hostile(body, 1, without="seccomp landlock").value == EPERM


@pytest.mark.parametrize("without", ["seccomp", "seccomp landlock"])
@pytest.mark.parametrize("body", [READ_OTHER, ATTACH], ids=["process_vm_readv", "ptrace"])
def test_without_the_filter_a_containers_first_process_cannot_be_looked_into_either(
    contained: "Contained", body: str, without: str
) -> None:
    """It is not dumpable, or gVisor's root; nor does gVisor have the other call."""
    refused = ENOSYS if contained.runtime == "runsc" and body is READ_OTHER else EPERM

    assert contained(body, 1, without=without, lanes=1).value == refused


def test_control_the_same_read_works_on_the_codes_own_process(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    answer = "read" if "linux" in sees else ENOSYS

    assert everywhere(READ_OTHER, 0, without="seccomp landlock").value == answer


# The socket that the request came on belongs to the host: its other end names the host's process.
PEER = (
    "import socket\nway = socket.socket(fileno=3)\ntry: {deed}\n"
    "except OSError as error: return error.errno\nfinally: way.detach()"
)
SO_PEERCRED, SO_PEERPIDFD = 17, 77
# pidfd_getfd of the host's standard output, a signal that only asks, the host's network namespace
WITH_PIDFD = {
    "pidfd_getfd": "libc.syscall(438, pidfd, 1, 0)",
    "pidfd_send_signal": "libc.syscall(424, pidfd, 0, None, 0)",
    "setns": "libc.syscall(args[0], pidfd, 0x40000000)",
}


def _pidfd(use: str) -> str:
    take = f"pidfd = way.getsockopt(1, {SO_PEERPIDFD})"
    use = f"return 'done' if ({use}) >= 0 else ctypes.get_errno()"
    return f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n{PEER.format(deed=f'{take}; {use}')}"


@pytest.fixture(scope="module")
def peer_pidfd() -> None:
    left, right = socket.socketpair()
    with left, right:
        try:
            os.close(left.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
        except OSError:
            pytest.skip("this kernel has no SO_PEERPIDFD")


@pytest.mark.parametrize("option", [SO_PEERCRED, SO_PEERPIDFD])
def test_the_process_at_the_other_end_is_not_told(everywhere: "Everywhere", option: int) -> None:
    assert everywhere(PEER.format(deed=f"return way.getsockopt(1, {option})")).value == ENOPROTOOPT


@pytest.mark.usefixtures("peer_pidfd")
@pytest.mark.parametrize("use", WITH_PIDFD)
def test_without_the_filter_the_host_is_held_and_nothing_can_be_done_to_it(hostile: "Hostile", use: str) -> None:
    """The handle is the control of the test above; what it is good for is stopped by identity and pid namespace."""
    body = _pidfd(WITH_PIDFD[use])

    assert hostile(_pidfd("pidfd"), without="seccomp landlock").value == "done"
    assert hostile(body, syscalls.NUMBERS["setns"], without="seccomp landlock").value in (EPERM, ESRCH, 22)


@pytest.mark.root
@pytest.mark.usefixtures("peer_pidfd")
def test_control_with_the_privileges_of_root_the_host_is_entered(hostile: "Hostile") -> None:
    body, number = _pidfd(WITH_PIDFD["setns"]), syscalls.NUMBERS["setns"]

    assert hostile(body, number, without="seccomp landlock ids capabilities").value == "done"
    assert hostile(body, number).value == ENOPROTOOPT


MOUNTS = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nrequest = ctypes.create_string_buffer(b'\\x18', 24)\n"
    "request[8:16] = b'\\xff' * 8\nlist_ = (ctypes.c_uint64 * 64)()\n"
    "n = libc.syscall(458, request, list_, ctypes.c_size_t(64), 0)\nreturn 'listed' if n >= 0 else ctypes.get_errno()"
)


def test_mounts_cannot_be_listed_by_the_system_call_either(everywhere: "Everywhere") -> None:
    """`listmount` says what mountinfo would."""
    assert everywhere(MOUNTS).value == ENOSYS
    if everywhere(MOUNTS, without="seccomp landlock").value == ENOSYS:
        pytest.skip("this kernel has no listmount")


def test_a_crash_leaves_no_core(everywhere: "Everywhere") -> None:
    """Neither in a file nor through a pipe to the host's collector, which a limit of 0 would not keep away."""
    body = (
        "import ctypes, resource\n"
        "return resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)"
    )

    assert everywhere(body).value == ((0, 0), 0)
    assert _bare(body).endswith(", 1)"), "the control: an interpreter of the host's is dumpable"


KEEP = "hold = [(args[0][::-1] + str(n)).encode() for n in range(20_000)]\n"
SCAN = PEEK + "mark = args[0][::-1].encode()\nreturn sum(page.count(mark) for page in heaps())"


def test_what_was_compiled_ahead_is_in_no_other_versions_memory(hostile: "Hostile") -> None:
    """A version that is called again and again is prepared for; whoever calls another one gets another payload."""
    mark = "poet-mark-7c31"
    secret = f"hold = '{mark * 500}'\nreturn len(hold)"
    calls = [hostile(secret, lanes=1, cpu='"3s"').value for _ in range(10)]
    control = hostile(f"hold = '{mark * 500}'\n{SCAN}", mark[::-1], lanes=1, cpu='"3s"').value
    assert [hostile(secret, lanes=1, cpu='"3s"').value for _ in range(10)] == calls == [len(mark) * 500] * 10
    while not hostile.sandbox(lanes=1, cpu='"3s"').statistics().ready:
        pass  # until its payload is prepared
    found = hostile(SCAN, mark[::-1], lanes=1, cpu='"3s"').value

    assert isinstance(control, int)
    assert control > 100, "the control: a version finds what its own source says"
    assert found in (0, 1, 2), "more than its own mark, turned around"


def test_nothing_of_a_call_is_in_the_memory_of_the_next_one_in_its_lane(hostile: "Hostile") -> None:
    """Each is forked from an init that has never seen a request; the control is a call that looks into itself."""
    mark = "poet-mark-90a2"[::-1]
    held = hostile(KEEP + SCAN, mark, lanes=1, cpu='"3s"').value
    found = hostile(SCAN, mark, lanes=1, cpu='"3s"').value

    assert isinstance(held, int)
    assert held > 100
    assert found in (0, 1, 2), "more than its own mark, turned around"
