"""Code that asks the kernel for what only an attack needs: the verdict names the call, and none is carried out."""

import errno
import signal
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import seccomp, syscalls
from poet_engine.outcome import Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere, Told

# All arguments are zero, so that a call which slips through does nothing.
CALL = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nctypes.set_errno(0)\n"
    "result = libc.syscall(*[ctypes.c_long(n) for n in (*args, *[0] * (7 - len(args)))])\n"
    "return result, ctypes.get_errno()"
)
TOLD = sorted(
    {
        *(
            "ptrace",
            "process_vm_readv",
            "pidfd_getfd",
            "mount",
            "umount2",
            "pivot_root",
            "chroot",
            "open_tree",
            "setns",
        ),
        *("unshare", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "execve", "execveat", "kexec_load"),
        *("init_module", "open_by_handle_at", "reboot", "personality", "sethostname", "settimeofday"),
        *seccomp.PRIVILEGE_CALLS,
    }
)
UNKNOWN = ["clone3", "landlock_create_ruleset", "seccomp", "quotactl_fd"]
# Numbers that both architectures share: io_uring_setup, pidfd_open, memfd_secret, cachestat, and one that nobody has.
UNKNOWN_NUMBERS = [425, 434, 447, 451, 9999]


@pytest.mark.parametrize("name", TOLD)
def test_a_forbidden_call_ends_the_run_under_its_name(everywhere: "Everywhere", told: "Told", name: str) -> None:
    outcome = everywhere(CALL, syscalls.NUMBERS[name])

    assert outcome.stdout == "reached\n"
    cause = "priv" if name in seccomp.PRIVILEGE_CALLS else f"seccomp:{name}"
    assert (outcome.status, outcome.cause, outcome.blame, outcome.evidence) == told(cause, name)


@pytest.mark.parametrize("name", ["unshare", "personality"])
def test_control_without_the_filter_the_call_is_answered(
    everywhere: "Everywhere", sees: frozenset[str], name: str
) -> None:
    """Both succeed for anybody when all arguments are zero; gVisor knows no personality but its own."""
    expected = (0, 0) if "linux" in sees or name == "unshare" else (-1, errno.EINVAL)

    assert everywhere(CALL, syscalls.NUMBERS[name], without="seccomp landlock").value == expected


@pytest.mark.parametrize(
    "number", [*(syscalls.NUMBERS[name] for name in UNKNOWN if name in syscalls.NUMBERS), *UNKNOWN_NUMBERS]
)
def test_every_other_call_looks_as_if_this_kernel_did_not_have_it(everywhere: "Everywhere", number: int) -> None:
    if number == syscalls.NUMBERS["seccomp"]:
        number = UNKNOWN_NUMBERS[-1]

    assert everywhere(CALL, number).value == (-1, errno.ENOSYS)


NEW_USER, NEW_NET, THREAD = 0x10000000, 0x40000000, 0x00010000


@pytest.mark.parametrize("flags", [NEW_USER, NEW_NET | THREAD, 0x20000000, 0x00020000, 0x02000000, 0x80])
def test_a_clone_into_new_namespaces_ends_the_run(everywhere: "Everywhere", told: "Told", flags: int) -> None:
    outcome = everywhere(CALL, syscalls.NUMBERS["clone"], flags)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame, outcome.evidence) == told("seccomp:clone", "clone")


IN_A_CHILD = (
    "import ctypes\npid = os.fork()\nif not pid: ctypes.CDLL(None).syscall(args[0], 0, 0, 0, 0); os._exit(0)\n"
    "return os.waitpid(pid, 0)[1]"
)


def test_a_forbidden_call_of_a_child_ends_the_run_where_it_is_told(
    everywhere: "Everywhere", sees: frozenset[str], told: "Told"
) -> None:
    """Where nobody is told, it ends the child, and its parent hears of that."""
    outcome = everywhere(IN_A_CHILD, syscalls.NUMBERS["ptrace"], processes="3")

    assert outcome.stdout == "reached\n"
    if "calls" in sees:
        assert (outcome.status, outcome.cause, outcome.blame, outcome.evidence) == told("seccomp:ptrace", "ptrace")
    else:
        assert (outcome.status, outcome.value) == (Status.OK, signal.SIGSYS), outcome.describe()


