"""Code that wants to be somebody else, or somewhere else: each deed with the arguments that would make it work."""

import errno
import os
import re
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import landlock, seccomp, syscalls
from poet_engine.outcome import Status

if TYPE_CHECKING:
    from tests.security.conftest import Contained, Everywhere, Hostile, Told

_C = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nnull = ctypes.c_void_p(None)\nctypes.set_errno(0)\n"
    "result = {call}\nreturn ctypes.get_errno() if result < 0 else 'done'"
)
# What stands besides the filter: the identity and its capabilities; Landlock refuses every change of mounts.
UNARMED = "ids capabilities landlock"
EPERM = errno.EPERM

# The call with its arguments, and what the verdict names.
DEEDS: dict[str, tuple[str, str]] = {
    "become root": ("libc.setresuid(0, 0, 0)", "priv"),
    "become root, the old way": ("libc.syscall(number['setuid'], 0)", "priv"),
    "join the group of root": ("libc.setresgid(0, 0, 0)", "priv"),
    "empty the list of groups": ("libc.setgroups(0, null)", "priv"),
    "mount over /tmp": ("libc.mount(b'none', b'/tmp', b'tmpfs', ctypes.c_ulong(0), null)", "seccomp:mount"),
    "let go of /tmp": ("libc.umount2(b'/tmp', 2)", "seccomp:umount2"),
    "make mounts writable": ("libc.mount(null, b'/', null, ctypes.c_ulong(32), null)", "seccomp:mount"),
    "another root": ("libc.chroot(b'/tmp')", "seccomp:chroot"),
    "another host name": ("libc.sethostname(b'other', 5)", "seccomp:sethostname"),
    "a mount namespace": ("libc.unshare(0x20000)", "seccomp:unshare"),
    "a network namespace": ("libc.unshare(0x40000000)", "seccomp:unshare"),
}
_NAMES = [name for name in DEEDS if not name.startswith(("become", "join", "empty"))]


def _attempt(name: str) -> str:
    return _C.format(call=DEEDS[name][0].replace("number", "args[0]"))


@pytest.mark.parametrize("name", DEEDS)
def test_the_attempt_ends_the_run(everywhere: "Everywhere", told: "Told", name: str) -> None:
    call, cause = DEEDS[name]

    outcome = everywhere(_attempt(name), syscalls.NUMBERS)

    assert outcome.stdout == "reached\n"
    called = re.sub(r".*?(?:libc\.|number\[')(?!syscall)(\w+).*", r"\1", call)
    assert (outcome.status, outcome.cause, outcome.blame, outcome.evidence) == told(cause, called)


@pytest.mark.parametrize("name", _NAMES)
def test_without_the_filter_there_is_nothing_to_do_it_with(hostile: "Hostile", name: str) -> None:
    assert hostile(_attempt(name), syscalls.NUMBERS, without="seccomp landlock").value == EPERM


@pytest.mark.root
@pytest.mark.parametrize("name", [name for name in DEEDS if name not in _NAMES])
def test_without_the_filter_the_identity_cannot_be_left(hostile: "Hostile", name: str) -> None:
    """Only as root is there another identity to go back to; rootless the user namespace knows no other."""
    assert hostile(_attempt(name), syscalls.NUMBERS, without="seccomp landlock").value == EPERM


@pytest.mark.parametrize("name", DEEDS)
def test_in_a_container_there_is_nothing_to_do_it_with_either(contained: "Contained", name: str) -> None:
    """It has no capability, and its user is nobody else. Its own mounts are gVisor's to give away, and cost nobody."""
    gives = contained.runtime == "runsc" and name == "a mount namespace"

    outcome = contained(_attempt(name), syscalls.NUMBERS, without="seccomp landlock", lanes=1)

    assert (outcome.stdout, outcome.value) == ("reached\n", "done" if gives else EPERM)


