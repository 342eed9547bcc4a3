"""Call the few kernel interfaces that the standard library does not offer; the functions raise OSError."""

import array
import ctypes
import functools
import os
import signal
import socket
import struct
import time
from typing import Never

from . import outermost_frame
from .prepared_calls import LIBC, PreparedCall, checked, library_call, system_call

# include/uapi/linux/sched.h
NEWNS, NEWUTS, NEWIPC = 0x00020000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
# include/uapi/linux/mount.h
RDONLY, NOSUID, NODEV, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_FSOPEN_CLOEXEC, _FSMOUNT_CLOEXEC, _FSCONFIG_SET_STRING, _FSCONFIG_CMD_CREATE = 1, 1, 1, 6
_MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV, _MOUNT_ATTR_NOEXEC = 2, 4, 8
_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # include/uapi/linux/falloc.h
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
# include/uapi/linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NAME, _PR_CAPBSET_DROP = 1, 4, 15, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
_TIMER = struct.Struct("=qqqq")  # struct itimerspec: the interval, then the time until the first expiry, in s and ns
_NEVER = bytes(_TIMER.size)
_CAPABILITY_VERSION_3, _LAST_CAPABILITY = 0x20080522, 63
_UNLIMITED = (1 << 64) - 1
_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_NEW_LISTENER = 1, 8


def _syscall(name: str, *arguments: object) -> int:
    return system_call(name, *arguments).make()


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)


def unshare_call(flags: int) -> PreparedCall:
    """Prepare leaving the shared namespaces named by `flags` for new ones."""
    return library_call("unshare", flags, what=f"unshare({flags:#x})")


def unshare(flags: int) -> None:
    """Leave the shared namespaces named by `flags` for new ones."""
    unshare_call(flags).make()


def fork() -> int:
    """Call `fork(2)` without what `os.fork` does around it for other threads' locks: this process has one thread.

    The hooks of `os.fork` alone touch some eighty pages, each of which is then copied.
    """
    return checked(LIBC.fork(), "fork")


def enter_namespace(fd: int, kind: int) -> None:
    """Call `setns(2)`."""
    checked(LIBC.setns(fd, kind), "setns")


def mount_call(
    source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None
) -> PreparedCall:
    """Prepare `mount(2)`; the error names the target."""
    what = f"mount {kind or source} on {target}"
    return library_call("mount", _text(source), _text(target), _text(kind), flags, _text(data), what=what)


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Call `mount(2)`; the error names the target."""
    mount_call(source, target, kind, flags, data).make()


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns", ctypes.c_uint64),
    )


def bind_read_only_calls(source: str, target: str, *, device: bool = False) -> list[PreparedCall]:
    """Prepare binding a tree and everything mounted in it read-only.

    A plain remount would leave the submounts writable.

    Args:
        source: The path to bind.
        target: The path to bind it to.
        device: Whether it is a device that is to go on working. It can be written to all the same: read-only are its
            times and its mode, which belong to the host's own file.
    """
    attributes = _MountAttr(RDONLY | NOSUID | (0 if device else NODEV), 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    return [
        mount_call(source, target, None, BIND | REC),
        system_call("mount_setattr", _AT_FDCWD, _text(target), _AT_RECURSIVE, ctypes.byref(attributes), size),
    ]


def bind_read_only(source: str, target: str, *, device: bool = False) -> None:
    """Bind a tree read-only, as `bind_read_only_calls` says."""
    for call in bind_read_only_calls(source, target, device=device):
        call.make()


def detached_tmpfs(options: dict[str, str]) -> int:
    """Return the root of a new tmpfs that is mounted nowhere: it has no path, only this descriptor.

    Raises:
        OSError: The privilege is missing, or this kernel does not know an option.
    """
    context = _syscall("fsopen", b"tmpfs", _FSOPEN_CLOEXEC)
    try:
        for key, value in options.items():
            _syscall("fsconfig", context, _FSCONFIG_SET_STRING, _text(key), _text(value), 0)
        _syscall("fsconfig", context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _syscall(
            "fsmount", context, _FSMOUNT_CLOEXEC, _MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV | _MOUNT_ATTR_NOEXEC
        )
    finally:
        os.close(context)


def free_pages(fd: int, size: int, offset: int = 0) -> None:
    """Give back the memory of a file in memory, as far as it covers whole pages; the file's size stays."""
    mode, start, length = ctypes.c_int(_KEEP_SIZE | _PUNCH_HOLE), ctypes.c_int64(offset), ctypes.c_int64(size)
    checked(LIBC.fallocate(fd, mode, start, length), "fallocate")


