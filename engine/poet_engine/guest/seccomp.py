"""Build the seccomp filter: a BPF program made from lists of names.

What Python and the numeric libraries need is allowed. What only an attack asks for is *notified*: the supervisor on
the host learns number and arguments and decides, which is how a verdict can say `seccomp:ptrace`. What honest code
tries and does without is notified too, and denied with an error that its callers know. Everything else looks as if this
kernel did not have it (ENOSYS), so that libraries fall back instead of failing.
"""

import errno
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from . import syscalls

_ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 close
    close_range creat lseek stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2
    readlink readlinkat getcwd chdir fchdir getdents getdents64 mkdir mkdirat rmdir unlink unlinkat rename
    renameat renameat2 link linkat symlink symlinkat truncate ftruncate fallocate chmod fchmod fchmodat umask
    utimensat utime utimes futimesat fsync fdatasync sync_file_range copy_file_range sendfile splice tee
    fadvise64 dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1
    epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 timerfd_create timerfd_settime
    timerfd_gettime sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg shutdown getsockname getpeername
    mmap munmap mprotect mremap madvise msync brk mincore membarrier set_robust_list get_robust_list
    set_tid_address rseq arch_prctl
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack kill tgkill
    tkill pause alarm setitimer getitimer restart_syscall exit exit_group wait4 waitid getpid getppid gettid
    getpgrp getpgid getsid getuid geteuid getgid getegid getresuid getresgid getgroups capget getrusage
    getrlimit times sysinfo uname getcpu sched_yield sched_getaffinity sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min getpriority clock_gettime clock_getres clock_nanosleep
    nanosleep gettimeofday time getrandom timer_create timer_settime timer_gettime timer_getoverrun timer_delete
"""

# Only attacks ask for these, so the supervisor is notified.
_NOTIFIED = """
    ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd mount umount2 pivot_root chroot open_tree
    move_mount fsopen fsconfig fsmount fspick mount_setattr quotactl swapon swapoff setns unshare bpf
    perf_event_open userfaultfd keyctl add_key request_key execve execveat kexec_load kexec_file_load
    init_module finit_module delete_module open_by_handle_at name_to_handle_at reboot acct syslog personality
    modify_ldt iopl ioperm settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname vhangup
    setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset
"""

# Calls that honest code tries: each is denied with the error that its best-known callers forgive, the supervisor is
# notified, and a policy may have it end the run. None of them is ever carried out.
_DENIED: Mapping[int, str] = {
    # as a file system without attributes says it: `shutil` (copy2, copytree, move) and `cp` then do without
    errno.EOPNOTSUPP: """
        setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr
        lremovexattr fremovexattr setxattrat getxattrat listxattrat removexattrat
    """,
    # as for a user without privileges: `tarfile` and `shutil.chown` report it, `os.nice`, `psutil` and numerical
    # libraries that would bind their threads to cores go on; to lock memory is beyond a limit of 0
    errno.EPERM: """
        chown fchown lchown fchownat mknod mknodat setpriority ioprio_set sched_setaffinity sched_setscheduler
        sched_setparam sched_setattr mlock mlock2 mlockall munlock munlockall setpgid setsid
    """,
    errno.EACCES: "socket",  # of any family but Unix: what asks for a network catches OSError
}

# Answered with success and not done. What is written here lies in memory, so there is no disk to wait for; the real
# call would make this machine write what others have written.
_PRETENDED = "sync syncfs"
# Known to no policy: an option that this kind of socket does not have.
_QUIET = {"setsockopt": errno.ENOPROTOOPT}

# Stream sockets with names, for the servers of `multiprocessing`: only where a policy has processes to talk to each
# other, and where memory is counted that waits in sockets nobody has accepted yet. No filter can read an address, so
# what keeps these calls inside is the lane's network namespace and root (docs/threat-model.md).
NAMED_SOCKETS = ("bind", "listen", "connect", "accept", "accept4")

# Call → the error that it is denied with.
DENIALS: Mapping[str, int] = {name: number for number, names in _DENIED.items() for name in names.split()}
# Call → the error that it has without anybody being notified; 0 for success that is pretended.
QUIET: Mapping[str, int] = _QUIET | dict.fromkeys(_PRETENDED.split(), 0)

# A change of identity or capabilities; reported as `priv` rather than by the call's name.
PRIVILEGE_CALLS = frozenset(
    (
        "setuid",
        "setgid",
        "setreuid",
        "setregid",
        "setresuid",
        "setresgid",
        "setfsuid",
        "setfsgid",
        "setgroups",
        "capset",
    )
)

# include/uapi/linux/seccomp.h
_KILL_PROCESS, _ERRNO, _NOTIFY, _ALLOW = 0x80000000, 0x00050000, 0x7FC00000, 0x7FFF0000
_LOAD, _JUMP_EQUAL, _JUMP_ANY_BIT, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_AND = 0x54
# offsets in struct seccomp_data; arguments are 64 bits wide and their low half comes first on both architectures
_AT_NUMBER, _AT_ARCH, _AT_ARGS = 0, 4, 16
_X32_BIT = 0x40000000

_CLONE_THREAD = 0x00010000
_SIGCONT = 18  # on both architectures; by number, because hosts without that signal read this file too
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_STREAM, _SOCK_TYPE = 1, 0xF
_KIND, _ORDINARY_KINDS = 0xF000, (0, 0o100000, 0o010000)  # a file, a file, a named pipe
_SOL_SOCKET, _SO_REUSEADDR = 1, 2
# SO_TYPE ERROR SNDBUF RCVBUF ACCEPTCONN PROTOCOL DOMAIN: not SO_PEERPIDFD, which hands out the process of the host
SOCKET_OPTIONS = (3, 4, 7, 8, 30, 38, 39)
# include/uapi/linux/futex.h
_FUTEX_WAIT, _FUTEX_WAKE, _FUTEX_WAIT_BITSET, _FUTEX_WAKE_BITSET = 0, 1, 9, 10
_FUTEX_COMMAND, _FUTEX_PRIVATE = 0x7F, 0x80
# NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET, and NEWTIME
NAMESPACE_FLAGS = 0x7E020080

IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
# F_DUPFD GETFD SETFD GETFL SETFL DUPFD_CLOEXEC SETPIPE_SZ GETPIPE_SZ, and F_GETLK and F_OFD_GETLK, which tell of the
# locks that others hold. No leases: like locks they would be a channel over the inodes of the shared read-only files.
FCNTLS = (0, 1, 2, 3, 4, 1030, 1031, 1032, 5, 36)
LOCKS = (6, 7, 37, 38)  # F_SETLK SETLKW OFD_SETLK OFD_SETLKW
_PRCTLS = (3, 15, 16, 23, 0x53564D41)  # GET_DUMPABLE SET_NAME GET_NAME CAPBSET_READ SET_VMA

_Program = list[bytes]


def _instruction(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, k)


def _answer(action: int) -> bytes:
    return _instruction(_RETURN, action)


def _errno(number: int) -> int:
    return _ERRNO | number


def _argument(index: int) -> bytes:
    """Load the low 32 bits of an argument.

    The kernel truncates these arguments to 32 bits; a 64-bit comparison could be walked around by setting a high bit.
    """
    return _instruction(_LOAD, _AT_ARGS + 8 * index)


def _one_of(index: int, values: Iterable[int], otherwise: int) -> _Program:
    """Allow the call when an argument is one of `values`; give the answer `otherwise` when it is not."""
    block = [_argument(index)]
    for value in values:
        block += [_instruction(_JUMP_EQUAL, value, 0, 1), _answer(_ALLOW)]
    return [*block, _answer(otherwise)]


class _Answers(NamedTuple):
    """Actions of the filter where a supervisor would decide.

    Attributes:
        forbidden: The action for calls that only an attack asks for.
        process: The action for a request for another process.
        denied: The action for calls that honest code tries; None for the error of each.
    """

    forbidden: int
    process: int
    denied: int | None

    def denial(self, name: str) -> _Program:
        """Return the answer to a call that honest code tries."""
        return [_answer(_errno(DENIALS[name]) if self.denied is None else self.denied)]


_HEARD = _Answers(_NOTIFY, _NOTIFY, _NOTIFY)
# Without a supervisor (gVisor has no notifications) nobody learns which call it was.
_UNHEARD = _Answers(_KILL_PROCESS, _errno(errno.EAGAIN), None)
_LENIENT = _Answers(_errno(errno.EPERM), _errno(errno.EAGAIN), None)


def _clone(answers: _Answers, *, processes: bool) -> _Program:
    return [
        _argument(0),
        _instruction(_JUMP_ANY_BIT, NAMESPACE_FLAGS, 0, 1),
        _answer(answers.forbidden),
        _instruction(_JUMP_ANY_BIT, _CLONE_THREAD, 0, 1),
        _answer(_ALLOW),
        _answer(_ALLOW if processes else answers.process),
    ]


def _socket(answers: _Answers, *, named: bool) -> _Program:
    """Refuse a Unix socket quietly (a library may try a log socket), and deny any other family.

    With `named`, stream sockets are allowed. A datagram socket stays refused, since it sends to any address.
    """
    unix = [_answer(_errno(errno.EACCES))]
    if named:
        unix = [
            _argument(1),
            _instruction(_AND, _SOCK_TYPE),
            _instruction(_JUMP_EQUAL, _SOCK_STREAM, 0, 1),
            _answer(_ALLOW),
            *unix,
        ]
    return [
        _argument(0),
        _instruction(_JUMP_EQUAL, _AF_UNIX, 0, len(unix)),
        *unix,
        *answers.denial("socket"),
    ]


def _named_sockets() -> dict[str, _Program]:
    """Return the answers to what a server and its clients ask of stream sockets.

    A Unix socket has no address to reuse: who asks for that is told that it is done.
    """
    reuse = [
        _argument(1),
        _instruction(_JUMP_EQUAL, _SOL_SOCKET, 0, 3),
        _argument(2),
        _instruction(_JUMP_EQUAL, _SO_REUSEADDR, 0, 1),
        _answer(_errno(0)),
        _answer(_errno(_QUIET["setsockopt"])),
    ]
    return {"setsockopt": reuse} | {name: [_answer(_ALLOW)] for name in NAMED_SOCKETS}


def _socketpair() -> _Program:
    """Allow stream pairs of Unix sockets. A datagram socket is not bound to its peer: it can send to any address."""
    return [
        _argument(0),
        _instruction(_JUMP_EQUAL, _AF_UNIX, 0, 3),
        _argument(1),
        _instruction(_AND, _SOCK_TYPE),
        _instruction(_JUMP_EQUAL, _SOCK_STREAM, 1, 0),
        _answer(_errno(errno.EAFNOSUPPORT)),
        _answer(_ALLOW),
    ]


def _nodes(answers: _Answers, name: str, mode: int) -> _Program:
    """Allow what every user may make, such as a named pipe in the call's own folder, and deny device files.

    They are files of that folder like any other: it is gone with the call, and who collects files waits for none.
    `mode` is the argument whose upper bits, of the 16 that the kernel takes, are the kind.
    """
    kinds: _Program = []
    for kind in _ORDINARY_KINDS:
        kinds += [_instruction(_JUMP_EQUAL, kind, 0, 1), _answer(_ALLOW)]
    return [_argument(mode), _instruction(_AND, _KIND), *kinds, *answers.denial(name)]


def _locks(*, processes: bool) -> _Program:
    """Answer a request for a lock of a whole file.

    A single process has nobody to exclude: it is told that it has the lock, and none is taken. A lock that is taken on
    a file which lanes share would carry messages from lane to lane.
    """
    return [_answer(_ALLOW if processes else _errno(0))]


def _fcntl(*, processes: bool) -> _Program:
    """Allow the listed commands; answer those for locks of records as `_locks` does."""
    locks: _Program = []
    for command in LOCKS:
        locks += [_instruction(_JUMP_EQUAL, command, 0, 1), *_locks(processes=processes)]
    return [_argument(1), *locks, *_one_of(1, FCNTLS, _errno(errno.EINVAL))]


def _futex(*, processes: bool) -> _Program:
    """Allow futexes among the threads of one process, and waiting and waking among processes where there are any.

    One that is not private is named by inode and offset when it lies on a page of a file, writable or not, so that two
    lanes could meet on the text of the C library. Where there is one process only, the errors are those that the C
    library takes without ending it: joining a thread then waits by asking again, and a wait with a time limit is over
    at once, since it would ask again for ever.
    """
    program = [
        _argument(1),
        _instruction(_JUMP_ANY_BIT, _FUTEX_PRIVATE, 0, 1),
        _answer(_ALLOW),
        _instruction(_AND, _FUTEX_COMMAND),
    ]
    if processes:
        for command in (_FUTEX_WAIT, _FUTEX_WAIT_BITSET, _FUTEX_WAKE, _FUTEX_WAKE_BITSET):
            program += [_instruction(_JUMP_EQUAL, command, 0, 1), _answer(_ALLOW)]
        return [*program, _answer(_errno(errno.EINVAL))]
    return [
        *program,
        _instruction(_JUMP_EQUAL, _FUTEX_WAIT, 2, 0),
        _instruction(_JUMP_EQUAL, _FUTEX_WAIT_BITSET, 1, 0),
        _answer(_errno(errno.EINVAL)),
        _argument(3),
        _instruction(_JUMP_EQUAL, 0, 0, 3),
        _instruction(_LOAD, _AT_ARGS + 8 * 3 + 4),
        _instruction(_JUMP_EQUAL, 0, 0, 1),
        _answer(_errno(errno.EAGAIN)),
        _answer(_errno(errno.ETIMEDOUT)),
    ]


def _own_prlimit() -> _Program:
    """Allow reading limits, and setting one's own: those of another process only while no new limit is passed.

    Without CAP_SYS_RESOURCE no hard limit can be raised and no soft one lifted above it, and every hard limit that we
    set is the budget itself. They belong to the process alone, so that nobody else can see or feel what it sets. Those
    of others are kept: the process that payloads are forked from may have the same user.
    """
    return [
        _argument(0),
        _instruction(_JUMP_EQUAL, 0, 0, 1),
        _answer(_ALLOW),
        _argument(2),
        _instruction(_JUMP_EQUAL, 0, 1, 0),
        _answer(_errno(errno.EPERM)),
        _instruction(_LOAD, _AT_ARGS + 8 * 2 + 4),
        _instruction(_JUMP_EQUAL, 0, 1, 0),
        _answer(_errno(errno.EPERM)),
        _answer(_ALLOW),
    ]


def _by_argument(answers: _Answers, *, processes: bool, named: bool) -> dict[str, _Program]:
    """Return the calls whose answer depends on an argument, or on whether processes may be started."""
    fork = [_answer(_ALLOW if processes else answers.process)]
    return {
        "futex": _futex(processes=processes),
        "flock": _locks(processes=processes),
        "clone": _clone(answers, processes=processes),
        "fork": fork,
        "vfork": fork,
        "socket": _socket(answers, named=named),
        "socketpair": _socketpair(),
        "mknod": _nodes(answers, "mknod", 1),
        "mknodat": _nodes(answers, "mknodat", 2),
        "getsockopt": _one_of(2, SOCKET_OPTIONS, _errno(errno.ENOPROTOOPT)),
        "ioctl": _one_of(1, IOCTLS, _errno(errno.ENOTTY)),
        "fcntl": _fcntl(processes=processes),
        "prctl": _one_of(0, _PRCTLS, _errno(errno.EPERM)),
        "prlimit64": _own_prlimit(),
    }


def _ranges(answers: Mapping[int, _Program], otherwise: _Program) -> list[tuple[int, _Program]]:
    """Join neighbouring numbers with one answer into ranges; return each range's first number and answer, in order."""
    found: list[tuple[int, _Program]] = [(0, answers.get(0, otherwise))]
    for number in sorted({*answers, *(number + 1 for number in answers)}):
        block = answers.get(number, otherwise)
        if block != found[-1][1]:
            found.append((number, block))
    return found


