"""Try to break each isolation guarantee, as ordinary code in the sandbox: the host sends this file as a job's source.

Each attempt reports that it was made, whether it got through, and what the kernel answered.
"""

import ctypes
import errno
import mmap
import os
import socket
import threading
from collections.abc import Callable

_NEWUSER = 0x10000000
# Bytes of stack for each thread that is tried. The interpreter asks for eight MiB otherwise: a few dozen of those use
# up the budget of memory, and then it is not the number of tasks that is tried.
_STACK = 128 << 10
_libc = ctypes.CDLL(None, use_errno=True)


def _attempt(deed: str, action: Callable[[], object]) -> dict[str, object]:
    try:
        result = action()
    except OSError as error:
        return {"deed": deed, "through": False, "answer": errno.errorcode.get(error.errno or 0, str(error))}
    except (RuntimeError, MemoryError) as error:
        return {"deed": deed, "through": False, "answer": f"{type(error).__name__}: {error}"}
    return {"deed": deed, "through": True, "answer": str(result)[:80]}


def _call(name: str, *arguments: object) -> object:
    result = getattr(_libc, name)(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read(16)


def _others() -> str:
    """Count the processes beside this one and the first, which a container shows."""
    seen = {int(name) for name in os.listdir("/proc") if name.isdecimal()} - {1, os.getpid()}
    if not seen:
        raise OSError(errno.ENOENT, "none is to be seen")
    return f"{len(seen)} processes"


def _write(path: str) -> str:
    with open(path, "w", encoding="utf-8") as file:
        file.write("through")
    os.unlink(path)  # it got through: nothing of that is left behind
    return path


def _connect(port: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        connection.connect(("127.0.0.1", port))
    return "connected"


def _reserve(size: int) -> str:
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    return f"{size} bytes mapped"


def _fork() -> str:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return f"process {pid}"


def _start_threads(allowed: int) -> str:
    """Start one thread more than tasks are allowed, all alive at once."""
    enough = threading.Event()
    started: list[threading.Thread] = []
    usual = threading.stack_size(_STACK)
    try:
        for _ in range(allowed + 1):
            thread = threading.Thread(target=enough.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError as error:
        if len(started) > allowed:
            return f"{len(started)} threads"
        raise OSError(errno.EAGAIN, str(error)) from None
    finally:
        enough.set()
        threading.stack_size(usual)
    return f"{len(started)} threads"


def attempt_all(
    public: str, port: int, memory: int, processes: int, threads: int
) -> dict[str, list[dict[str, object]]]:
    """Make every attempt; return isolation check → attempts.

    Args:
        public: A file of the host that its permissions let everybody read.
        port: The port at which a listener of the host waits on its loopback address.
        memory: The memory budget, in bytes.
        processes: Processes allowed beyond the first.
        threads: Threads allowed beyond the first.
    """
    null = ctypes.c_void_p(None)
    # what counts them does not tell processes and threads apart, so that either may be started in place of the other
    tasks = [_attempt("start more threads than allowed", lambda: _start_threads(processes + threads))]
    if processes == 0:
        tasks.append(_attempt("fork", _fork))
    return {
        "filesystem": [
            _attempt("read a file of the host", lambda: _read(public)),
            _attempt("see other processes in /proc", _others),
            _attempt("write to the root folder", lambda: _write("/poet-probe")),
        ],
        "network": [_attempt("connect to a listener of the host", lambda: _connect(port))],
        "privilege": [
            _attempt("become root", lambda: _call("setresuid", 0, 0, 0)),
            _attempt(
                "mount a file system", lambda: _call("mount", b"none", b"/tmp", b"tmpfs", ctypes.c_ulong(0), null)
            ),
            _attempt("change the root folder", lambda: os.chroot("/tmp")),
        ],
        "syscalls": [
            _attempt("ptrace", lambda: _call("ptrace", 0, 0, null, null)),
            _attempt("unshare a user namespace", lambda: _call("unshare", _NEWUSER)),
            _attempt("execute a program", lambda: _call("execve", b"/proc/self/exe", null, null)),
        ],
        "memory": [_attempt("map more than the budget", lambda: _reserve(memory + (64 << 20)))],
        "tasks": tasks,
    }


def grow(memory: int) -> int:
    """Touch more memory than the budget through a shared mapping, which no limit on private data sees."""
    step, touched = 1 << 20, 0
    region = mmap.mmap(-1, memory + (64 << 20), flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    while touched < len(region):
        region[touched : touched + step] = b"x" * min(step, len(region) - touched)
        touched += step
    return touched