LIBC.mmap.restype = ctypes.c_void_p
LIBC.PyMemoryView_FromMemory.restype = ctypes.py_object
_PROT_READ_WRITE, _MAP_SHARED, _MAP_FIXED, _BUFFER_WRITE = 3, 1, 16, 0x200


def map_shared(fd: int, size: ctypes.c_size_t, instead: int = 0) -> int:
    """Map the beginning of a file until this process ends; return its address. `mmap.mmap` would keep a descriptor.

    Args:
        fd: Descriptor of the file.
        size: Bytes to map.
        instead: Address of an earlier mapping of that size, which it replaces; 0 when there is none.
    """
    flags = _MAP_SHARED | (_MAP_FIXED if instead else 0)
    place = ctypes.c_void_p(instead)
    address = LIBC.mmap(place, size, _PROT_READ_WRITE, flags, fd, ctypes.c_int64(0))
    if address is None or address == ctypes.c_void_p(-1).value:
        number = ctypes.get_errno()
        raise OSError(number, f"mmap: {os.strerror(number)}")
    return int(address)


def memory_at(address: int, size: ctypes.c_size_t) -> memoryview:
    """Return a writable view of memory that was mapped."""
    view: memoryview = LIBC.PyMemoryView_FromMemory(ctypes.c_void_p(address), size, _BUFFER_WRITE)
    return view


_IOFBF, _IONBF = 0, 2
_C_BUFFER = 4096  # bytes that the C library holds back from a pipe
LIBC.malloc.restype = ctypes.c_void_p
flush_c_streams = functools.partial(LIBC.fflush, None)  # what was printed through the C library


def buffer_c_output(*, buffered: bool) -> None:
    """Have the C library buffer what is printed to its standard output, or write it at once.

    The buffer is made here and never freed: a stream that had none before would go on with a single byte.
    """
    place = LIBC.malloc(ctypes.c_size_t(_C_BUFFER)) if buffered else None
    mode, size = (_IOFBF, _C_BUFFER) if place else (_IONBF, 0)
    stream = ctypes.c_void_p.in_dll(LIBC, "stdout")
    LIBC.setvbuf(stream, ctypes.c_void_p(place), mode, ctypes.c_size_t(size))


def end_interpreter(status: int) -> Never:
    """Call `Py_Exit`: what an interpreter does at its end, and then the end of the process. Never returns.

    CPython calls it in the middle of whatever runs as well, when a SystemExit reaches the C code that prints errors.
    """
    outermost_frame.call(functools.partial(LIBC.Py_Exit, ctypes.c_int(status)))
    raise AssertionError("the interpreter has ended")


def die_of(number: int, *, libc: ctypes.PyDLL = LIBC) -> None:
    """End this process by a signal, as one that has no handler for it; `libc` is held for when names are gone."""
    libc.signal(number, None)
    libc.kill(libc.getpid(), number)


def pivot_root(where: str) -> None:
    """Make `where` the root and let go of the old one."""
    os.chdir(where)
    _syscall("pivot_root", b".", b".")
    checked(LIBC.umount2(b".", _MNT_DETACH), "umount the old root")
    os.chdir("/")


def set_hostname(name: bytes) -> None:
    """Call `sethostname(2)`."""
    checked(LIBC.sethostname(name, len(name)), "sethostname")


def _prctl_call(what: str, option: int, first: int = 0, second: int = 0) -> PreparedCall:
    unsigned = ctypes.c_ulong
    return library_call("prctl", option, unsigned(first), unsigned(second), unsigned(0), unsigned(0), what=what)


def _prctl(option: int, first: int = 0, second: int = 0) -> int:
    call = _prctl_call("", option, first, second)
    return call.function(*call.arguments)


def set_dumpable_call(*, dumpable: bool) -> PreparedCall:
    """Prepare setting whether the same uid may look into this process."""
    return _prctl_call("PR_SET_DUMPABLE", _PR_SET_DUMPABLE, int(dumpable))


def set_dumpable(*, dumpable: bool) -> None:
    """Set whether the same uid may look into this process; a non-dumpable one cannot write its own uid map."""
    set_dumpable_call(dumpable=dumpable).make()


def has_timer() -> bool:
    """Return whether this process has an interval timer that will send it a signal."""
    return any(signal.getitimer(signal.ITIMER_REAL))