@pytest.mark.root
@pytest.mark.parametrize("name", DEEDS)
def test_control_with_every_wall_down_it_is_done(hostile: "Hostile", name: str) -> None:
    if name == "make mounts writable":
        name = "mount over /tmp"  # a remount of the lane's own root is kept from no one who may mount

    assert hostile(_attempt(name), syscalls.NUMBERS, without=f"seccomp {UNARMED}").value == "done"


@pytest.mark.parametrize("name", ["mount over /tmp", "let go of /tmp"])
def test_landlock_alone_keeps_the_mounts(hostile: "Hostile", name: str) -> None:
    if not landlock.abi():
        pytest.skip("this kernel has no Landlock; filter and capabilities stand without it")

    outcome = hostile(_attempt(name), syscalls.NUMBERS, without="seccomp ids capabilities")

    assert (outcome.stdout, outcome.value) == ("reached\n", EPERM)


# Also those that test_system_calls.py leaves out, so that none is on the list untried.
@pytest.mark.parametrize(
    "name",
    [
        "iopl",
        "ioperm",
        "modify_ldt",
        "process_vm_writev",
        "kcmp",
        "fsopen",
        "fsmount",
        "fsconfig",
        "fspick",
        "move_mount",
        "mount_setattr",
        "quotactl",
        "swapon",
        "swapoff",
        "request_key",
        "kexec_file_load",
        "finit_module",
        "delete_module",
        "name_to_handle_at",
        "acct",
        "syslog",
        "clock_settime",
        "clock_adjtime",
        "adjtimex",
        "setdomainname",
        "vhangup",
    ],
)
def test_what_only_the_administrator_needs_ends_the_run(everywhere: "Everywhere", told: "Told", name: str) -> None:
    if name not in syscalls.NUMBERS:
        pytest.skip("a call of x86 alone")
    body = "import ctypes\nreturn ctypes.CDLL(None).syscall(args[0], 0, 0, 0, 0, 0, 0)"

    outcome = everywhere(body, syscalls.NUMBERS[name])

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame, outcome.evidence) == told(f"seccomp:{name}", name)


HIGH = 1 << 32
IN_DISGUISE: dict[str, tuple[tuple[int | str, ...], object]] = {
    "clone with a namespace": (("clone", HIGH | 0x10000000), "seccomp:clone"),
    "a process": (("clone", HIGH | 17), errno.EAGAIN),
    "prctl that keeps capabilities": (("prctl", HIGH | 8, 1), EPERM),
    "prctl that forgets the parent": (("prctl", HIGH | 1, 0), EPERM),
    "prctl that adds a filter": (("prctl", 22, 2, 0), EPERM),
    "fcntl that holds a lease": (("fcntl", 0, HIGH | 1024, 0), errno.EINVAL),
    "a datagram pair": (("socketpair", HIGH | 1, HIGH | 2, 0, 0), errno.EAFNOSUPPORT),
    "limits of the first process": (("prlimit64", 1, 7, HIGH, 0), EPERM),
    "limits of the first process in disguise": (("prlimit64", HIGH | 1, 7, HIGH, 0), EPERM),
}


@pytest.mark.parametrize(("numbers", "answer"), IN_DISGUISE.values(), ids=IN_DISGUISE)
def test_bits_that_the_kernel_drops_carry_nothing_past_the_filter(
    everywhere: "Everywhere", told: "Told", numbers: tuple[int | str, ...], answer: object
) -> None:
    call = "libc.syscall(*[ctypes.c_long(n) for n in args])"
    values = [syscalls.NUMBERS[one] if isinstance(one, str) else one for one in numbers]

    outcome = everywhere(_C.format(call=call), *values)

    assert outcome.stdout == "reached\n"
    if isinstance(answer, str):
        answer = told(answer, "clone")[1]
    assert (outcome.cause or outcome.value) == answer


STATE = (
    "import ctypes, struct\nlibc = ctypes.CDLL(None)\nsets = ctypes.create_string_buffer(24)\n"
    "libc.capget(struct.pack('=Ii', 0x20080522, 0), sets)\n"
    "bounding = [n for n in range(41) if libc.prctl(23, n, 0, 0, 0) == 1]\n"
    "return any(sets.raw), bounding, os.getuid() == 0, [group for group in os.getgroups() if group != os.getgid()]"
)