def _search(ranges: Sequence[tuple[int, _Program]]) -> _Program:
    """Build a binary search for the range that the loaded number is in.

    The kernel runs a new filter once for each system call that there is, to learn which need not ask it any more. One
    comparison after the other made that two thirds of a millisecond for every payload.
    """
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, rest = _search(ranges[:middle]), _search(ranges[middle:])
    return [_instruction(_JUMP_GREATER_EQUAL, ranges[middle][0], len(below), 0), *below, *rest]


def _but_for_continuing(index: int) -> _Program:
    """Allow any signal but SIGCONT, which continues a stopped process; `index` is the signal's argument."""
    return [
        _argument(index),
        _instruction(_JUMP_EQUAL, _SIGCONT, 0, 1),
        _answer(_errno(errno.EPERM)),
        _answer(_ALLOW),
    ]


# For payloads that are stopped between their calls: each way in which one of its processes could continue another, or
# itself. What else has a signal of choice sent (F_SETSIG, message queues) is on no list anyway.
_STAYS_STOPPED: Mapping[str, _Program] = {
    "kill": _but_for_continuing(1),
    "tkill": _but_for_continuing(1),
    "tgkill": _but_for_continuing(2),
    "timer_create": [_answer(_errno(errno.ENOSYS))],
}


def program(
    *,
    processes: bool,
    named: bool = False,
    keep: bool = False,
    audit: bool = False,
    told: bool = True,
    lenient: bool = False,
    strict: bool = False,
) -> bytes:
    """Build the filter for this machine, as an array of `struct sock_filter`.

    Args:
        processes: Whether the code may start processes. If not, asking for one is notified; threads are always allowed
            here, because counting them is the work of the cgroup.
        named: Whether the code may give Unix stream sockets names, and listen and connect there.
        keep: Whether the payload is stopped between calls, and must not be able to have itself continued.
        audit: Notify calls on neither list too, so that the lists can be measured. Only our own tests run so.
        told: Whether a supervisor is notified. If not, a forbidden call ends the process.
        lenient: Let a forbidden call fail instead. Only our own probes run so.
        strict: Where no supervisor is notified, let a denied call end the process too.
    """
    answered = _HEARD if told else _LENIENT if lenient else _UNHEARD
    if strict and answered is _UNHEARD:
        answered = _UNHEARD._replace(denied=_KILL_PROCESS)
    by_name = {name: [_answer(answered.forbidden)] for name in _NOTIFIED.split()}
    by_name |= {name: answered.denial(name) for name in DENIALS}
    by_name |= {name: [_answer(_errno(number))] for name, number in QUIET.items()}
    by_name |= {name: [_answer(_ALLOW)] for name in _ALLOWED.split()}
    by_name |= _by_argument(answered, processes=processes, named=named)
    by_name |= _named_sockets() if named else {}
    by_name |= _STAYS_STOPPED if keep else {}
    answers = {syscalls.NUMBERS[name]: block for name, block in by_name.items() if name in syscalls.NUMBERS}
    parts: _Program = [
        _instruction(_LOAD, _AT_ARCH),
        _instruction(_JUMP_EQUAL, syscalls.AUDIT_ARCHES[syscalls.MACHINE], 1, 0),
        _answer(_KILL_PROCESS),
        _instruction(_LOAD, _AT_NUMBER),
    ]
    if syscalls.MACHINE == "x86_64":
        parts += [_instruction(_JUMP_GREATER_EQUAL, _X32_BIT, 0, 1), _answer(_KILL_PROCESS)]
    return b"".join([*parts, *_search(_ranges(answers, [_answer(_NOTIFY if audit else _errno(errno.ENOSYS))]))])


def is_forbidden(name: str) -> bool:
    """Return whether a call is one that only attacks ask for, rather than one that is on no list."""
    return name in _NOTIFIED.split() or name in ("clone", "fork", "vfork")


def names_used() -> frozenset[str]:
    """Return every call that the program allows or notifies whatever its arguments are."""
    return frozenset((*_ALLOWED.split(), *_NOTIFIED.split()))


def asks_for_process(name: str, arguments: tuple[int, ...]) -> bool:
    """Return whether a notified call would start a process, rather than a namespace."""
    return name in ("fork", "vfork") or (name == "clone" and not arguments[0] & NAMESPACE_FLAGS)


def is_internet_socket(name: str, arguments: tuple[int, ...]) -> bool:
    """Return whether a notified call asked for an internet socket."""
    return name == "socket" and (arguments[0] & 0xFFFFFFFF) in (_AF_INET, _AF_INET6)