class Timer:
    """A timer of the kernel behind a descriptor, which processes may share: each can wait for it and hear it.

    Args:
        seconds: The time from arming it to its expiry.
    """

    def __init__(self, seconds: float) -> None:
        self._armed = _TIMER.pack(0, 0, int(seconds), int(seconds % 1 * 1e9))
        self._left = ctypes.create_string_buffer(_TIMER.size)
        self.fd = checked(LIBC.timerfd_create(time.CLOCK_MONOTONIC, os.O_CLOEXEC | os.O_NONBLOCK), "timerfd_create")

    def arm(self) -> None:
        """Have it expire once, after its time."""
        checked(LIBC.timerfd_settime(self.fd, 0, self._armed, None), "timerfd_settime")

    def disarm(self) -> bool:
        """Have it expire no more; return whether it had not. An expiry that nobody has heard is not heard any more."""
        checked(LIBC.timerfd_settime(self.fd, 0, _NEVER, self._left), "timerfd_settime")
        return self._left.raw != _NEVER

    def close(self) -> None:
        """Close this process's descriptor."""
        os.close(self.fd)


def set_name(name: bytes) -> None:
    """Set the name that `ps` and `top` show for this process; at most 15 bytes."""
    checked(LIBC.prctl(_PR_SET_NAME, name), "PR_SET_NAME")


def die_with_parent_call(signal_number: int) -> PreparedCall:
    """Prepare asking for a signal when the parent ends: a backstop, which every later change of credentials clears."""
    return _prctl_call("PR_SET_PDEATHSIG", _PR_SET_PDEATHSIG, signal_number)


def drop_bounding_and_ambient_capabilities() -> None:
    """Empty the bounding and ambient sets: nothing executed or mapped later can bring a capability back."""
    for capability in range(_LAST_CAPABILITY + 1):
        if _prctl(_PR_CAPBSET_DROP, capability) < 0:
            break  # EINVAL: past the last capability that this kernel knows
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)


def drop_all_capabilities_call() -> PreparedCall:
    """Prepare emptying the effective, permitted and inheritable sets."""
    return system_call("capset", struct.pack("=II", _CAPABILITY_VERSION_3, 0), bytes(24))


def forbid_new_privileges() -> None:
    """Set `PR_SET_NO_NEW_PRIVS`: no setuid file has an effect any more."""
    checked(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "PR_SET_NO_NEW_PRIVS")


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class SeccompFilter:
    """A filter in the kernel's form, ready to be installed by one call."""

    def __init__(self, program: bytes) -> None:
        self._buffer = ctypes.create_string_buffer(program, len(program))
        self._header = _FilterProgram(len(program) // 8, ctypes.cast(self._buffer, ctypes.c_void_p))

    def install(self, *, told: bool = True) -> int | None:
        """Put the filter on this thread; return its listener's descriptor, or None when nobody is to be notified."""
        flags = _SECCOMP_FILTER_FLAG_NEW_LISTENER if told else 0
        answer = _syscall("seccomp", _SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(self._header))
        return answer if told else None


class _ResourceLimit(ctypes.Structure):
    _fields_ = (("soft", ctypes.c_uint64), ("hard", ctypes.c_uint64))  # struct rlimit


def resource_limit_call(what: int, soft: int, hard: int) -> PreparedCall:
    """Prepare setting a resource limit of this process."""
    limit = _ResourceLimit(soft & _UNLIMITED, hard & _UNLIMITED)  # RLIM_INFINITY is -1 in Python
    return library_call("setrlimit", what, ctypes.byref(limit), what=f"setrlimit({what})")


def close_all_but(keep: set[int]) -> None:
    """Close every descriptor that is not in `keep`."""
    start = 0
    for fd in sorted(keep):
        if start < fd:  # closerange(0, 0) closes everything: its last descriptor, -1, becomes the largest there is
            os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, 1 << 16)


def send_with_descriptors(sock: socket.socket, data: bytes | memoryview, descriptors: list[int]) -> int:
    """Send one message with descriptors attached; return how many of its bytes were sent."""
    packed = array.array("i", descriptors).tobytes()
    return sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, packed)] if descriptors else [])


def receive_with_descriptors(sock: socket.socket, size: int, most: int) -> tuple[bytes, list[int]]:
    """Receive one message and its descriptors; empty data is the other side's end of file."""
    data, ancillary, _flags, _address = sock.recvmsg(size, socket.CMSG_SPACE(most * 4), socket.MSG_CMSG_CLOEXEC)
    if not ancillary:
        return data, []
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[: len(content) - len(content) % 4])
    return data, list(descriptors)