def test_there_is_no_capability_and_none_to_regain(everywhere: "Everywhere") -> None:
    value = everywhere(STATE).value

    assert isinstance(value, tuple)
    assert value[:3] == (False, [], False)
    if os.geteuid() == 0:
        assert value[3] == []


@pytest.mark.root
def test_control_without_identity_and_empty_sets_there_are_some(hostile: "Hostile") -> None:
    value = hostile(STATE, without="ids capabilities").value

    assert isinstance(value, tuple)
    assert (value[0], value[1] != [], value[2], value[3]) == (True, True, True, [])


@pytest.mark.runsc
def test_control_without_empty_sets_gvisors_root_leaves_some_to_regain(contained: "Contained") -> None:
    """With runc the engine has emptied them before."""
    value = contained(STATE, without="capabilities", lanes=1).value

    assert isinstance(value, tuple)
    assert (value[1] != []) is (contained.runtime == "runsc")


# The dynamic loader is the one program that must be there; a copy of it is as good.
_FIND = (
    "import glob, shutil\n"
    "loader = sorted(sum((glob.glob(f'/{at}/ld-linux*') for at in ('lib', 'lib64', 'lib/*')), []))[0]\n"
    "shutil.copy(loader, '/tmp/copy'); os.chmod('/tmp/copy', 0o4755)\n"
)
EXECUTE: dict[str, tuple[str, str]] = {
    "a program": ("os.execv(loader, ['x', '--help'])", "seccomp:execve"),
    "a copy with the setuid bit": ("os.execv('/tmp/copy', ['x', '--help'])", "seccomp:execve"),
    "an open file": ("os.execve(os.open('/tmp/copy', os.O_RDONLY), ['x', '--help'], {})", "seccomp:execveat"),
}


@pytest.mark.parametrize(("deed", "cause"), EXECUTE.values(), ids=EXECUTE)
def test_nothing_is_executed(everywhere: "Everywhere", told: "Told", deed: str, cause: str) -> None:
    outcome = everywhere(_FIND + deed)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame, outcome.evidence) == told(cause, cause.partition(":")[2])


def test_landlock_alone_lets_nothing_be_executed_that_was_there(hostile: "Hostile") -> None:
    if not landlock.abi():
        pytest.skip("this kernel has no Landlock; the filter stands without it")

    outcome = hostile(_FIND + EXECUTE["a program"][0], without="seccomp")

    assert outcome.error is not None
    assert (outcome.stdout, outcome.error.type) == ("reached\n", "PermissionError")


@pytest.mark.parametrize("name", ["a copy with the setuid bit", "an open file"])
def test_control_without_the_filter_a_copy_runs(hostile: "Hostile", name: str) -> None:
    """Landlock leaves the call's own folder alone, and the set-user-id bit has no effect there: nobody is root."""
    outcome = hostile(_FIND + EXECUTE[name][0], without="seccomp")

    assert "ld.so" in outcome.stdout
    assert outcome.cause == "early_exit"


def test_in_a_container_nothing_that_the_code_brings_along_is_executed_without_the_filter(
    contained: "Contained",
) -> None:
    """Its folders run no programs; what the image has may run there, and gets nothing that the code has not."""
    for name in ("a copy with the setuid bit", "an open file"):
        outcome = contained(_FIND + EXECUTE[name][0], without="seccomp landlock", lanes=1)
        assert outcome.error is not None
        assert (outcome.stdout, outcome.error.type) == ("reached\n", "PermissionError")
    control = contained(_FIND + EXECUTE["a program"][0], without="seccomp landlock", lanes=1)
    assert "ld.so" in control.stdout
    assert control.cause == "early_exit"


