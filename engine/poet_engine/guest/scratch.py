"""Empty the writable folders of a container between two payloads, and prove that they are empty.

Nothing can be mounted anew, so what else of the container a payload may touch is made to look the same after each call.

Everything that could change the folders has ended by then. Their content may be odd all the same: folders without
permissions, thousands of levels deep, names of any bytes. The walk keeps its own stack and gives up at a bound, because
a container that is not proven empty is not used again.
"""

import contextlib
import os
import stat

FOLDERS = ("/tmp", "/dev/shm")
_MOST_ENTRIES = 20_000
_MOST_DEPTH = 200  # each level holds a descriptor
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IPC = ("/proc/sysvipc/msg", "/proc/sysvipc/sem", "/proc/sysvipc/shm")
_QUEUES = "/dev/mqueue"
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts/ptmx", "fuse")
# Who may write to a thing may set its times to now, and a device's are read by stat, which Landlock does not know.
_TIMED = (*FOLDERS, _QUEUES, *(f"/dev/{name}" for name in _DEVICES))


class Scratch:
    """The writable folders, with their free space and IPC objects as they were before anything ran."""

    def __init__(self) -> None:
        self._folders = [folder for folder in FOLDERS if os.path.isdir(folder)]
        self._at_first = self._room()
        self._ipc = _ipc()

    def _room(self) -> list[tuple[int, int]]:
        found = [os.statvfs(folder) for folder in self._folders]
        return [(each.f_bfree, each.f_ffree) for each in found]

    @property
    def used(self) -> int:
        """Bytes of files in the folders."""
        free = zip(self._folders, self._at_first, self._room(), strict=True)
        return sum((before[0] - now[0]) * os.statvfs(folder).f_frsize for folder, before, now in free)

    def clear(self) -> bool:
        """Remove everything; return whether the folders are as they were at first."""
        left = _MOST_ENTRIES
        for folder in self._folders:
            try:
                left = _empty(folder, left)
            except OSError:
                return False
        if left < 0 or any(os.listdir(folder) for folder in self._folders):
            return False
        _forget_times()
        return self._room() == self._at_first and _ipc() == self._ipc


def _forget_times() -> None:
    """Set the times of what the payload could touch to now: they then tell nothing but when the call ended."""
    for path in _TIMED:
        with contextlib.suppress(OSError):
            os.utime(path)


def _ipc() -> list[bytes | list[str]]:
    """List the System V objects and message queues that can be seen; the calls that make them are refused as well."""
    found: list[bytes | list[str]] = []
    for path in _IPC:
        with contextlib.suppress(OSError), open(path, "rb") as file:
            found.append(file.read(1 << 16))
    with contextlib.suppress(OSError):
        found.append(os.listdir(_QUEUES))
    return found


def _empty(folder: str, left: int) -> int:
    """Empty a folder; return how many of the `left` entries may still be looked at, negative if there were too many."""
    stack = [(os.open(folder, _FOLDER), "")]
    try:
        while stack and left >= 0:
            fd, _name = stack[-1]
            below = None
            for name in os.listdir(fd):
                left -= 1
                if left < 0 or (below := _remove(fd, name)) is not None:
                    break
            if left < 0 or (below is not None and len(stack) >= _MOST_DEPTH):
                return -1
            if below is not None:
                stack.append(below)
                continue
            os.close(fd)
            _fd, name = stack.pop()
            if stack:
                os.rmdir(name, dir_fd=stack[-1][0])
    finally:
        for fd, _name in stack:
            os.close(fd)
    return left


def _remove(folder: int, name: str) -> tuple[int, str] | None:
    """Remove one entry; a folder that is not empty is returned opened instead."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not stat.S_ISDIR(mode):
        os.unlink(name, dir_fd=folder)
        return None
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError:
        os.chmod(name, 0o700, dir_fd=folder)  # it is no link, and nobody is left who could make it one
        return os.open(name, _FOLDER, dir_fd=folder), name
    return None