@pytest.mark.skipif(syscalls.MACHINE != "x86_64", reason="the x32 numbers are a matter of x86_64")
def test_the_numbers_of_another_abi_kill(everywhere: "Everywhere") -> None:
    outcome = everywhere(CALL, 0x40000000 | syscalls.NUMBERS["getpid"])

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.signal) == (Status.VIOLATION, "seccomp:unknown", "SIGSYS")


@pytest.mark.skipif(syscalls.MACHINE != "x86_64", reason="machine code of x86")
def test_the_gate_of_32_bit_programs_is_closed(everywhere: "Everywhere") -> None:
    """`mov eax, 101; int 0x80; ret`: ioperm by the old door, whose numbers mean other calls.

    gVisor has no such door: it takes the number for one of its own, ptrace, which the filter knows.
    """
    body = (
        "import ctypes, mmap\npage = mmap.mmap(-1, 4096, prot=7)\npage.write(bytes.fromhex('b865000000cd80c3'))\n"
        "start = ctypes.addressof(ctypes.c_char.from_buffer(page))\nreturn ctypes.CFUNCTYPE(ctypes.c_int)(start)()"
    )

    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert outcome.cause in ("seccomp:unknown", "signal:SIGSEGV"), "SIGSEGV where the kernel lacks 32-bit support"


TIOCSTI, TIOCLINUX = 0x5412, 0x541C


@pytest.mark.parametrize("request_number", [TIOCSTI, TIOCLINUX, TIOCSTI | 1 << 32, TIOCSTI | 0xFFFF << 32])
def test_nothing_can_be_typed_into_a_terminal(everywhere: "Everywhere", request_number: int) -> None:
    """The kernel looks at 32 bits of the number, and so does the filter."""
    assert everywhere(CALL, syscalls.NUMBERS["ioctl"], 0, request_number).value == (-1, errno.ENOTTY)


# Those that are set to a budget, or to nothing. A raised one would be a way past it.
LIMITS = ("CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "STACK")


@pytest.mark.parametrize("name", LIMITS)
def test_limits_can_be_read_and_not_raised(everywhere: "Everywhere", name: str) -> None:
    """Not by one more, and not to none at all; what was lowered stays."""
    body = """
import resource
what, tried = getattr(resource, args[0]), []
def attempt(soft, hard):
    try: resource.setrlimit(what, (soft, hard))
    except (OSError, ValueError) as error: tried.append(str(error))
    else: tried.append(None)
soft, hard = resource.getrlimit(what)
attempt(hard, hard + 1)
attempt(hard + 1, hard + 1)
attempt(resource.RLIM_INFINITY, resource.RLIM_INFINITY)
assert resource.getrlimit(what) == (soft, hard)
attempt(soft, hard)
return tried
"""
    refused = "not allowed to raise maximum limit"
    assert everywhere(body, f"RLIMIT_{name}").value == [refused, refused, refused, None]


LOCK = (
    "import fcntl\nfile = open(os.__file__)\ndeed = {'flock': lambda: fcntl.flock(file, 2 | 4), "
    "'fcntl': lambda: fcntl.lockf(file, 1 | 4), "
    "'lease': lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)}[args[0]]\n"
    "try: deed()\nexcept OSError as error: return error.errno\nreturn 'done'"
)


@pytest.mark.parametrize("mode", ["flock", "fcntl"])
def test_a_lock_of_a_shared_file_is_promised_and_not_taken(everywhere: "Everywhere", mode: str) -> None:
    """One process has nobody to exclude, and a real lock would be a channel; test_channels.py listens at it."""
    assert everywhere(LOCK, mode).value == "done"


def test_there_is_no_lease_of_a_shared_file(everywhere: "Everywhere") -> None:
    assert everywhere(LOCK, "lease").value == errno.EINVAL