STARTERS: dict[str, str] = {
    "system": "import ctypes; ctypes.set_errno(0); result = ctypes.CDLL(None, use_errno=True).system(b'true')\n"
    "if result: raise OSError(11, result)",
    "subprocess": "import subprocess; subprocess.run(['/bin/true'])",
    "posix_spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "vfork": "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
    "if libc.vfork() < 0: raise OSError(ctypes.get_errno(), 'vfork')",
}


@pytest.mark.parametrize("body", STARTERS.values(), ids=STARTERS)
def test_no_way_to_start_a_program_starts_a_process(everywhere: "Everywhere", sees: frozenset[str], body: str) -> None:
    outcome = everywhere(body)

    assert (outcome.stdout, outcome.leftovers) == ("reached\n", 0)
    if "calls" in sees or "raise" not in body:
        assert (outcome.status, outcome.cause) == (Status.LIMIT, "tasks"), outcome.describe()
    else:  # nobody has counted it, and the code's own `raise` speaks for no budget
        assert (outcome.status, outcome.cause) == (Status.ERROR, "exception"), outcome.describe()
        assert outcome.error is not None
        assert outcome.error.type == "BlockingIOError"


DEVICE = (
    "try:\n    os.mknod(args[0] + '/device', 0o020666, os.makedev(1, 3))\n"
    "    os.open(args[0] + '/device', os.O_RDWR)\n"
    "except OSError as error: return error.errno\nreturn 'opened'"
)


@pytest.mark.root
def test_a_device_file_is_kept_away_three_times(hostile: "Hostile") -> None:
    """By the filter, by having no capability, and by mounts on which a device file is none."""
    tmp = "/tmp"  # noqa: S108 - inside the sandbox

    assert hostile(DEVICE, tmp).value == EPERM
    assert hostile(DEVICE, tmp, without="seccomp landlock").value == EPERM
    assert hostile(DEVICE, tmp, without=f"seccomp {UNARMED}").value == errno.EACCES
    with tempfile.TemporaryDirectory(prefix="poet-test-", dir="/var/tmp") as folder:
        assert hostile(DEVICE, folder, without=f"seccomp mounts {UNARMED}").value == "opened"


def test_in_a_container_a_device_file_is_none_of_the_machines(contained: "Contained") -> None:
    """With gVisor anybody can make one, of the devices that it has itself: null is one, memory and disks are not."""
    gvisor, tmp = contained.runtime == "runsc", "/tmp"  # noqa: S108 - inside the sandbox
    of_the_machine = DEVICE.replace("makedev(1, 3)", "makedev(1, 1)")

    assert contained(DEVICE, tmp, lanes=1).value == EPERM
    bare = [contained(body, tmp, without="seccomp landlock", lanes=1).value for body in (DEVICE, of_the_machine)]
    assert bare == (["opened", errno.ENXIO] if gvisor else [EPERM, EPERM])


DATAGRAM = (
    "import socket\npair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "return pair[0].sendto(b'stolen', '\\0' + args[0])"
)


def test_a_connected_pair_cannot_send_to_somebody_else(hostile: "Hostile") -> None:
    """A datagram socket may name another address than its peer's: that of an abstract socket of the host."""
    name = f"poet-test-{os.getpid()}-datagram"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name)
        receiver.settimeout(5)
        by_filter = hostile(DATAGRAM, name, without="netns landlock")
        by_namespace = hostile(DATAGRAM, name, without="seccomp landlock")

        assert hostile(DATAGRAM, name, without="seccomp netns landlock").value == 6
        assert receiver.recv(100) == b"stolen"
    assert by_filter.error is not None
    assert "Errno 97" in by_filter.error.message
    assert by_namespace.error is not None
    assert by_namespace.error.type == "ConnectionRefusedError"


def test_control_the_list_of_told_calls_is_tried_in_full() -> None:
    """Every call that the filter tells is the business of one of these files."""
    here = Path(__file__)
    text = here.read_text(encoding="utf-8") + here.with_name("test_system_calls.py").read_text(encoding="utf-8")
    told = seccomp._NOTIFIED.split()

    assert [name for name in told if f'"{name}"' not in text and name not in seccomp.PRIVILEGE_CALLS] == []
